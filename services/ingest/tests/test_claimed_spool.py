import errno
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import MICROSECOND
from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.ports import CameraState, Owed
from homeward.ingest.sharing.claimed_spool import ClaimedSpool, StillUnknownError, Untold
from homeward.ingest.sharing.handover import LATE, Handover, ToldLogError
from homeward.ingest.sharing.membership import Tenure, milliseconds
from support.recording import NOON, Connection, ManualClock, World, frames, live

S = timedelta(seconds=1)
AT = milliseconds(NOON)
CAME = Tenure(7, AT, AT)


class Known:
    """Answers with the holes of each camera, of which the last reaches up to `before` where it has no end."""

    def __init__(self, answers: dict[str, list[tuple[datetime, datetime | None]]] | None = None) -> None:
        self.answers = answers or {}

    def untold_before(self, camera_id: str, before: datetime) -> Sequence[Untold]:
        if camera_id not in self.answers:
            raise StillUnknownError
        return [(first, last or before) for first, last in self.answers[camera_id]]


def stretch(first_s: float, until_s: float) -> Stretch:
    return Stretch("cam-1", NOON + first_s * S, NOON + until_s * S, Cause.SOURCE_LOST)


def state(until_s: float) -> CameraState:
    return CameraState(through=NOON + until_s * S)


def told(spool: DiskSpool) -> list[tuple[float, float, Cause | str]]:
    found = []
    while (entry := spool.claim(0)) is not None:
        one = entry.stretch
        outcome = one.outcome if isinstance(one.outcome, Cause) else "footage"
        found.append(((one.starts_at - NOON) / S, (one.ends_at - NOON) / S, outcome))
        spool.free(entry)
    return found


def test_what_is_added_carries_the_claim_and_the_epoch(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    clock = ManualClock(NOON + 60 * S)
    claimed = ClaimedSpool(spool, Tenure(7, AT, 0), clock, Known())
    claimed.add(stretch(0, 10), None, state(10), replayable=False)
    claimed.add(stretch(10, 20), None, state(20), replayable=True)
    entries = [DiskSpool(tmp_path, 1 << 20).claim(0) for _ in range(1)]
    [first] = entries
    assert first is not None
    # It survives a restart.
    assert first.stretch.claim == Claim(7, AT, NOON + 10 * S)
    assert first.stretch.event().message.optional_epoch == AT  # type: ignore[union-attr]  # a Clip
    entry = spool.claim(0)
    assert entry is not None
    spool.free(entry)
    second = spool.claim(0)
    assert second is not None
    # What was recorded earlier is claimed by when it was read.
    assert second.stretch.claim == Claim(7, AT, NOON + 60 * S)
    assert spool.state("cam-1").epoch == AT


EARLY = MICROSECOND * (1 + AT % 9973)


def test_a_camera_that_came_is_told_from_where_the_others_left_off(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    known = Known()
    spool.remember("cam-1", CameraState(through=NOON - 900 * S, epoch=AT - 900_000))
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON + S), known)
    begun, came = claimed.begin_live("cam-1")
    assert (begun.through, came) == (NOON + S, True)
    claimed.add(stretch(1, 5), None, state(5), replayable=False)
    assert spool.state("cam-1").owed == Owed(NOON + S, Cause.RECORDER_DOWN)
    known.answers["cam-1"] = [(NOON - 30 * S, None)]
    claimed.add(stretch(5, 9), None, state(9), replayable=False)
    assert spool.state("cam-1") == CameraState(through=NOON + 9 * S, epoch=AT)
    claimed.add(stretch(9, 12), None, state(12), replayable=False)
    early = EARLY / S
    assert told(spool) == [
        (1, 5, Cause.SOURCE_LOST),
        (-30 - early, 1, Cause.RECORDER_DOWN),
        (5, 9, Cause.SOURCE_LOST),
        (9, 12, Cause.SOURCE_LOST),
    ]


def test_what_is_owed_survives_a_restart(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON), Known())
    claimed.begin_live("cam-1")
    claimed.add(stretch(0, 5), None, state(5), replayable=False)
    again = DiskSpool(tmp_path, 1 << 20)
    later = ClaimedSpool(again, CAME, ManualClock(NOON + 60 * S), Known({"cam-1": [(NOON - 3 * S, None)]}))
    begun, came = later.begin_live("cam-1")
    assert (begun.through, came) == (NOON + 5 * S, False)
    later.add(stretch(5, 9), None, state(9), replayable=False)
    assert [one[2] for one in told(again)] == [Cause.SOURCE_LOST, Cause.RECORDER_DOWN, Cause.SOURCE_LOST]


def test_a_camera_that_was_switched_off_elsewhere_was_not_down(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    spool.remember("cam-1", CameraState(stopped=Cause.DISABLED))
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON), Known({"cam-1": [(NOON - 60 * S, None)]}))
    claimed.begin_live("cam-1")
    claimed.add(stretch(0, 5), None, state(5), replayable=False)
    assert told(spool)[0][2] is Cause.DISABLED


def test_a_new_camera_and_one_told_to_the_end_owe_nothing(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON), Known({"cam-1": []}))
    claimed.begin_live("cam-1")
    claimed.add(stretch(0, 5), None, state(5), replayable=False)
    assert [one[:2] for one in told(spool)] == [(0, 5)]
    assert spool.state("cam-1").owed is None


def test_what_others_still_owed_is_told_for_them(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    spool.remember("cam-1", CameraState(stopped=Cause.DISABLED))
    holes = [(NOON - 60 * S, NOON - 58 * S), (NOON - 20 * S, NOON - 15 * S), (NOON - 9 * S, None)]
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON), Known({"cam-1": holes}))
    claimed.begin_live("cam-1")
    claimed.add(stretch(0, 5), None, state(5), replayable=False)
    early = EARLY / S
    assert told(spool) == [
        (-60 - early, -58, Cause.RECORDER_DOWN),
        (-20 - early, -15, Cause.RECORDER_DOWN),
        (-9 - early, 0, Cause.DISABLED),
        (0, 5, Cause.SOURCE_LOST),
    ]
    assert spool.state("cam-1").owed is None


def test_two_that_owe_the_same_time_tell_it_apart(tmp_path: Path) -> None:
    """Whoever took the camera first was killed before its spool was sent, and sends it once it is back."""
    told_by = []
    for name, tenure in (("first", CAME), ("second", Tenure(7, AT + 40_000, AT + 40_000))):
        spool = DiskSpool(tmp_path / name, 1 << 20)
        claimed = ClaimedSpool(spool, tenure, ManualClock(tenure.since), Known({"cam-1": [(NOON - 9 * S, None)]}))
        claimed.begin_live("cam-1")
        claimed.add(stretch(50, 55), None, state(55), replayable=False)
        entry = spool.claim(0)
        assert entry is not None
        told_by.append(entry.stretch)
    first, second = told_by
    assert (first.ends_at, second.ends_at) == (NOON, NOON + 40 * S)
    assert first.clip_id != second.clip_id
    for gap in told_by:
        assert timedelta(0) < NOON - 9 * S - gap.starts_at < timedelta(milliseconds=10)


def test_a_crash_between_two_holes_leaves_the_rest_owed(tmp_path: Path) -> None:
    class CrashError(Exception):
        pass

    class Spool(DiskSpool):
        left = 1

        def add(self, *args: Any, **kwargs: Any) -> None:
            if not self.left:
                raise CrashError
            self.left -= 1
            super().add(*args, **kwargs)

    answers = {"cam-1": [(NOON - 60 * S, NOON - 58 * S), (NOON - 9 * S, None)]}
    claimed = ClaimedSpool(Spool(tmp_path, 1 << 20), CAME, ManualClock(NOON), Known(answers))
    claimed.begin_live("cam-1")
    with pytest.raises(CrashError):
        claimed.add(stretch(0, 5), None, state(5), replayable=False)
    again = DiskSpool(tmp_path, 1 << 20)
    assert again.state("cam-1").owed == Owed(NOON, Cause.RECORDER_DOWN)


@pytest.mark.parametrize("failing", [frozenset({0}), frozenset({1}), frozenset({2}), frozenset({0, 1, 2, 3, 5})])
def test_what_is_owed_is_told_once_there_is_room(tmp_path: Path, failing: frozenset[int]) -> None:
    class Spool(DiskSpool):
        calls = -1

        def add(self, *args: Any, **kwargs: Any) -> None:
            self.calls += 1
            if self.calls in failing:
                raise OSError(errno.ENOSPC, "full")
            super().add(*args, **kwargs)

    spool = Spool(tmp_path, 1 << 20)
    answers = {"cam-1": [(NOON - 60 * S, NOON - 58 * S), (NOON - 9 * S, None)]}
    claimed = ClaimedSpool(spool, CAME, ManualClock(NOON), Known(answers))
    claimed.begin_live("cam-1")
    for _ in range(len(failing)):
        with pytest.raises(OSError, match="full"):
            claimed.add(stretch(0, 5), None, state(5), replayable=False)
    claimed.add(stretch(0, 5), None, state(5), replayable=False)
    assert spool.state("cam-1") == CameraState(through=NOON + 5 * S, epoch=AT)
    early = EARLY / S
    assert told(spool) == [
        (-60 - early, -58, Cause.RECORDER_DOWN),
        (-9 - early, 0, Cause.RECORDER_DOWN),
        (0, 5, Cause.SOURCE_LOST),
    ]


def test_an_import_that_another_replica_went_on_with_begins_anew(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 20)
    spool.remember("cam-1", CameraState(through=NOON, recording="one", epoch=AT - 1))
    assert ClaimedSpool(spool, CAME, ManualClock(), Known()).state("cam-1") == CameraState()
    same = ClaimedSpool(spool, Tenure(7, AT, AT - 1), ManualClock(), Known())
    assert same.state("cam-1").recording == "one"
    same.remember("cam-1", CameraState(recording="two"))
    assert spool.state("cam-1") == CameraState(recording="two", epoch=AT)


def test_footage_never_begins_before_the_tenure(tmp_path: Path) -> None:
    tenure = Tenure(7, AT + 2_000, AT + 2_000)
    world = World(tmp_path, tenure=tenure)
    world.record([Connection(frames(100))], live())
    entries = world.entries()
    assert entries
    assert min(entry.stretch.starts_at for entry in entries) >= tenure.since
    assert {entry.stretch.claim.epoch for entry in entries if entry.stretch.claim} == {tenure.epoch}


class Log:
    def __init__(self) -> None:
        self.asked: list[Mapping[str, datetime]] = []
        self.away = False

    def untold_before(self, cameras: Mapping[str, datetime]) -> Mapping[str, Sequence[Untold]]:
        self.asked.append(dict(cameras))
        if self.away:
            raise ToldLogError("away")
        return {name: [(NOON - 5 * S, NOON)] for name in cameras if name != "new"}


def test_the_log_is_read_once_for_many_cameras_and_late_enough() -> None:
    clock, log = ManualClock(), Log()
    handover = Handover(log, clock)

    def ask(name: str) -> Sequence[Untold] | str:
        try:
            return handover.untold_before(name, NOON)
        except StillUnknownError:
            return "unknown"

    names = ["a", "b", "new"]
    assert [ask(name) for name in names] == ["unknown"] * 3
    assert handover.turn()
    assert log.asked == []
    clock.sleep(LATE / S)
    log.away = True
    assert not handover.turn()
    assert [ask(name) for name in names] == ["unknown"] * 3
    log.away = False
    assert handover.turn()
    assert [ask(name) for name in names] == [[(NOON - 5 * S, NOON)], [(NOON - 5 * S, NOON)], ()]
    assert handover.turn()
    assert len(log.asked) == 2
