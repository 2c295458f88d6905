"""The demo itself: the real services, two cameras, one person found and one who is not there."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeward.cli.camera import camera_changed
from homeward.cli.officials import DemoOfficials
from homeward.cli.operator import Operator, Searched
from homeward.cli.progress import SearchProgress
from homeward.shared.clock import Clock
from homewardapi.sighting.v1.sighting_pb2 import Sighting

CLIP_LENGTH: Final = timedelta(seconds=4)
_PATIENCE: Final = timedelta(minutes=10)
_WIPED_WITHIN: Final = timedelta(seconds=60)

Steps = Callable[[str], AbstractContextManager[Callable[[str], None]]]
"""Opens a step with its name; what it yields is told how far the step has come."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Videos by camera id, and when their first frames were taken."""

    videos: Mapping[str, Path]
    starts_at: datetime
    lasts: timedelta

    @property
    def ends_at(self) -> datetime:
        """When the last frame was taken."""
        return self.starts_at + self.lasts


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What one search came to: its sightings once each by id, best first, with a picture of each by its id."""

    progress: SearchProgress
    sightings: tuple[Sighting, ...]
    crops: Mapping[str, bytes]
    took: timedelta


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """What the demo found and counted.

    `templates_before` is the count at rest once everybody's faces were found and
    nobody was authorised; `templates_during` with one search open; `templates_after` once all are closed.
    """

    detected: Searched
    detection_took: timedelta
    found: SearchResult
    absent: SearchResult | None
    templates_before: int
    templates_during: int
    templates_after: int


class Demo:
    """Plays the operator, the officer and the supervisor on a running Homeward."""

    def __init__(self, operator: Operator, officials: DemoOfficials, clock: Clock, steps: Steps) -> None:
        self._operator = operator
        self._officials = officials
        self._clock = clock
        self._steps = steps

    def run(
        self,
        recorded: Footage,
        photo: bytes,
        *,
        live: Callable[[datetime], Footage] | None = None,
        absent_photo: bytes | None = None,
    ) -> DemoOutcome:
        """Record, search and wipe.

        `live` is asked, with the search open, for what the cameras see next, and gives it from some time on.
        Raises WaitedTooLongError, AccessRefusedError and AccessAwayError; SearchRefusedError when `photo` does not do.
        """
        begun = self._clock.monotonic()
        detected = self._record(recorded)
        detection_took = self._since(begun)
        before = self._operator.templates_at_rest()
        authorisation_id, found = self._search(recorded, photo, "searching for the one person who is missing")
        during = self._operator.templates_at_rest()
        if live is not None:
            found = self._watch(authorisation_id, found, live)
        self._officials.stop(authorisation_id)
        absent = None
        if absent_photo is not None:
            absent_id, absent = self._search(recorded, absent_photo, "searching for somebody who was never there")
            self._officials.stop(absent_id)
        with self._steps("closing the searches and wiping their templates"):
            self._operator.wait_templates(0, _WIPED_WITHIN)
            after = self._operator.templates_at_rest()
        return DemoOutcome(detected, detection_took, found, absent, before, during, after)

    def _record(self, footage: Footage) -> Searched:
        with self._steps("recording the cameras and finding faces") as told:
            self._publish(footage, live=False)
            return self._operator.wait_detected(
                dict.fromkeys(footage.videos, footage.ends_at), _PATIENCE, lambda state: told(_detected(state))
            )

    def _search(self, footage: Footage, photo: bytes, name: str) -> tuple[str, SearchResult]:
        with self._steps(name) as told:
            begun = self._clock.monotonic()
            issued = self._officials.authorise(
                [photo],
                camera_ids=sorted(footage.videos),
                starts_at=footage.starts_at,
                # Beyond the present: what the cameras see next is searched as it comes.
                ends_at=self._clock.now() + timedelta(hours=1),
            )
            progress = self._operator.wait_searched(
                issued.authorisation_id, _PATIENCE, lambda state: told(_searched(state))
            )
            if progress.refusal is not None:
                raise SearchRefusedError(f"the photo cannot be searched with: {progress.refusal}")
            return issued.authorisation_id, self._result(issued.authorisation_id, progress, self._since(begun))

    def _watch(self, authorisation_id: str, found: SearchResult, live: Callable[[datetime], Footage]) -> SearchResult:
        with self._steps("watching the same cameras live") as told:
            footage = live(self._clock.now())
            self._publish(footage, live=True)
            self._operator.wait_detected(
                dict.fromkeys(footage.videos, footage.ends_at), _PATIENCE, lambda state: told(_detected(state))
            )
            # The last clip's faces are announced; matching reads them a moment later.
            self._clock.sleep(2.0)
            return self._result(authorisation_id, found.progress, found.took)

    def _publish(self, footage: Footage, *, live: bool) -> None:
        now = self._clock.now()
        self._operator.publish(
            *(
                camera_changed(
                    camera_id, str(path), now, clip_length=CLIP_LENGTH, starts_at=footage.starts_at, live=live
                )
                for camera_id, path in footage.videos.items()
            )
        )

    def _result(self, authorisation_id: str, progress: SearchProgress, took: timedelta) -> SearchResult:
        sightings = tuple(self._operator.sightings(authorisation_id))
        crops = {sighting.sighting_id: self._operator.crop(sighting) for sighting in sightings}
        return SearchResult(progress, sightings, crops, took)

    def _since(self, begun: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - begun)


class SearchRefusedError(Exception):
    """The search could not start; the text says why."""


def _detected(state: Searched) -> str:
    return f"{state.searched} of {state.stored} clips searched, {state.faces} faces"


def _searched(state: SearchProgress) -> str:
    return f"{len(state.completed)} of {state.tasks or '?'} tasks, {state.faces_compared} faces compared"
