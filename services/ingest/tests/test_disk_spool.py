import errno
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.spool_files import ENTRY_OVERHEAD_BYTES, CameraFolder
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import MICROSECOND
from homeward.ingest.media.stretches import Claim, Footage, Stretch
from homeward.ingest.ports import CameraState, Entry, Owed
from support.recording import NOON, ManualClock

S = timedelta(seconds=1)
CLIP = 10_000
EACH = CLIP + ENTRY_OVERHEAD_BYTES


def add(
    spool: DiskSpool, index: int, camera_id: str = "cam-1", *, size: int = CLIP, replayable: bool = False
) -> Stretch:
    draft = spool.draft(camera_id)
    draft.write_bytes(bytes([index % 256]) * size)
    sealed = spool.seal(draft)
    facts = Footage(sealed.size_bytes, sealed.sha256, "h264", 640, 360, 100, 10, 1.5 * S)
    stretch = Stretch(camera_id, NOON + index * 10 * S, NOON + (index + 1) * 10 * S, facts)
    spool.add(stretch, draft, CameraState(through=stretch.ends_at), replayable=replayable)
    return stretch


def gap(spool: DiskSpool, index: int, camera_id: str = "cam-1") -> Stretch:
    stretch = Stretch(camera_id, NOON + index * 10 * S, NOON + (index + 1) * 10 * S, Cause.SOURCE_LOST)
    spool.add(stretch, None, CameraState(through=stretch.ends_at), replayable=False)
    return stretch


def drain(spool: DiskSpool) -> Iterator[Entry]:
    while (entry := spool.claim(0)) is not None:
        if entry.path is not None:
            assert entry.path.exists()
        yield entry
        spool.free(entry)


def test_what_was_spooled_is_there_after_a_restart(tmp_path: Path) -> None:
    first = DiskSpool(tmp_path, 1 << 30)
    stretches = [add(first, 0), gap(first, 1), add(first, 2)]
    first.draft("cam-1").write_bytes(b"half a clip")
    again = DiskSpool(tmp_path, 1 << 30)
    assert again.state("cam-1").through == stretches[-1].ends_at
    assert [entry.stretch for entry in drain(again)] == stretches
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["state.json"]


def test_a_camera_gives_one_stretch_at_a_time_and_in_order(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    stretches = [add(spool, 0), add(spool, 1), add(spool, 0, "cam-2")]
    first, second = spool.claim(0), spool.claim(0)
    assert first is not None
    assert second is not None
    assert [first.stretch, second.stretch] == [stretches[0], stretches[2]]
    assert spool.claim(0) is None
    spool.release(first)
    again = spool.claim(0)
    assert again is not None
    assert again.stretch == stretches[0]
    spool.free(again)
    last = spool.claim(0)
    assert last is not None
    assert last.stretch == stretches[1]


def test_at_the_bound_the_oldest_clips_become_one_gap(tmp_path: Path) -> None:
    given_up: list[Stretch] = []
    spool = DiskSpool(tmp_path, 4 * EACH, given_up=given_up.append)
    stretches = [add(spool, index) for index in range(8)]
    entries = [entry.stretch for entry in drain(spool)]
    assert entries[0] == Stretch("cam-1", stretches[0].starts_at, entries[1].starts_at, Cause.SPOOL_OVERFLOW)
    assert entries[1:] == stretches[-len(entries) + 1 :]
    assert given_up == stretches[: len(given_up)]
    assert len(given_up) == 8 - (len(entries) - 1)


def test_a_clip_that_is_being_sent_is_not_given_up(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 2 * EACH)
    add(spool, 0)
    claimed = spool.claim(0)
    assert claimed is not None
    for index in range(1, 5):
        add(spool, index)
    assert claimed.path is not None
    assert claimed.path.exists()
    spool.free(claimed)


def test_a_recording_is_never_given_up_but_waits(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 4 * EACH)
    imported = [add(spool, index, "file-1", replayable=True) for index in range(2)]
    for index in range(8):
        add(spool, index)
    told = [entry.stretch for entry in drain(spool) if entry.camera_id == "file-1"]
    assert told == imported


def test_a_clip_wider_than_the_spool_is_a_gap(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 2 * EACH)
    kept = add(spool, 0)
    add(spool, 1, size=5 * CLIP)
    assert [entry.stretch.outcome for entry in drain(spool)] == [kept.outcome, Cause.SPOOL_OVERFLOW]
    assert list(tmp_path.rglob("*.part")) == list(tmp_path.rglob("*.mp4")) == []


def test_spoiled_footage_becomes_a_gap(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    stretch = add(spool, 0)
    entry = spool.claim(0)
    assert entry is not None
    spool.spoil(entry)
    assert [e.stretch for e in drain(spool)] == [Stretch("cam-1", stretch.starts_at, stretch.ends_at, Cause.CORRUPT)]


def test_a_crash_while_clips_were_merged_into_a_gap_leaves_no_overlap(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    stretches = [gap(spool, 0), add(spool, 1)]
    record = tmp_path / "cam-1" / "000000000001.json"
    written = json.loads(record.read_text())
    written["stretch"] |= {"ends_at": "20261123T120020.000000Z", "gap": "spool_overflow"}
    record.write_text(json.dumps(written))
    entries = [entry.stretch for entry in drain(DiskSpool(tmp_path, 1 << 30))]
    assert entries == [Stretch("cam-1", NOON, stretches[1].ends_at, Cause.SPOOL_OVERFLOW)]


def test_a_gap_that_begins_within_an_overflow_is_kept(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    overflow = Stretch("cam-1", NOON, NOON + 10 * S, Cause.SPOOL_OVERFLOW)
    early = Stretch("cam-1", NOON + 10 * S - MICROSECOND, NOON + 20 * S, Cause.RECORDER_DOWN)
    for stretch in (overflow, early):
        spool.add(stretch, None, CameraState(through=stretch.ends_at), replayable=False)
    assert [entry.stretch for entry in drain(DiskSpool(tmp_path, 1 << 30))] == [overflow, early]


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """End the process at the rename or unlink number `step`, counted from 0."""
    done = 0
    original = (Path.rename, Path.unlink)

    def counted(which: int, self: Path, *arguments: object, **named: object) -> object:
        nonlocal done
        if done == step:
            raise Killed
        done += 1
        return original[which](self, *arguments, **named)  # type: ignore[arg-type]

    with (
        patch.object(Path, "rename", lambda self, *a, **k: counted(0, self, *a, **k)),
        patch.object(Path, "unlink", lambda self, *a, **k: counted(1, self, *a, **k)),
        suppress(Killed),
    ):
        yield


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_nothing_spooled_is_lost(tmp_path: Path, step: int) -> None:
    """Each rename, unlink and synchronisation is a step at which the process may end."""
    spool = DiskSpool(tmp_path, 1 << 30)
    before = [add(spool, 0), add(spool, 1)]
    added: list[Stretch] = []
    freed: list[Stretch] = []
    with killed_at(step):
        added.append(add(spool, 2))
        for entry in drain(spool):
            freed += [entry.stretch]
    again = DiskSpool(tmp_path, 1 << 30)
    through = again.state("cam-1").through
    left = [entry.stretch for entry in drain(again)]
    # The state and the stretches do not come apart: otherwise footage would be told again as a gap, or never.
    assert through == max(stretch.ends_at for stretch in (*left, *freed))
    expected = [*before, *added]
    assert [stretch for stretch in expected if stretch not in left] == freed[: len(expected) - len(left)]
    known = {stretch.clip_id for stretch in (*left, *freed)}
    assert {stretch.clip_id for stretch in expected} <= known


def damage(folder: Path, *serials: int) -> None:
    for serial in serials:
        (folder / "cam-1" / f"{serial:012d}.json").write_text("{")


def spans(entries: Iterator[Entry]) -> list[tuple[int, int, Cause | None]]:
    return [
        (
            (one.starts_at - NOON) // S,
            (one.ends_at - NOON) // S,
            one.outcome if isinstance(one.outcome, Cause) else None,
        )
        for one in (entry.stretch for entry in entries)
    ]


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        ([2], [(0, 10, None), (10, 20, Cause.CORRUPT), (20, 30, None), (30, 40, None)]),
        ([2, 3], [(0, 10, None), (10, 30, Cause.CORRUPT), (30, 40, None)]),
        ([4], [(0, 10, None), (10, 20, None), (20, 30, None), (30, 40, Cause.CORRUPT)]),
        ([2, 4], [(0, 10, None), (10, 20, Cause.CORRUPT), (20, 30, None), (30, 40, Cause.CORRUPT)]),
    ],
)
def test_an_unreadable_file_is_set_aside_and_told(
    tmp_path: Path, damaged: list[int], told: list[tuple[int, int, Cause | None]]
) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    for index in range(4):
        add(spool, index)
    damage(tmp_path, *damaged)
    DiskSpool(tmp_path, 1 << 30)
    again = DiskSpool(tmp_path, 1 << 30)
    assert len(list(tmp_path.rglob("*.broken"))) == len(damaged)
    assert len(list(tmp_path.rglob("*.mp4"))) == 4 - len(damaged)
    assert again.state("cam-1") == CameraState(through=NOON + 40 * S)
    assert spans(drain(again)) == told
    assert list(drain(DiskSpool(tmp_path, 1 << 30))) == []


def test_an_unreadable_file_is_told_under_the_claim_of_the_one_before(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    for index, epoch in enumerate([1, 1, 3]):
        starts_at, ends_at = NOON + index * 10 * S, NOON + (index + 1) * 10 * S
        stretch = Stretch("cam-1", starts_at, ends_at, Cause.SOURCE_LOST, Claim(0, epoch, ends_at))
        spool.add(stretch, None, CameraState(through=ends_at), replayable=False)
    damage(tmp_path, 2)
    _, gap, _ = (entry.stretch for entry in drain(DiskSpool(tmp_path, 1 << 30)))
    assert gap.claim == Claim(0, 1, NOON + 20 * S)


@pytest.mark.parametrize(("damaged", "before_s"), [([1], 10), ([1, 2], 20), ([1, 2, 3], 30)])
def test_where_an_unreadable_file_began_is_asked_of_the_log(tmp_path: Path, damaged: list[int], before_s: int) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    for index in range(3):
        add(spool, index)
    damage(tmp_path, *damaged)
    DiskSpool(tmp_path, 1 << 30)
    again = DiskSpool(tmp_path, 1 << 30)
    owed = Owed(NOON + before_s * S, Cause.CORRUPT)
    assert again.state("cam-1") == CameraState(through=NOON + 30 * S, owed=owed)
    assert len(spans(drain(again))) == 3 - len(damaged)
    assert list(tmp_path.rglob("*.broken"))


def test_an_unreadable_file_that_is_newer_than_the_state_leaves_the_state_before_it(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    add(spool, 0)
    state = (tmp_path / "cam-1" / "state.json").read_bytes()
    add(spool, 1)
    (tmp_path / "cam-1" / "state.json").write_bytes(state)
    damage(tmp_path, 2)
    again = DiskSpool(tmp_path, 1 << 30)
    # What comes next tells the time from there.
    assert again.state("cam-1").through == NOON + 10 * S
    assert spans(drain(again)) == [(0, 10, None)]


@pytest.mark.parametrize("step", range(8))
def test_killed_while_an_unreadable_file_is_told_its_time_is_told_by_the_next_start(tmp_path: Path, step: int) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    for index in range(4):
        add(spool, index)
    damage(tmp_path, 2, 3)
    with killed_at(step):
        DiskSpool(tmp_path, 1 << 30)
    told = spans(drain(DiskSpool(tmp_path, 1 << 30)))
    assert told == [(0, 10, None), (10, 30, Cause.CORRUPT), (30, 40, None)]


def failing(function: Callable[..., object], number: int, *, at: int | None = None) -> Callable[..., object]:
    """Return `function`, of which the call `at` fails, counted from 0; each where it is None."""
    done = 0

    def call(*arguments: object, **named: object) -> object:
        nonlocal done
        done += 1
        if at is None or done == at + 1:
            raise OSError(number, os.strerror(number))
        return function(*arguments, **named)

    return call


@pytest.mark.parametrize("at", [None, 0, 1, 2, 3])
def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path, at: int | None) -> None:
    """The clip's record, the state, and the folder after each, are synchronised in turn."""
    spool = DiskSpool(tmp_path, 1 << 30)
    kept = add(spool, 0)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    draft = spool.draft("cam-1")
    draft.write_bytes(bytes(CLIP))
    facts = Footage(CLIP, "0" * 64, "h264", 640, 360, 100, 10, S)
    stretch = Stretch("cam-1", kept.ends_at, kept.ends_at + 10 * S, facts)
    with patch("os.fsync", failing(os.fsync, errno.ENOSPC, at=at)), pytest.raises(OSError, match="No space"):
        spool.add(stretch, draft, CameraState(through=stretch.ends_at), replayable=False)
    spool.discard(draft)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    added = add(spool, 1)
    assert [entry.stretch for entry in drain(DiskSpool(tmp_path, 1 << 30))] == [kept, added]


def test_a_draft_that_cannot_be_deleted_fails_nobody(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    draft = spool.draft("cam-1")
    draft.write_bytes(b"video")
    with patch.object(Path, "unlink", failing(Path.unlink, errno.EROFS)):
        spool.discard(draft)


def test_what_cannot_be_given_up_holds_up_nobody(tmp_path: Path) -> None:
    given_up: list[Stretch] = []
    spool = DiskSpool(tmp_path, 2 * EACH, given_up=given_up.append)
    stretches = [add(spool, 0), add(spool, 1)]
    with patch.object(CameraFolder, "replace", failing(CameraFolder.replace, errno.EIO)):
        refused = add(spool, 2)
    assert given_up == [refused]
    assert [entry.stretch for entry in drain(spool)] == [*stretches, refused.given_up()]


def test_nobody_waits_while_a_clip_is_given_up(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 3 * EACH)
    stretches = [add(spool, 0), add(spool, 1), add(spool, 0, "cam-2")]
    slow, go_on = threading.Event(), threading.Event()
    replace_files = CameraFolder.replace

    def slowly(*arguments: object) -> None:
        slow.set()
        assert go_on.wait(10)
        replace_files(*arguments)  # type: ignore[arg-type]

    with patch.object(CameraFolder, "replace", slowly):
        adder = threading.Thread(target=add, args=(spool, 1, "cam-2"))
        adder.start()
        assert slow.wait(10)
        # The camera of which a clip is given up waits; another one's goes out.
        others = spool.claim(0)
        assert others is not None
        assert others.stretch == stretches[2]
        assert spool.claim(0) is None
        assert spool.waiting("cam-1").stretches == 2
        spool.free(others)
        go_on.set()
        adder.join(10)
    assert not adder.is_alive()
    told = [entry.stretch for entry in drain(spool)]
    assert [one for one in told if one.camera_id == "cam-1"] == [stretches[0].given_up(), stretches[1]]


def test_many_cameras_at_the_bound_keep_to_it_and_to_their_order(tmp_path: Path) -> None:
    spool, cameras, clips = DiskSpool(tmp_path, 12 * EACH), 6, 15
    sent: dict[str, list[Stretch]] = {}
    recorded = threading.Event()

    def send() -> None:
        while not (recorded.is_set() and spool.empty()):
            if (entry := spool.claim(0.01)) is not None:
                sent.setdefault(entry.camera_id, []).append(entry.stretch)
                spool.free(entry)

    def record(camera_id: str) -> None:
        for index in range(clips):
            add(spool, index, camera_id)

    with patch("os.fsync"):
        sender = threading.Thread(target=send)
        recorders = [threading.Thread(target=record, args=(f"cam-{number}",)) for number in range(cameras)]
        for thread in recorders:
            thread.start()
        for thread in recorders:
            thread.join(30)
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.mp4")) <= 12 * EACH + cameras * CLIP
        sender.start()
        recorded.set()
        sender.join(30)
    assert not sender.is_alive()
    for number in range(cameras):
        stretches = sent[f"cam-{number}"]
        assert [one.starts_at for one in stretches] == [NOON, *(one.ends_at for one in stretches[:-1])]
        assert stretches[-1].ends_at == NOON + clips * 10 * S


steps = st.lists(st.tuples(st.sampled_from(["add", "gap", "send", "restart"]), st.integers(0, 2)), max_size=40)


@given(steps)
@settings(deadline=None, max_examples=60)
def test_whatever_happens_each_camera_is_told_in_order_without_hole_or_overlap(script: list[tuple[str, int]]) -> None:
    told: dict[str, list[Stretch]] = {}
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        spool = DiskSpool(Path(folder), 5 * EACH)
        for step, number in script:
            camera_id = f"cam-{number}"
            if step in ("add", "gap"):
                (add if step == "add" else gap)(spool, counts.get(camera_id, 0), camera_id)
                counts[camera_id] = counts.get(camera_id, 0) + 1
            elif step == "send" and (entry := spool.claim(0)) is not None:
                told.setdefault(entry.camera_id, []).append(entry.stretch)
                spool.free(entry)
            elif step == "restart":
                spool = DiskSpool(Path(folder), 5 * EACH)
        for entry in drain(spool):
            told.setdefault(entry.camera_id, []).append(entry.stretch)
    for camera_id, count in counts.items():
        stretches = told[camera_id]
        assert [s.starts_at for s in stretches] == [NOON, *(s.ends_at for s in stretches[:-1])]
        assert stretches[-1].ends_at == NOON + count * 10 * S


def test_all_that_is_remembered_survives_a_restart(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    states = {
        "a": CameraState(),
        "b": CameraState(NOON, "recording", complete=True, epoch=7),
        "c": CameraState(NOON, stopped=Cause.NOT_SCHEDULED, owed=Owed(NOON, Cause.DISABLED)),
    }
    for camera_id, state in states.items():
        spool.remember(camera_id, state)
    again = DiskSpool(tmp_path, 1 << 30)
    assert {camera_id: again.state(camera_id) for camera_id in again.cameras()} == states


@pytest.mark.parametrize(("stopped", "cause"), [(True, Cause.DISABLED), (False, None)])
def test_what_an_earlier_release_remembered_is_read(tmp_path: Path, stopped: bool, cause: Cause | None) -> None:
    (tmp_path / "cam-1").mkdir()
    state = {"through": "20261123T120000.000000Z", "recording": None, "complete": False, "stopped": stopped}
    (tmp_path / "cam-1" / "state.json").write_text(json.dumps({"serial": 3, "state": state}))
    assert DiskSpool(tmp_path, 1 << 30).state("cam-1") == CameraState(NOON, stopped=cause)


def test_a_stretch_that_is_cut_keeps_its_footage_and_its_place(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    stretch, after = add(spool, 0), add(spool, 1)
    entry = spool.claim(0)
    assert entry is not None
    shorter = replace(stretch, ends_at=NOON + 4 * S, claim=Claim(3, 5, NOON + 4 * S))
    spool.shorten(entry, shorter)
    assert [left.stretch for left in [DiskSpool(tmp_path, 1 << 30).claim(0)] if left] == [shorter]
    first = spool.claim(0)
    assert first is not None
    assert first.stretch == shorter
    assert first.path is not None
    assert first.path.stat().st_size == CLIP
    spool.free(first)
    assert [left.stretch for left in drain(spool)] == [after]
    assert spool.empty()


def test_a_camera_that_rests_holds_up_no_other(tmp_path: Path) -> None:
    clock = ManualClock()
    spool = DiskSpool(tmp_path, 1 << 30, clock=clock)
    add(spool, 0, "a")
    add(spool, 0, "b")
    entry = spool.claim(0)
    assert entry is not None
    spool.release(entry, 2)
    assert [left.camera_id for left in drain(spool)] == ["b"]
    assert spool.claim(0) is None
    assert not spool.empty()
    clock.sleep(2)
    assert [left.camera_id for left in drain(spool)] == ["a"]


def test_footage_of_two_owners_is_given_up_as_two_gaps(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 4 * EACH)
    for index in range(6):
        draft = spool.draft("cam-1")
        draft.write_bytes(bytes(CLIP))
        sealed = spool.seal(draft)
        facts = Footage(sealed.size_bytes, sealed.sha256, "h264", 640, 360, 100, 10, S)
        starts_at, ends_at = NOON + index * 10 * S, NOON + (index + 1) * 10 * S
        stretch = Stretch("cam-1", starts_at, ends_at, facts, Claim(0, index // 2, ends_at))
        spool.add(stretch, draft, CameraState(through=ends_at), replayable=False)
    given_up = [entry.stretch for entry in drain(spool) if entry.stretch.outcome is Cause.SPOOL_OVERFLOW]
    assert [(one.claim.epoch, one.claim.until) for one in given_up if one.claim] == [
        (index, one.ends_at) for index, one in enumerate(given_up)
    ]
    assert len(given_up) == 2
