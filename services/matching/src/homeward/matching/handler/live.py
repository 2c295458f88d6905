"""A clip's faces in, sightings and a result out: the same comparison at the head of the log."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.comparison import Comparison
from homeward.matching.coverage import covers
from homeward.matching.ports import EmbedderDeniedError, Meter, SearchEndedError
from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.telemetry.logging import get_logger
from homewardapi.face.v1.face_pb2 import ClipFaces
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_LIVE

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of whoever tells of a clip and whoever signs may differ, and how long an event may be on its way
to the log, together."""

_log = get_logger()


class LiveHandler:
    """Handles `homeward.faces.v1` as it grows. With no search open it asks nothing of anybody."""

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        comparison: Comparison,
        clock: Clock,
        meter: Meter,
        ready: Callable[[], bool],
    ) -> None:
        """`ready` says whether every authorisation written so far is known."""
        self._authorisations = authorisations
        self._comparison = comparison
        self._clock = clock
        self._meter = meter
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Return the sightings in one clip, of every open search that covers it, and of each what became of the faces.

        Each search embeds the faces under its own token: what one authorisation computed is never another's.
        Raises RetryableError while something is away.
        """
        clip = event.message
        if not isinstance(clip, ClipFaces):
            raise InvalidEventError("the event holds no clip's faces")
        if not self._ready():
            raise RetryableError("the authorisations are not all read yet", retry_after=timedelta(seconds=0.2))
        found: list[Event] = []
        for search in self._authorisations.all_live():
            if covers(search.authorisation, clip) and not _is_archive(search, event):
                found.extend(self._compare(search, clip))
        return found

    def _compare(self, search: Search, clip: ClipFaces) -> list[Event]:
        try:
            findings = self._comparison.compare(search, [clip], SEARCH_MODE_LIVE)
        except SearchEndedError:
            # Not admitted yet: the plan, made after the admission, reaches beyond this clip.
            return []
        except EmbedderDeniedError:
            _log.warning("embedder denied a search", authorisation_id=search.authorisation_id, clip_id=clip.clip_id)
            self._meter.stopped("DENIED")
            return []
        if not findings.tally.eventful:
            return []
        candidates = len(findings.sightings)
        result = messages.compared_live(
            search.authorisation_id, clip.clip_id, findings.tally, candidates, self._clock.now()
        )
        return [*findings.sightings, result]


def _is_archive(search: Search, event: Event) -> bool:
    """Return whether the search's plan surely holds `event`: it was told of well before the search was even signed.

    A live search that lags, or reads the log for the first time, would otherwise do the archive's work again.
    """
    return event.time < search.authorisation.issued_at - CLOCK_SKEW
