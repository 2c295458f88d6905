"""A clip's faces in, sightings and a result out: the same comparison at the head of the log."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.auditing import Compared, LiveRecords
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.comparison import Comparison
from homeward.matching.coverage import covers
from homeward.matching.messages import Tally
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
        records: LiveRecords,
        clock: Clock,
        meter: Meter,
        ready: Callable[[], bool],
    ) -> None:
        """`ready` says whether every authorisation written so far is known."""
        self._authorisations = authorisations
        self._comparison = comparison
        self._records = records
        self._clock = clock
        self._meter = meter
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Return the sightings in one clip, of every open search that covers it, and of each what became of the faces.

        Each search embeds the faces under its own token: what one authorisation computed is never another's.
        What was compared is summed up, and recorded once a minute, before anything of it is told.
        Raises RetryableError while something is away, the audit log too.
        """
        clip = event.message
        if not isinstance(clip, ClipFaces):
            raise InvalidEventError("the event holds no clip's faces")
        if not self._ready():
            raise RetryableError("the authorisations are not all read yet", retry_after=timedelta(seconds=0.2))
        found: list[Event] = []
        parts: list[tuple[Search, Compared]] = []
        for search in self._authorisations.all_live():
            if covers(search.authorisation, clip) and not _is_archive(search, event):
                events, part = self._compare(search, clip)
                parts.append((search, part))
                found.extend(events)
        # Together, so that a clip that comes again is counted once.
        self._records.take(parts)
        return found

    def _compare(self, search: Search, clip: ClipFaces) -> tuple[list[Event], Compared]:
        tally = Tally()
        try:
            findings = self._comparison.compare(search, [clip], SEARCH_MODE_LIVE, tally=tally)
        except SearchEndedError:
            # Not admitted yet: the plan, made after the admission, reaches beyond this clip.
            return [], _broken_off(tally)
        except EmbedderDeniedError:
            _log.warning("embedder denied a search", authorisation_id=search.authorisation_id, clip_id=clip.clip_id)
            self._meter.stopped("DENIED")
            return [], _broken_off(tally)
        candidates = len(findings.sightings)
        part = Compared.of(tally, candidates)
        if not tally.eventful:
            return [], part
        result = messages.compared_live(
            search.authorisation_id, clip.clip_id, findings.tally, candidates, self._clock.now()
        )
        return [*findings.sightings, result], part


def _broken_off(tally: Tally) -> Compared:
    """Return what is recorded of a comparison that broke off: nothing where it did not begin."""
    return Compared.of(tally, 0) if tally.faces_compared else Compared()


def _is_archive(search: Search, event: Event) -> bool:
    """Return whether the search's plan surely holds `event`: it was told of well before the search was even signed.

    A live search that lags, or reads the log for the first time, would otherwise do the archive's work again.
    """
    return event.time < search.authorisation.issued_at - CLOCK_SKEW
