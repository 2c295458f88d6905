"""What an operator does with a running Homeward, by the same events and calls as anybody else."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.progress import SearchProgress
from homeward.cli.results import sightings_of
from homeward.shared.clock import Clock
from homeward.shared.events import Event
from homeward.shared.instants import from_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.topics import CLIPS, FACES, SEARCH_TASKS, Topic
from homewardapi.clip.v1.clip_pb2 import Clip
from homewardapi.face.v1.face_pb2 import ClipFaces
from homewardapi.matching.v1.matching_service_pb2 import CountTemplatesRequest
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub
from homewardapi.sighting.v1.sighting_pb2 import Sighting

_CALL_S: Final = 10.0
CAMERA_SLACK: Final = timedelta(seconds=1)
"""How much of a file's end may be missing from its last clip: a declared duration is no frame's time."""


class WaitedTooLongError(Exception):
    """Something did not happen in the time given; it says what."""


@dataclass(frozen=True, slots=True)
class Searched:
    """How much of the recordings has been looked through for faces: clips stored, and clips searched, and by what."""

    stored: int
    searched: int
    faces: int
    detector: str


class Operator:
    """One operator's hands. Blocking calls; each that waits takes a time limit and tells its progress."""

    def __init__(self, context: Context, clock: Clock) -> None:
        self.context = context
        self.log = EventLog(context.kafka)
        self.store = MinioStore(context.object_store)
        self._clock = clock
        self._producer = EventProducer(context.kafka, client_id="homeward-cli")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()

    def publish(self, *events: Event) -> None:
        """Publish events and return when each is delivered."""
        self._producer.send(events)

    def wait_detected(
        self,
        until: Mapping[str, datetime],
        timeout: timedelta,
        progress: Callable[[Searched], None] = lambda _: None,
    ) -> Searched:
        """Return when each camera of `until` is recorded up to its time, and every stored clip was searched for faces.

        Raises WaitedTooLongError, which names the cameras.
        """
        ends: dict[str, datetime] = {}
        stored: set[str] = set()
        searched: dict[str, int] = {}
        detectors: set[str] = set()
        for message in self._messages([CLIPS, FACES], timeout):
            if isinstance(message, Clip) and message.camera_id in until:
                ends[message.camera_id] = max(
                    ends.get(message.camera_id, from_timestamp(message.ends_at)), from_timestamp(message.ends_at)
                )
                if message.WhichOneof("outcome") == "stored":
                    stored.add(message.clip_id)
            elif isinstance(message, ClipFaces) and message.camera_id in until:
                searched[message.clip_id] = len(message.faces)
                detectors.add(message.detector.name)
            state = Searched(
                len(stored), len(stored & searched.keys()), sum(searched.values()), " and ".join(sorted(detectors))
            )
            progress(state)
            recorded = all(camera in ends and ends[camera] >= end - CAMERA_SLACK for camera, end in until.items())
            if recorded and stored <= searched.keys():
                return state
        late = ", ".join(
            sorted(camera for camera, end in until.items() if ends.get(camera, end - timedelta(days=1)) < end)
        )
        raise WaitedTooLongError(f"not recorded and searched within {timeout}: {late or 'clips of every camera'}")

    def wait_searched(
        self,
        authorisation_id: str,
        timeout: timedelta,
        progress: Callable[[SearchProgress], None] = lambda _: None,
    ) -> SearchProgress:
        """Return how a search over the recordings ended, or that it was refused; raise WaitedTooLongError."""
        state = SearchProgress()
        for event in self._events([SEARCH_TASKS], timeout):
            if event is not None:
                state = state.after(event, authorisation_id)
                progress(state)
            if state.finished:
                return state
        raise WaitedTooLongError(f"the search {authorisation_id} has not ended within {timeout}")

    def sightings(self, authorisation_id: str) -> list[Sighting]:
        """Return what was found, once each by id, best first."""
        return sightings_of(self.log, authorisation_id)

    def crop(self, sighting: Sighting) -> bytes:
        """Return the picture of a sighting as JPEG, for a reviewer's eyes."""
        crop = sighting.crop
        return self.store.get_range(CROPS_BUCKET, sighting.crops_key, crop.offset_bytes, crop.length_bytes)

    def templates_at_rest(self) -> int:
        """Return how many templates matching keeps."""
        with self.context.matching() as channel:
            stub = MatchingServiceStub(channel)
            return int(stub.CountTemplates(CountTemplatesRequest(), timeout=_CALL_S, wait_for_ready=True).templates)

    def wait_templates(self, count: int, timeout: timedelta) -> None:
        """Return when exactly `count` templates are at rest; raise WaitedTooLongError."""
        deadline = self._clock.monotonic() + timeout.total_seconds()
        while (found := self.templates_at_rest()) != count:
            if self._clock.monotonic() > deadline:
                raise WaitedTooLongError(f"{found} templates are at rest, and not {count}, after {timeout}")
            self._clock.sleep(0.2)

    def _messages(self, topics: list[Topic], timeout: timedelta) -> Iterable[object]:
        for event in self._events(topics, timeout):
            yield None if event is None else event.message

    def _events(self, topics: list[Topic], timeout: timedelta) -> Iterable[Event | None]:
        """Yield events from the beginning of `topics` on, until `timeout` is over."""
        stop = threading.Event()
        deadline = self._clock.monotonic() + timeout.total_seconds()
        for event in self.log.follow(topics, stop, from_start=True):
            yield event
            if self._clock.monotonic() > deadline:
                stop.set()
