"""The real services on one machine, for tests that want the whole of Homeward."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from homeward.cli.access_api import AccessAwayError
from homeward.cli.camera import camera_changed
from homeward.cli.officials import DemoOfficials, Opened
from homeward.cli.operator import Operator, Searched
from homeward.cli.progress import SearchProgress
from homeward.cli.stack.services import SERVICES
from homeward.cli.stack.stack import Stack
from homeward.shared.clock import SystemClock
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.models import model_folder

CLIP: Final = timedelta(seconds=4)
PATIENCE: Final = timedelta(seconds=240)
_OVERRIDES: Final = {"access": {"HOMEWARD_AUDIT__SIGN_EVERY_S": "2"}}
"""A copy of the audit log ends with what is signed, and a test does not wait a minute for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one search came to."""

    authorisation_id: str
    progress: SearchProgress
    sightings: list[Sighting]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A running Homeward with everybody's hands on it: the operator's and the two officials'."""

    stack: Stack
    operator: Operator
    officials: DemoOfficials

    def record(self, videos: Mapping[str, Path], starts_at: datetime) -> None:
        """Import `videos`, by camera id, as footage that begins at `starts_at`."""
        now = datetime.now(UTC)
        self.operator.publish(
            *(
                camera_changed(camera, str(path), now, clip_length=CLIP, starts_at=starts_at)
                for camera, path in videos.items()
            )
        )

    def wait_detected(self, until: Mapping[str, datetime]) -> Searched:
        """Return when all of the cameras' footage up to `until` was looked through for faces."""
        return self.operator.wait_detected(until, PATIENCE)

    def authorise(
        self, photos: Sequence[bytes], cameras: Sequence[str], starts_at: datetime, ends_at: datetime
    ) -> Opened:
        """Open a search for the person in `photos`; while access is away, ask again, as people do."""
        deadline = time.monotonic() + PATIENCE.total_seconds()
        while True:
            try:
                return self.officials.authorise(photos, camera_ids=cameras, starts_at=starts_at, ends_at=ends_at)
            except AccessAwayError:
                assert time.monotonic() < deadline, "access stays away"
                time.sleep(0.5)

    def token(self, authorisation_id: str) -> str:
        """Return the token of an open search, as every consumer of its topic is told it."""
        deadline = time.monotonic() + PATIENCE.total_seconds()
        while True:
            event = self.operator.log.state(AUTHORISATIONS).get(authorisation_id)
            if event is not None and isinstance(event.message, Authorisation) and event.message.optional_token:
                return event.message.optional_token
            assert time.monotonic() < deadline, "the authorisation was not announced"
            time.sleep(0.1)

    def search(self, photos: Sequence[bytes], cameras: Sequence[str], starts_at: datetime, ends_at: datetime) -> Found:
        """Open a search of recordings and return what it found."""
        issued = self.authorise(photos, cameras, starts_at, ends_at)
        progress = self.operator.wait_searched(issued.authorisation_id, PATIENCE)
        return Found(issued.authorisation_id, progress, self.operator.sightings(issued.authorisation_id))

    def close(self, authorisation_id: str) -> None:
        """Close a search and wait until its templates are wiped."""
        self.officials.stop(authorisation_id)


@contextmanager
def running(
    folder: Path,
    *,
    durable: bool = False,
    services: Sequence[str] = SERVICES,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Pipeline]:
    """Yield a Homeward that runs on `folder`, and stop it afterwards.

    `durable` keeps its events for the next one; `services` are those that run; `overrides` are settings by service.
    """
    chosen = _OVERRIDES if overrides is None else overrides
    stack = Stack(folder, model_folder(), chosen, durable=durable, named=services)
    context = stack.start()
    try:
        with Operator(context, SystemClock()) as operator, DemoOfficials(context, SystemClock()) as officials:
            yield Pipeline(stack, operator, officials)
    finally:
        stack.stop()
