"""What matching records: that a search begins, before anything is embedded, and how many faces each part compared."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.matching.authorisations import Search
from homeward.matching.messages import SOURCE, Refusal, Tally
from homeward.shared.audit import Audit, AuditUnavailableError, Entry
from homeward.shared.clock import Clock
from homeward.shared.instants import format_instant
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.telemetry.logging import get_logger
from homewardapi.audit.v1 import audit_pb2
from homewardapi.search.v1.search_pb2 import RefusalReason

LIVE_EVERY: Final = timedelta(minutes=1)
"""A live search is recorded this often at the most: clip by clip, the log would hold little else."""

_LOOK_S: Final = 1.0

_log = get_logger()


class SearchRecords:
    """Records of searches. Each method raises RetryableError where nothing can be recorded: then nothing is done."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def started(self, search: Search) -> None:
        """Record that a search begins. Called before its photos are embedded; told again, it is the same record."""
        issued = format_instant(search.authorisation.issued_at)
        self.tell(_entry(search, audit_pb2.AUDIT_ACTION_SEARCH_STARTED, nonce=issued))

    def renewed(self, search: Search) -> None:
        """Record that the subject of a search is embedded anew, by another model."""
        self.tell(_entry(search, audit_pb2.AUDIT_ACTION_SEARCH_STARTED, code="renewed"))

    def refused(self, authorisation_id: str, refusal: Refusal) -> None:
        """Record that a search does not begin."""
        reason = RefusalReason.Name(refusal.reason).removeprefix("REFUSAL_REASON_").lower()
        denied, action = audit_pb2.AUDIT_OUTCOME_DENIED, audit_pb2.AUDIT_ACTION_SEARCH_STARTED
        self.tell(Entry(action, SOURCE, denied, authorisation_id=authorisation_id, code=reason))

    def compared(self, search: Search, task_id: str, tally: Tally, candidates: int) -> None:
        """Record what a task compared, before its result is announced."""
        self.tell(compared_entry(search, Compared.of(tally, candidates), nonce=task_id))

    def abandoned(self, search: Search, tally: Tally) -> None:
        """Record what a task had compared when its search ended."""
        if tally.faces_compared:
            self.tell(compared_entry(search, Compared.of(tally, 0), code="abandoned"))

    def tell(self, *entries: Entry) -> None:
        """Record `entries`."""
        try:
            self._audit.record(*entries)
        except AuditUnavailableError as error:
            raise RetryableError("the audit log takes no records") from error


@dataclass(frozen=True, slots=True)
class Compared:
    """What a part of a search compared."""

    faces: int = 0
    camera_time: timedelta = timedelta()
    candidates: int = 0

    def __add__(self, other: "Compared") -> "Compared":
        """Return both together."""
        return Compared(
            self.faces + other.faces, self.camera_time + other.camera_time, self.candidates + other.candidates
        )

    @classmethod
    def of(cls, tally: Tally, candidates: int) -> "Compared":
        """Return what `tally` says of it."""
        return cls(tally.faces_compared, tally.camera_time, candidates)


def compared_entry(search: Search, part: Compared, code: str | None = None, nonce: str | None = None) -> Entry:
    """Return the entry of what a part compared."""
    return _entry(
        search,
        audit_pb2.AUDIT_ACTION_FACES_COMPARED,
        code=code,
        nonce=nonce,
        faces_compared=part.faces,
        camera_seconds=part.camera_time.total_seconds(),
        candidates=part.candidates,
    )


@dataclass(frozen=True, slots=True)
class _Pending:
    search: Search
    part: Compared
    since: datetime
    """When the search was last recorded, or first looked at."""


class LiveRecords:
    """What live searches compare, summed and recorded once a minute each. A part, and safe to use from several threads.

    A crash loses the sums of its minute: what every clip came to stands in `homeward.search-tasks.v1` as well.
    """

    name = "live records"

    def __init__(self, records: SearchRecords, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}

    def take(self, parts: Iterable[tuple[Search, Compared]]) -> None:
        """Add what one clip came to, before it is announced; record the searches whose minute has passed.

        Raises RetryableError when that cannot be recorded: then nothing was added, and the clip must come again.
        """
        with self._lock:
            now, pending = self._clock.now(), dict(self._pending)
            for search, part in parts:
                known = pending.get(search.authorisation_id)
                # The first is due at once: from then on, the log shows that a live search looks.
                since = now - LIVE_EVERY if known is None else known.since
                pending[search.authorisation_id] = _Pending(search, (known.part if known else Compared()) + part, since)
            self._record(pending, now)

    def flush(self) -> None:
        """Record everything that is summed up. Raises RetryableError."""
        with self._lock:
            self._record(dict(self._pending), self._clock.now(), everything=True)

    def ready(self) -> bool:
        """Whether the part does its work: always."""
        return True

    def run(self, stop: threading.Event) -> None:
        """Record what is due although no clip comes any more, until `stop` is set."""
        while not stop.wait(_LOOK_S):
            try:
                self.take([])
            except RetryableError as error:
                _log.warning("live searches are not recorded yet", error=error)

    def _record(self, pending: dict[str, _Pending], now: datetime, *, everything: bool = False) -> None:
        due = [one for one in pending.values() if everything or now - one.since >= LIVE_EVERY]
        told = [one for one in due if one.part != Compared()]
        if told:
            self._records.tell(*(compared_entry(one.search, one.part, code="live") for one in told))
        for one in due:
            if one.part == Compared() and not one.search.alive():
                del pending[one.search.authorisation_id]
            else:
                pending[one.search.authorisation_id] = _Pending(one.search, Compared(), now)
        self._pending = pending


def _entry(search: Search, action: audit_pb2.AuditAction.ValueType, **facts: object) -> Entry:
    purpose = search.authorisation.purpose.value
    return Entry(action, SOURCE, authorisation_id=search.authorisation_id, purpose=purpose, **facts)  # type: ignore[arg-type]
