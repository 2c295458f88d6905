import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.spool_files import ENTRY_OVERHEAD_BYTES
from homeward.ingest.media.coverage import Cause
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


def test_an_unreadable_file_is_set_aside(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path, 1 << 30)
    stretches = [add(spool, 0), add(spool, 1)]
    (tmp_path / "cam-1" / "000000000001.json").write_text("{")
    assert [entry.stretch for entry in drain(DiskSpool(tmp_path, 1 << 30))] == stretches[1:]
    assert list(tmp_path.rglob("*.broken"))


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_nothing_spooled_is_lost(tmp_path: Path, step: int) -> None:
    """Each rename, unlink and synchronisation is a step at which the process may end."""
    spool = DiskSpool(tmp_path, 1 << 30)
    before = [add(spool, 0), add(spool, 1)]
    done = 0
    original = (Path.rename, Path.unlink)

    def counted(which: int, self: Path, *arguments: object, **named: object) -> object:
        nonlocal done
        if done == step:
            raise Killed
        done += 1
        return original[which](self, *arguments, **named)  # type: ignore[arg-type]

    added: Stretch | None = None
    freed: list[Stretch] = []
    with (
        patch.object(Path, "rename", lambda self, *a, **k: counted(0, self, *a, **k)),
        patch.object(Path, "unlink", lambda self, *a, **k: counted(1, self, *a, **k)),
    ):
        try:
            added = add(spool, 2)
            for entry in drain(spool):
                freed += [entry.stretch]
        except Killed:
            pass
    again = DiskSpool(tmp_path, 1 << 30)
    through = again.state("cam-1").through
    left = [entry.stretch for entry in drain(again)]
    # The state and the stretches do not come apart: otherwise footage would be told again as a gap, or never.
    assert through == max(stretch.ends_at for stretch in (*left, *freed))
    expected = [*before, added] if added else before
    assert [stretch for stretch in expected if stretch not in left] == freed[: len(expected) - len(left)]
    known = {stretch.clip_id for stretch in (*left, *freed)}
    assert {stretch.clip_id for stretch in expected} <= known


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
