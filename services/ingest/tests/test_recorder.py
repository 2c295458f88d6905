import errno
import json
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from itertools import groupby, pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.spool_files import CameraFolder
from homeward.ingest.cameras.sources import Pacing, RecordingSpec
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import Packet, Stamped
from homeward.ingest.media.stretches import Stretch
from homeward.ingest.ports import (
    CameraState,
    ClipWriteError,
    DiskFullError,
    Entry,
    Sealed,
    SourceCorruptError,
    SourceLostError,
    SourceUnreachableError,
)
from support.recording import (
    NOON,
    Connection,
    ManualClock,
    Sent,
    World,
    frames,
    live,
    recorded,
)

LOST = SourceLostError("camera cam-1: gone")
REFUSED = SourceUnreachableError("camera cam-1: refused")
S = timedelta(seconds=1)


def outcomes(entries: list[Entry]) -> list[str]:
    return [entry.stretch.outcome.value if isinstance(entry.stretch.outcome, Cause) else "footage" for entry in entries]


def payloads(world: World, entries: list[Entry]) -> list[int]:
    return [packet[0] for entry in entries if entry.path for packet in json.loads(world.contents[entry.serial])]


def assert_tiles(entries: list[Entry]) -> None:
    for before, after in pairwise(entries):
        assert before.stretch.ends_at == after.stretch.starts_at
    assert all(entry.stretch.starts_at < entry.stretch.ends_at for entry in entries)


def test_a_live_camera_is_cut_into_seamless_clips(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(250), ends=LOST)], live())
    entries = world.entries()
    assert outcomes(entries)[:3] == ["footage"] * 3
    assert payloads(world, entries) == list(range(250))
    assert_tiles(entries)
    assert entries[0].stretch.starts_at == NOON + 0.1 * S
    first, second, third = (entry.stretch.starts_at for entry in entries[:3])
    assert 2 * S <= second - first <= 10 * S
    assert third - second == 10 * S


def test_frames_kept_back_by_probing_do_not_move_the_clips(tmp_path: Path) -> None:
    world = World(tmp_path)
    sent = frames(200, burst=30)
    # Three seconds of frames come at once, three seconds after the first was taken.
    sent[0] = Sent(sent[0].packet, 3)
    world.record([Connection(sent, ends=LOST)], live(clip_s=2))
    entries = world.entries()
    assert_tiles(entries)
    assert abs(entries[0].stretch.starts_at - (NOON + 0.1 * S)) < 0.15 * S
    assert payloads(world, entries) == list(range(200))


def test_an_outage_is_told_with_its_causes(tmp_path: Path) -> None:
    world = World(tmp_path)
    refused = [Connection(opens_after_s=10, refused=REFUSED)] * 6
    world.record([Connection(frames(100), ends=LOST), *refused, Connection(frames(100), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    told = outcomes(entries)
    assert told[0] == "footage"
    assert "source_unreachable" in told
    assert [outcome for outcome, _ in groupby(told)].count("footage") == 2
    assert payloads(world, entries) == [*range(100), *range(100)]
    gaps = [e.stretch for e in entries if e.stretch.outcome is Cause.SOURCE_UNREACHABLE]
    assert all(gap.ends_at - gap.starts_at <= 60 * S for gap in gaps)


def test_a_source_that_falls_silent_is_told_as_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    # The last packet is one that no clip can begin with, ten silent seconds after the others.
    silence = Sent(Packet(None, None, 100, key=False, payload=-1), 10)
    world.record([Connection(frames(100), ends=LOST), Connection([silence], ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:2] == ["footage", "source_lost"]


def test_time_without_a_recorder_is_told_on_start(tmp_path: Path) -> None:
    clock = ManualClock()
    World(tmp_path, clock).record([Connection(frames(100), ends=LOST)], live())
    down_from = clock.now()
    clock.sleep(300)
    world = World(tmp_path, clock)
    world.record([Connection(frames(100), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    down = [e.stretch for e in entries if e.stretch.outcome is Cause.RECORDER_DOWN]
    assert [(gap.starts_at, gap.ends_at) for gap in down] == [(down_from, down_from + 300 * S)]


@pytest.mark.parametrize("cause", [Cause.DISABLED, Cause.NOT_SCHEDULED])
def test_time_in_which_nobody_wanted_a_recording_is_told_when_it_begins_again(tmp_path: Path, cause: Cause) -> None:
    world = World(tmp_path)
    world.spool.remember("cam-1", CameraState(through=NOON - 3600 * S, stopped=cause))
    world.record([Connection(frames(100), ends=LOST)], live())
    entries = world.entries()
    assert outcomes(entries)[0] == cause.value
    assert (entries[0].stretch.starts_at, entries[0].stretch.ends_at) == (NOON - 3600 * S, NOON)
    assert_tiles(entries)
    assert world.spool.state("cam-1").stopped is None


def test_time_stamps_that_fall_end_the_clip_and_begin_another(tmp_path: Path) -> None:
    world = World(tmp_path)
    sent = [*frames(50, first_ms=100_000), *frames(50, number=50)]
    world.record([Connection(sent, ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert payloads(world, entries) == list(range(100))
    footage = [e.stretch for e in entries if e.path]
    assert [round((f.ends_at - f.starts_at) / S, 3) for f in footage] == [5.0, 5.0]


def test_time_stamps_that_leap_ahead_do_not_move_the_clips(tmp_path: Path) -> None:
    world = World(tmp_path)
    sent = [*frames(50), *frames(50, first_ms=900_000, number=50)]
    world.record([Connection(sent, ends=LOST)], live())
    entries = [e for e in world.entries() if e.path]
    assert entries[-1].stretch.ends_at <= NOON + 11 * S


def test_a_pause_of_the_source_is_told_as_a_jump(tmp_path: Path) -> None:
    world = World(tmp_path)
    first, later = frames(100), frames(200, first_ms=10_000, number=100)
    sent = [*first, Sent(later[0].packet, 8), *later[1:]]
    world.record([Connection(sent, ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert "clock_jump" in outcomes(entries)
    assert payloads(world, entries) == list(range(300))


def test_a_clip_that_cannot_be_written_is_a_gap_and_the_next_is_not(tmp_path: Path) -> None:
    def failing(packet: Stamped) -> ClipWriteError | None:
        if packet.payload == 50:
            return ClipWriteError("broken")
        return DiskFullError("full") if packet.payload == 150 else None

    world = World(tmp_path, failing=failing)
    world.record([Connection(frames(300), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:3] == ["corrupt", "spool_overflow", "footage"]
    assert list(tmp_path.rglob("*.part")) == []


def test_video_without_a_key_frame_is_told_as_corrupt(tmp_path: Path) -> None:
    world = World(tmp_path)
    silent = [Sent(Packet(i * 100, i * 100, 100, key=False, payload=i), 0.1) for i in range(2000)]
    world.record([Connection(frames(100), ends=LOST), Connection(silent, ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    corrupt = [e.stretch for e in entries if e.stretch.outcome is Cause.CORRUPT]
    assert sum((c.ends_at - c.starts_at for c in corrupt), timedelta(0)) > 180 * S
    assert all(c.ends_at - c.starts_at <= 61 * S for c in corrupt)


def test_an_unexpected_failure_is_tried_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def failing(_: Stamped) -> ClipWriteError | None:
        calls.append(1)
        if len(calls) == 30:
            raise RuntimeError("a bug")
        return None

    world = World(tmp_path, failing=failing)
    world.record([Connection(frames(100), ends=LOST), Connection(frames(100), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert "footage" in outcomes(entries)


RECORDING = RecordingSpec(NOON - 3600 * S, Pacing.IMPORT)


def test_a_recording_is_cut_from_its_start_and_done_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(250, first_ms=17_811))], recorded(RECORDING), stops=False)
    entries = world.entries()
    assert outcomes(entries) == ["footage"] * 3
    assert [(e.stretch.starts_at - RECORDING.starts_at) / S for e in entries] == [0, 10, 20]
    assert entries[-1].stretch.ends_at == RECORDING.starts_at + 25 * S
    World(tmp_path, world.clock).record([], recorded(RECORDING), stops=False)
    assert World(tmp_path).entries() == []


@given(kill_after=st.integers(0, 299), length=st.sampled_from([2, 3, 7, 10]), gop=st.sampled_from([1, 7, 10, 35]))
@settings(deadline=None, max_examples=40)
def test_a_recording_that_was_broken_off_goes_on_as_if_it_had_not(kill_after: int, length: int, gop: int) -> None:
    sent = frames(300, gop=gop, first_ms=500)
    # Durability is not what this shows, and synchronising takes most of the time.
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken, patch("os.fsync"):
        once = World(Path(whole))
        once.record([Connection(sent)], recorded(RECORDING, clip_s=length), stops=False)
        expected = once.entries()

        first = World(Path(broken))
        # The source is lost as at a kill: what is open is dropped, what is spooled stays.
        first.record(
            [Connection(sent[:kill_after], ends=LOST), Connection(sent)],
            recorded(RECORDING, clip_s=length),
            stops=False,
        )
        actual = first.entries()
    assert [e.stretch for e in actual] == [e.stretch for e in expected]
    assert payloads(first, actual) == payloads(once, expected)


def test_another_content_is_another_import(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(50))], recorded(RECORDING), stops=False)
    world.entries()
    later = RecordingSpec(NOON, Pacing.IMPORT)
    world.record([Connection(frames(50))], recorded(later), stops=False)
    assert [e.stretch.starts_at for e in world.entries()] == [NOON]


def test_the_rest_of_a_corrupt_recording_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    broken = Connection(frames(55), ends=SourceCorruptError("camera cam-1: broken"), length=30 * S)
    world.record([broken], recorded(RECORDING), stops=False)
    entries = world.entries()
    assert outcomes(entries) == ["footage", "corrupt"]
    assert_tiles(entries)
    assert entries[-1].stretch.ends_at == RECORDING.starts_at + 30 * S
    assert world.spool.state("cam-1").complete


@pytest.mark.parametrize("ahead_s", [0, 5, -600])
def test_a_live_recording_keeps_the_pace_and_never_runs_ahead(tmp_path: Path, ahead_s: float) -> None:
    clock = ManualClock()
    world = World(tmp_path, clock)
    spec = RecordingSpec(NOON + ahead_s * S, Pacing.LIVE)
    sent = [Sent(s.packet, 0) for s in frames(100)]
    world.record([Connection(sent)], recorded(spec), stops=False)
    took_s = (clock.now() - NOON) / S
    assert took_s == pytest.approx(9.9 + max(0, ahead_s), abs=0.01)


connections = st.lists(
    st.one_of(
        st.builds(
            lambda count, gop, interval, first, burst, opens: Connection(
                frames(count, gop=gop, interval_ms=interval, first_ms=first, burst=burst),
                opens_after_s=opens,
                ends=LOST,
            ),
            st.integers(0, 120),
            st.integers(1, 60),
            st.sampled_from([40, 100, 333, 1000]),
            st.sampled_from([0, -5000, 17_811, 10**9]),
            st.integers(0, 30),
            st.floats(0, 5),
        ),
        st.builds(lambda opens: Connection(opens_after_s=opens, refused=REFUSED), st.floats(0, 10)),
        st.builds(
            lambda steps: Connection(
                [
                    Sent(Packet(pts, dts, lasts, key, index), after / 1000)
                    for index, (pts, dts, lasts, key, after) in enumerate(steps)
                ],
                ends=LOST,
            ),
            st.lists(
                st.tuples(
                    st.one_of(st.none(), st.integers(-20_000, 100_000)),
                    st.one_of(st.none(), st.integers(-20_000, 100_000)),
                    st.integers(0, 500),
                    st.booleans(),
                    st.integers(0, 15_000),
                ),
                max_size=40,
            ),
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(connections, st.floats(2, 20))
@settings(deadline=None, max_examples=60)
def test_clips_and_gaps_tile_the_wall_time(script: list[Connection], clip_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        world = World(Path(folder))
        world.record(script, live(clip_s=clip_s))
        ended = world.clock.now()
        entries = world.entries()
    assert_tiles(entries)
    ids = [entry.stretch.clip_id for entry in entries]
    assert len(ids) == len(set(ids))
    if entries:
        # What was told reaches the present: nothing is left untold when the recorder stops.
        assert entries[-1].stretch.ends_at >= ended
        assert world.spool.state("cam-1").through == entries[-1].stretch.ends_at


def full(number: int, *calls: int) -> Callable[..., None]:
    """Return what to call before each use of the disk, of which those `calls`, counted from 0, fail."""
    left = -1

    def use() -> None:
        nonlocal left
        left += 1
        if left in calls:
            raise OSError(number, os.strerror(number))

    return use


def failing_spool(
    *, seal: Callable[[], None] = lambda: None, add: Callable[[], None] = lambda: None
) -> type[DiskSpool]:
    class Spool(DiskSpool):
        def seal(self, draft: Path) -> Sealed:
            seal()
            return super().seal(draft)

        def add(self, stretch: Stretch, draft: Path | None, state: CameraState, *, replayable: bool) -> None:
            add()
            super().add(stretch, draft, state, replayable=replayable)

    return Spool


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, Cause.SPOOL_OVERFLOW),
        (errno.EDQUOT, Cause.SPOOL_OVERFLOW),
        (errno.EIO, Cause.CORRUPT),
    ],
)
@pytest.mark.parametrize("method", ["seal", "add"])
def test_a_clip_that_the_disk_does_not_take_is_a_gap_and_the_camera_stays_connected(
    tmp_path: Path, number: int, cause: Cause, method: str
) -> None:
    spool = failing_spool(**{method: full(number, 1)})
    world = World(tmp_path, opening=spool)
    world.record([Connection(frames(300), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:3] == ["footage", cause.value, "footage"]
    assert entries[1].stretch.ends_at - entries[1].stretch.starts_at == 10 * S
    assert payloads(world, entries) == [*range(100), *range(200, 300)]
    assert list(tmp_path.rglob("*.part")) == []


def test_time_that_not_even_a_gap_can_be_written_of_is_told_once_there_is_room(tmp_path: Path) -> None:
    # The first clip is spooled; the second and the third are not, nor are their gaps; the fourth is.
    world = World(tmp_path, opening=failing_spool(add=full(errno.ENOSPC, *range(1, 5))))
    world.record([Connection(frames(500), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:4] == ["footage", "spool_overflow", "footage", "footage"]
    assert entries[1].stretch.ends_at - entries[1].stretch.starts_at == 20 * S
    assert payloads(world, entries) == [*range(100), *range(300, 500)]


def test_a_new_camera_on_a_full_disk_is_told_from_its_first_frame(tmp_path: Path) -> None:
    world = World(tmp_path, opening=failing_spool(add=full(errno.ENOSPC, *range(4))))
    world.record([Connection(frames(400), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:3] == ["spool_overflow", "footage", "footage"]
    assert entries[0].stretch.ends_at - entries[0].stretch.starts_at == 20 * S
    assert payloads(world, entries) == list(range(200, 400))


def test_what_the_disk_did_not_take_keeps_its_causes(tmp_path: Path) -> None:
    world = World(tmp_path, opening=failing_spool(add=full(errno.ENOSPC, *range(1, 9))))
    refused = [Connection(opens_after_s=10, refused=REFUSED)] * 3
    world.record([Connection(frames(200), ends=LOST), *refused, Connection(frames(500), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    told = outcomes(entries)
    assert told[:2] == ["footage", "spool_overflow"]
    assert "source_unreachable" in told
    assert "recorder_down" not in told
    assert told.count("footage") >= 2


def test_time_that_was_never_told_is_told_by_the_next_start(tmp_path: Path) -> None:
    clock = ManualClock()
    full_disk = failing_spool(add=full(errno.ENOSPC, *range(1, 999)))
    World(tmp_path, clock, opening=full_disk).record([Connection(frames(300), ends=LOST)], live())
    world = World(tmp_path, clock)
    world.record([Connection(frames(100), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    # The two clips of the full disk; then the tenth of a second before the camera's first frame.
    assert outcomes(entries)[:4] == ["footage", "recorder_down", "source_unreachable", "footage"]
    assert payloads(world, entries)[:100] == list(range(100))


def test_a_recording_for_which_there_is_no_room_is_read_again(tmp_path: Path) -> None:
    world = World(tmp_path, opening=failing_spool(add=full(errno.ENOSPC, 1)))
    spec = recorded(RecordingSpec(NOON, Pacing.IMPORT))
    world.record([Connection(frames(300)), Connection(frames(300)), Connection(frames(300))], spec, stops=False)
    entries = world.entries()
    assert set(outcomes(entries)) == {"footage"}
    assert payloads(world, entries) == list(range(300))


def test_a_disk_that_takes_no_draft_costs_clips_and_no_connection(tmp_path: Path) -> None:
    world = World(tmp_path)
    use = full(errno.EROFS, 1)
    draft = CameraFolder.draft

    def drafting(self: CameraFolder) -> Path:
        use()
        return draft(self)

    with patch.object(CameraFolder, "draft", drafting):
        world.record([Connection(frames(300), ends=LOST)], live())
    entries = world.entries()
    assert_tiles(entries)
    assert outcomes(entries)[:3] == ["footage", "corrupt", "footage"]
