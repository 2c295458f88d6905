"""The matching service as a process, with an embedder of the test's own."""

import struct
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from homeward.cli.embedded.ports import free_ports
from homeward.cli.embedded.process import ChildProcess, Command
from homeward.cli.eventlog import EventLog
from homeward.matching.ports import CropReference, PhotoReference, Reference
from homeward.matching.template import Template
from homeward.shared.authorisation import AuthorisationDeniedError, SearchFaces, Verifier
from homeward.shared.calibration import write_calibration
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event
from homeward.shared.ids import sighting_id
from homeward.shared.runtime.grpc_server import serve
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import SEARCH_TASKS, SIGHTINGS
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1.embedding_service_pb2_grpc import (
    EmbeddingServiceServicer,
    add_EmbeddingServiceServicer_to_server,
)
from homewardapi.matching.v1 import matching_service_pb2 as matching_pb
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub
from homewardapi.search.v1.search_pb2 import SearchTask
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.authorisations import Authority, MovableClock, request
from support.matching import (
    MODEL,
    OTHER_MODEL,
    SUBJECT,
    FakeEmbedder,
    calibration_of,
    clip,
    closed,
    faces_event,
    opened,
    vector,
)

PATIENCE_S = 60.0
CLIP = timedelta(seconds=10)


class EmbeddingServicer(EmbeddingServiceServicer):
    """Answers with the fake embedder's templates, `delay_s` each, to tokens that verify."""

    def __init__(self, embedder: FakeEmbedder, verifier: Verifier) -> None:
        self.embedder = embedder
        self.delay_s = 0.0
        self.crops_asked = 0
        self._verifier = verifier

    def Embed(  # noqa: N802 - the contract's name
        self, request_iterator: Iterator[pb.EmbedRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.EmbedResponse]:
        opening = next(request_iterator)
        try:
            authorisation = self._verifier.verify(opening.open.token)
            authorisation.permit(SearchFaces())
        except AuthorisationDeniedError:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "denied")
        for message in _newest_first(request_iterator):
            asked: Reference
            if message.WhichOneof("request") == "crop":
                crop = message.crop
                asked, request_id = (
                    CropReference(crop.crops_key, crop.offset_bytes, crop.length_bytes),
                    crop.request_id,
                )
                self.crops_asked += 1
                time.sleep(self.delay_s)
            else:
                asked, request_id = PhotoReference(message.photo.photo_key), message.photo.request_id
            answer = self.embedder.answer(asked)
            if isinstance(answer, Template):
                template = pb.Template(values=answer.values.tolist(), embedder=answer.model.to_message())
                yield pb.EmbedResponse(request_id=request_id, template=template)
            else:
                refusal = pb.Refusal(reason=answer.reason)  # type: ignore[arg-type]
                yield pb.EmbedResponse(request_id=request_id, refusal=refusal)


def _newest_first(requests: Iterator[pb.EmbedRequest]) -> Iterator[pb.EmbedRequest]:
    """Yield, of the requests that have come, the newest: answers may come in any order."""
    waiting: list[pb.EmbedRequest | None] = []
    changed = threading.Condition()

    def take() -> None:
        with suppress(grpc.RpcError):
            for request in requests:
                with changed:
                    waiting.append(request)
                    changed.notify()
        with changed:
            waiting.insert(0, None)
            changed.notify()

    threading.Thread(target=take, daemon=True).start()
    while True:
        with changed:
            changed.wait_for(lambda: waiting)
            newest = waiting.pop()
        if newest is None:
            return
        yield newest


@contextmanager
def serving(servicer: EmbeddingServicer, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve an embedder; yield its target."""
    server = serve(
        listen,
        lambda grpc_server: add_EmbeddingServiceServicer_to_server(servicer, grpc_server),
        services=["homewardapi.embedding.v1.EmbeddingService"],
        drain=timedelta(seconds=1),
    )
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        stop.set()
        thread.join(10)


@dataclass
class Matching:
    """One matching service, a process, with hands on everything around it."""

    kafka: KafkaSettings
    folder: Path
    servicer: EmbeddingServicer
    target: str
    authority: Authority
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.producer = EventProducer(self.kafka)
        self.events = EventLog(self.kafka)
        self.grpc_port, self.operations_port = free_ports(2)
        keys = self.folder / "keys.json"
        self.authority.keys.save_jwks(keys)
        calibrations = self.folder / "calibrations"
        calibrations.mkdir()
        for model in (MODEL, OTHER_MODEL):
            write_calibration(calibration_of(model), calibrations / f"{model.name}.json")
        environment = {
            "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "HOMEWARD_OPERATIONS__PORT": str(self.operations_port),
            "HOMEWARD_GRPC_LISTEN": f"127.0.0.1:{self.grpc_port}",
            "HOMEWARD_EMBEDDING_TARGET": self.target,
            "HOMEWARD_AUTHORISATION_KEYS": str(keys),
            "HOMEWARD_QDRANT_FOLDER": str(self.templates_folder),
            "HOMEWARD_TASK_MESSAGES": "20",
            "HOMEWARD_TASK_FACES": "15",
            "HOMEWARD_CROPS_UNDER_WAY": "16",
            "HOMEWARD_CALIBRATIONS_FOLDER": str(calibrations),
        }
        command = Command(
            "matching",
            [sys.executable, "-m", "homeward.matching", "run"],
            self.folder,
            self.folder / "matching.log",
            environment | self.extra,
        )
        self.process = ChildProcess(command)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}")
        self.stub = MatchingServiceStub(self.channel)

    @property
    def templates_folder(self) -> Path:
        return self.folder / "templates"

    def start(self) -> None:
        self.process.start()
        self.process.wait_ready(self._ready, PATIENCE_S)

    def close(self) -> None:
        self.process.stop()
        self.channel.close()
        self.producer.close()

    def log(self) -> str:
        return (self.folder / "matching.log").read_text()

    def tasks(self) -> list[SearchTask]:
        return [event.message for event in self.events.snapshot(SEARCH_TASKS) if isinstance(event.message, SearchTask)]

    def sightings(self) -> list[Sighting]:
        return [event.message for event in self.events.snapshot(SIGHTINGS) if isinstance(event.message, Sighting)]

    def completed(self, authorisation_id: str) -> bool:
        """Whether every task of a search that was planned is done, whatever its live search told of."""
        tasks = [task for task in self.tasks() if task.authorisation_id == authorisation_id]
        planned = {task.planned.task_count for task in tasks if task.HasField("planned")}
        done = {
            task.task_id: task.completed
            for task in tasks
            if task.HasField("completed") and not task.completed.HasField("optional_clip_id")
        }
        more = sum(task.HasField("optional_continued_by") for task in done.values())
        return bool(planned) and len(done) == max(planned) + more

    def publish(self, *events: Event) -> None:
        self.producer.send(events)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.operations_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def real_time_authority() -> Authority:
    """Return an authority that signs at the machine's time, as a service in another process must find it."""
    return Authority(clock=MovableClock(datetime.now(UTC).replace(microsecond=0)))


def real_time_verifier(authority: Authority) -> Verifier:
    """Return a verifier by the machine's clock."""
    return Verifier(authority.keys, SystemClock())


def wait_until(condition: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> float:
    """Return the seconds until `condition` held; fail when it does not."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within_s, f"not within {within_s:g} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


@dataclass
class Scene:
    """One test's own authorisation and cameras at a service that others may use too."""

    matching: Matching
    authorisation_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        mark = self.authorisation_id[:8]
        self.gate, self.hall, self.yard = f"gate-{mark}", f"hall-{mark}", f"yard-{mark}"
        embedder = self.matching.servicer.embedder
        embedder.model, embedder.photos = MODEL, {}
        self.matching.servicer.delay_s = 0.0
        self._asked_before = self.matching.servicer.crops_asked

    @property
    def crops_asked(self) -> int:
        """How many crops were embedded since the scene began."""
        return self.matching.servicer.crops_asked - self._asked_before

    def record(self, camera_id: str, begins: datetime, people: Sequence[Sequence[int]], crops: int = 2) -> list[str]:
        """Publish clips of `camera_id`, one after the other; return the ids of the subject's sightings in them."""
        clips = [clip(camera_id, begins + number * CLIP, seen, crops=crops) for number, seen in enumerate(people)]
        self.matching.publish(*(faces_event(message, datetime.now(UTC)) for message in clips))
        return [
            sighting_id(self.authorisation_id, message.clip_id, index)
            for message, seen in zip(clips, people, strict=True)
            for index, person in enumerate(seen)
            if person == SUBJECT
        ]

    def authorise(self, *, photos: int = 1, lifetime: timedelta = timedelta(hours=12)) -> None:
        """Open a search of the gate and the hall, from three hours ago to three hours from now."""
        clock = self.matching.authority.clock
        clock.move(datetime.now(UTC).replace(microsecond=0) - clock.now())
        span = timedelta(hours=3)
        asked = request(
            self.authorisation_id,
            camera_ids=(self.gate, self.hall),
            window=(clock.now() - span, clock.now() + span),
            photos=photos,
            lifetime=lifetime,
        )
        self.matching.publish(opened(self.authorisation_id, self.matching.authority.token(asked), datetime.now(UTC)))

    def close(self) -> None:
        """Close the search."""
        self.matching.publish(closed(self.authorisation_id, datetime.now(UTC)))

    def tasks(self) -> list[SearchTask]:
        return [task for task in self.matching.tasks() if task.authorisation_id == self.authorisation_id]

    def sightings(self) -> list[Sighting]:
        return [one for one in self.matching.sightings() if one.authorisation_id == self.authorisation_id]

    def found(self) -> set[str]:
        """Return the sightings by id: a clip that came around the opening may be searched twice, with one id."""
        return {sighting.sighting_id for sighting in self.sightings()}

    def completed(self) -> bool:
        return self.matching.completed(self.authorisation_id)

    def standing(self) -> matching_pb.GetSearchResponse:
        return self.matching.stub.GetSearch(matching_pb.GetSearchRequest(authorisation_id=self.authorisation_id))

    def templates(self) -> int:
        """Return how many templates are at rest, of this and every other scene that is not over."""
        return self.matching.stub.CountTemplates(matching_pb.CountTemplatesRequest()).templates

    def traces(self) -> list[Path]:
        """Return the files of the store that hold a component of the subject's template."""
        values = vector(SUBJECT, 900).tolist()
        needles = [struct.pack(">d", values[at]) for at in range(0, len(values), 8)]
        needles += [
            struct.pack(f"{order}2{kind}", *values[at : at + 2])
            for at in range(0, len(values) - 2, 8)
            for order in "<>"
            for kind in "fd"
        ]
        files = [file for file in self.matching.templates_folder.rglob("*") if file.is_file()]
        return [file for file in files if any(needle in file.read_bytes() for needle in needles)]
