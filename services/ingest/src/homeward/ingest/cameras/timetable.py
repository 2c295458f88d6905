"""Whether cameras are on schedule, without working it out each time."""

from datetime import datetime

from homeward.ingest.cameras.schedule import Schedule


class Timetable:
    """Answers from the last change of each schedule to its next one. Used by one thread."""

    def __init__(self) -> None:
        self._known: dict[Schedule, tuple[datetime, datetime | None, bool]] = {}

    def records(self, schedule: Schedule | None, now: datetime) -> bool:
        """Whether a camera with `schedule` is recorded at `now`; one without a schedule always is."""
        if schedule is None:
            return True
        known = self._known.get(schedule)
        if known is None or now < known[0] or (known[1] is not None and now >= known[1]):
            known = self._known[schedule] = (now, schedule.next_change(now), schedule.records_at(now))
        return known[2]
