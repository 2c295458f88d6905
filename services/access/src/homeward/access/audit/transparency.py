"""What anybody may know of how Homeward is used: sums by purpose and month, too coarse to show any one case.

How small counts are treated:
- Only months that are over are told, so that nobody can watch a figure rise by one.
- A count below `LEAST` is told as "fewer than 5", 0 included: that there was none, and that there was one, look alike.
- Every other count is rounded to a multiple of `LEAST`, sums as well, each from its own exact figure: subtracting what
  is told from a sum does not give what is withheld.
- Amounts (camera-hours, faces compared, sightings) are told to two digits, and they and the median only where they
  come from at least `LEAST` searches or ended cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import floor, log10
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from homeward.access.audit.sums import Figure, month_of
from homeward.access.audit.tables import AuditCase, AuditSum
from homeward.access.database.database import Database
from homeward.shared.authorisation import Purpose
from homeward.shared.clock import Clock

LEAST: Final = 5

_KEPT_S: Final = 60.0
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Told:
    """A figure as it may be told: `about`, or None where it is withheld; `below` bounds a small count then."""

    about: float | None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Exact:
    """The figures of one purpose in one span of months, as they are; for auditors alone."""

    figures: Mapping[Figure, float]
    ended: int = 0
    median_gone_after: timedelta | None = None

    def __getitem__(self, figure: Figure) -> float:
        """Return one figure, 0 where nothing was counted."""
        return self.figures.get(figure, 0.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one purpose, as anybody may know them."""

    requests: Told
    approved: Told
    refused: Told
    urgent: Told
    stopped: Told
    withdrawn: Told
    expired: Told
    searches: Told
    camera_hours: Told
    faces_compared: Told
    sightings: Told
    confirmed: Told
    rejected: Told
    disputed: Told
    median_s_to_delete: Told


@dataclass(frozen=True, slots=True)
class MonthOfPurposes:
    """One month, "2026-11" in UTC, or every month that is over, ""; by purpose."""

    month: str
    purposes: Mapping[Purpose, Summary]


@dataclass(frozen=True, slots=True)
class Report:
    """The months that are over, newest first, and all of them together."""

    through: str | None
    whole: MonthOfPurposes
    months: Sequence[MonthOfPurposes]


class Transparency:
    """Makes the report from the sums, at most once a minute however many ask. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept: tuple[float, Report] | None = None

    def report(self) -> Report:
        """Return the report; raise DatabaseAwayError."""
        kept, now = self._kept, self._clock.monotonic()
        if kept is not None and now - kept[0] < _KEPT_S:
            return kept[1]
        report = self._make(month_of(self._clock.now()))
        self._kept = (now, report)
        return report

    def exact(self, month: str | None = None) -> Mapping[Purpose, Exact]:
        """Return the figures as they are, of one month or of all, this one included. For auditors alone."""
        with self._database.read() as session:
            sums, cases = AuditSum.month == month, AuditCase.month == month
            return _exact(session, [sums] if month else [], [cases] if month else [])

    def _make(self, current: str) -> Report:
        with self._database.read() as session:
            over = select(AuditSum.month).where(AuditSum.month < current).distinct().order_by(AuditSum.month.desc())
            months = list(session.scalars(over))
            told = [
                _told(month, _exact(session, [AuditSum.month == month], [AuditCase.month == month])) for month in months
            ]
            whole = _exact(session, [AuditSum.month < current], [AuditCase.month < current])
        return Report(months[0] if months else None, _told("", whole), told)


def _exact(
    session: Session, of_sums: Sequence[ColumnElement[bool]], of_cases: Sequence[ColumnElement[bool]]
) -> Mapping[Purpose, Exact]:
    found: dict[Purpose, Exact] = {}
    for purpose in Purpose:
        sums = select(AuditSum.figure, func.sum(AuditSum.value)).where(AuditSum.purpose == purpose.value, *of_sums)
        figures = {Figure(figure): float(value) for figure, value in session.execute(sums.group_by(AuditSum.figure))}
        ended, median = _median(session, [AuditCase.purpose == purpose.value, *of_cases])
        found[purpose] = Exact(figures, ended, median)
    return found


def _median(session: Session, of_cases: Sequence[ColumnElement[bool]]) -> tuple[int, timedelta | None]:
    """Return how many cases are gone and how long the middle one took; of two in the middle, the longer."""
    gone = [AuditCase.gone_after_s.is_not(None), *of_cases]
    count = session.scalar(select(func.count()).select_from(AuditCase).where(*gone)) or 0
    if count == 0:
        return 0, None
    middle = select(AuditCase.gone_after_s).where(*gone).order_by(AuditCase.gone_after_s).offset(count // 2).limit(1)
    return count, timedelta(seconds=session.scalar(middle) or 0.0)


def _told(month: str, exact: Mapping[Purpose, Exact]) -> MonthOfPurposes:
    return MonthOfPurposes(month, {purpose: _summary(figures) for purpose, figures in exact.items()})


def _summary(exact: Exact) -> Summary:
    def counted(*figures: Figure) -> Told:
        return coarse_count(sum(exact[figure] for figure in figures))

    def amount(figure: Figure, unit: float = 1.0) -> Told:
        return coarse_amount(exact[figure] / unit, exact[Figure.SEARCHES])

    median = exact.median_gone_after
    return Summary(
        requests=counted(Figure.REQUESTS),
        approved=counted(Figure.APPROVED, Figure.NARROWED),
        refused=counted(Figure.REFUSED),
        urgent=counted(Figure.URGENT),
        stopped=counted(Figure.STOPPED),
        withdrawn=counted(Figure.WITHDRAWN),
        expired=counted(Figure.EXPIRED),
        searches=counted(Figure.SEARCHES),
        camera_hours=amount(Figure.CAMERA_SECONDS, _HOUR_S),
        faces_compared=amount(Figure.FACES),
        sightings=amount(Figure.CANDIDATES),
        confirmed=counted(Figure.CONFIRMED),
        rejected=counted(Figure.REJECTED),
        disputed=counted(Figure.DISPUTED),
        median_s_to_delete=coarse_amount(median.total_seconds() if median else 0.0, exact.ended),
    )


def coarse_count(count: float) -> Told:
    """Return a count as it may be told."""
    if count < LEAST:
        return Told(None, LEAST)
    return Told(floor(count / LEAST + 0.5) * LEAST)


def coarse_amount(amount: float, cases: float) -> Told:
    """Return an amount that comes from `cases` cases as it may be told: to two digits, or not at all."""
    if cases < LEAST:
        return Told(None)
    if amount <= 0:
        return Told(0)
    digits = 1 - floor(log10(amount))
    rounded = round(amount, digits)
    return Told(int(rounded) if digits <= 0 else rounded)
