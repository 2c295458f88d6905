"""What becomes of packets that are lost, damaged or heard, and of clips placed by the camera's own clock."""

from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from homeward.ingest.cameras.sources import Pacing, RecordingSpec
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.decode_checks import DecodeChecks
from homeward.ingest.media.packets import Packet, Stamped, Track
from homeward.ingest.media.stretches import Footage
from homeward.ingest.ports import AudioFormat, ClipWriteError, Entry, SourceLostError
from support.recording import NOON, Connection, Sent, World, frames, live
from support.recording import recorded as recorded_file

LOST = SourceLostError("camera cam-1: gone")
S = timedelta(seconds=1)
SOUND = AudioFormat("aac", Fraction(1, 8000))


def told(entries: list[Entry]) -> list[tuple[str, float, float]]:
    """Return what became of the time, in seconds past the first frame."""
    first = entries[0].stretch.starts_at
    return [
        (
            entry.stretch.outcome.value if isinstance(entry.stretch.outcome, Cause) else "footage",
            round((entry.stretch.starts_at - first) / S, 3),
            round((entry.stretch.ends_at - first) / S, 3),
        )
        for entry in entries
    ]


def altered(sent: list[Sent], at: int, **changes: Any) -> list[Sent]:
    """Return `sent` with the packet at index `at` changed."""
    return [Sent(s.packet._replace(**changes), s.after_s) if i == at else s for i, s in enumerate(sent)]


def without(sent: list[Sent], first: int, last: int) -> list[Sent]:
    """Return `sent` without the packets `first` to `last`, whose time passes and whose loss the next one tells."""
    pause_s = sum(s.after_s for s in sent[first : last + 1])
    after = sent[last + 1]
    changed = Sent(after.packet._replace(missing=last + 1 - first), after.after_s + pause_s)
    return [*sent[:first], changed, *sent[last + 2 :]]


def recorded(folder: Path, connection: Connection) -> tuple[World, list[Entry]]:
    world = World(folder)
    world.record([connection], live())
    return world, world.entries()


def test_lost_packets_are_a_gap_from_the_last_whole_frame_to_the_next_key_frame(tmp_path: Path) -> None:
    world, entries = recorded(tmp_path, Connection(without(frames(200), 43, 45), ends=LOST))
    assert told(entries)[:3] == [("footage", 0, 4.3), ("packets_lost", 4.3, 5), ("footage", 5, 15)]
    assert world.payloads(entries) == [*range(43), *range(50, 200)]


def test_packets_lost_before_a_key_frame_cost_only_their_own_time(tmp_path: Path) -> None:
    world, entries = recorded(tmp_path, Connection(without(frames(200), 48, 49), ends=LOST))
    assert told(entries)[:3] == [("footage", 0, 4.8), ("packets_lost", 4.8, 5), ("footage", 5, 15)]
    assert world.payloads(entries) == [*range(48), *range(50, 200)]


def test_a_loss_that_took_no_frame_leaves_no_gap(tmp_path: Path) -> None:
    world, entries = recorded(tmp_path, Connection(altered(frames(200), 50, missing=1), ends=LOST))
    assert told(entries)[:2] == [("footage", 0, 5), ("footage", 5, 15)]
    assert world.payloads(entries) == list(range(200))


def test_the_frame_behind_a_loss_lasts_no_longer_than_another(tmp_path: Path) -> None:
    undeclared = [Sent(one.packet._replace(duration=0), one.after_s) for one in frames(51)]
    _, entries = recorded(tmp_path, Connection(without(undeclared, 44, 49), ends=LOST))
    assert told(entries)[:3] == [("footage", 0, 4.4), ("packets_lost", 4.4, 5), ("footage", 5, 5.1)]


@pytest.mark.parametrize("at", [43, 50])
def test_a_damaged_packet_is_never_footage(tmp_path: Path, at: int) -> None:
    world, entries = recorded(tmp_path, Connection(altered(frames(200), at, damaged=True), ends=LOST))
    whole = 50 if at == 43 else 60
    assert told(entries)[:3] == [
        ("footage", 0, at / 10),
        ("corrupt", at / 10, whole / 10),
        ("footage", whole / 10, whole / 10 + 10),
    ]
    assert world.payloads(entries) == [*range(at), *range(whole, 200)]


def test_a_connection_that_ends_after_a_loss_tells_both(tmp_path: Path) -> None:
    _, entries = recorded(tmp_path, Connection(altered(frames(48), 43, missing=1), ends=LOST))
    assert told(entries)[:2] == [("footage", 0, 4.3), ("packets_lost", 4.3, 4.7)]


def test_a_loss_without_a_key_frame_after_it_is_told_each_minute(tmp_path: Path) -> None:
    sent = altered(frames(2000, gop=1900), 43, missing=1)
    _, entries = recorded(tmp_path, Connection(sent, ends=LOST))
    lost = [entry.stretch for entry in entries if entry.stretch.outcome is Cause.PACKETS_LOST]
    assert sum((gap.ends_at - gap.starts_at for gap in lost), timedelta(0)) == pytest.approx(185.7 * S, abs=0.2 * S)
    assert all(gap.ends_at - gap.starts_at <= 61 * S for gap in lost)


def test_a_key_frame_that_does_not_decode_makes_its_clip_a_gap(tmp_path: Path) -> None:
    def failing(packet: Stamped) -> ClipWriteError | None:
        return ClipWriteError("the clip's first key frame does not decode") if packet.payload == 100 else None

    world = World(tmp_path, failing=failing)
    world.record([Connection(frames(300), ends=LOST)], live())
    entries = world.entries()
    assert told(entries)[:3] == [("footage", 0, 10), ("corrupt", 10, 20), ("footage", 20, 30)]
    assert world.payloads(entries) == [*range(100), *range(200, 300)]


def checked(world: World) -> list[int]:
    """Return which clips were proven to decode, by their place."""
    return [place for place, check in enumerate(world.writers.checked) if check]


def test_a_camera_is_proven_to_decode_at_first_and_then_once_a_minute(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(1500), ends=LOST)], live(clip_s=9))
    assert len([entry for entry in world.entries() if isinstance(entry.stretch.outcome, Footage)]) == 17
    # The first clips that begin 60 s after the last proof: at 63 s and at 126 s.
    assert checked(world) == [0, 7, 14]


def test_what_begins_in_doubt_is_proven(tmp_path: Path) -> None:
    world, _ = recorded(tmp_path, Connection(altered(frames(600), 143, missing=1), ends=LOST))
    # Clips at 0, 10, behind the loss at 15, and each 10 s from there.
    assert checked(world) == [0, 2]


@pytest.mark.parametrize("jump_s", [-20, 3600])
def test_a_clip_behind_a_jump_of_the_clock_is_proven(tmp_path: Path, jump_s: int) -> None:
    sent = frames(600)
    moved = frames(350, first_ms=25_000 + jump_s * 1000, number=250)
    world, _ = recorded(tmp_path, Connection([*sent[:250], *moved], ends=LOST))
    # Clips at 0, 10, 20, then behind the jump.
    assert checked(world) == [0, 3]


def test_behind_a_clip_that_did_not_decode_each_is_proven_until_one_does(tmp_path: Path) -> None:
    def failing(packet: Stamped) -> ClipWriteError | None:
        refused = packet.payload in (0, 100, 200)
        return ClipWriteError("the clip's first key frame does not decode") if refused else None

    world = World(tmp_path, failing=failing)
    world.record([Connection(frames(600), ends=LOST)], live())
    assert checked(world) == [0, 1, 2, 3]


def test_each_connection_is_proven_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(200), ends=LOST), Connection(frames(200), ends=LOST)], live())
    assert checked(world) == [0, 2]


def test_every_clip_of_a_recording_is_proven(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.record([Connection(frames(500))], recorded_file(RecordingSpec(NOON, Pacing.IMPORT)), stops=False)
    assert checked(world) == [0, 1, 2, 3, 4]


def test_every_clip_can_be_proven() -> None:
    checks = DecodeChecks(timedelta(0))
    assert [checks.due(at_s) for at_s in (0.0, 0.0, 10.0, 20.0)] == [True] * 4


def with_sound(sent: list[Sent]) -> list[Sent]:
    """Return `sent` with a packet of sound, numbered from 1000, after each of video."""
    mixed: list[Sent] = []
    for index, one in enumerate(sent):
        pts = None if one.packet.pts is None else one.packet.pts * 8
        mixed += [one, Sent(Packet(pts, pts, 800, key=True, payload=1000 + index, track=Track.AUDIO))]
    return mixed


def test_sound_goes_into_the_clip_during_which_it_came_and_moves_nothing(tmp_path: Path) -> None:
    mixed = with_sound(frames(250))
    early = Sent(Packet(0, 0, 800, key=True, payload=999, track=Track.AUDIO))
    (tmp_path / "sound").mkdir()
    (tmp_path / "silent").mkdir()
    world, entries = recorded(tmp_path / "sound", Connection([early, *mixed], ends=LOST, audio=SOUND))
    _, silent = recorded(tmp_path / "silent", Connection(frames(250), ends=LOST))
    assert told(entries) == told(silent)
    payloads = world.payloads(entries)
    assert [p for p in payloads if p < 999] == list(range(250))
    # What came before the first key frame is not kept; all else is, in the order in which it came.
    assert payloads == [n for index in range(250) for n in (index, 1000 + index)]
    outcomes = [entry.stretch.outcome for entry in entries if isinstance(entry.stretch.outcome, Footage)]
    assert {outcome.audio_codec for outcome in outcomes} == {"aac"}


def test_sound_that_came_while_the_picture_was_kept_back_is_kept(tmp_path: Path) -> None:
    sent = frames(150)
    for place in range(3):
        # Matroska leaves out the first decoding times where frames are reordered.
        sent = altered(sent, place, dts=None)
    world, entries = recorded(tmp_path, Connection(with_sound(sent), ends=LOST, audio=SOUND))
    assert [p for p in world.payloads(entries) if p >= 1000] == list(range(1000, 1150))


def test_lost_sound_is_no_gap(tmp_path: Path) -> None:
    mixed = [s for i, s in enumerate(with_sound(frames(200))) if not (s.packet.track is Track.AUDIO and 50 < i < 150)]
    after = next(i for i, s in enumerate(mixed) if s.packet.track is Track.AUDIO and s.packet.pts == 60_000)
    _, entries = recorded(tmp_path, Connection(altered(mixed, after, missing=9), ends=LOST, audio=SOUND))
    assert told(entries)[:2] == [("footage", 0, 10), ("footage", 10, 20)]


def test_sound_while_nothing_is_recorded_is_not_kept(tmp_path: Path) -> None:
    mixed = with_sound(frames(200))
    at = next(i for i, s in enumerate(mixed) if s.packet.payload == 43)
    world, entries = recorded(tmp_path, Connection(altered(mixed, at, missing=1), ends=LOST, audio=SOUND))
    heard = [p for p in world.payloads(entries) if p >= 1000]
    assert heard == [*range(1000, 1043), *range(1050, 1200)]


def sources(entries: list[Entry]) -> list[str | None]:
    outcomes = [entry.stretch.outcome for entry in entries]
    return [outcome.time_source for outcome in outcomes if isinstance(outcome, Footage)]


def test_the_cameras_own_clock_places_its_clips(tmp_path: Path) -> None:
    def clock(pts: int) -> datetime:
        return NOON + timedelta(seconds=2, milliseconds=pts)

    _, entries = recorded(tmp_path, Connection(frames(300), ends=LOST, camera_clock=clock))
    assert entries[0].stretch.starts_at == NOON + 2 * S
    assert sources(entries) == ["sender"] * 3


def test_a_clock_that_is_far_off_places_nothing(tmp_path: Path) -> None:
    def clock(pts: int) -> datetime:
        return datetime(1970, 1, 1, tzinfo=NOON.tzinfo) + timedelta(milliseconds=pts)

    _, entries = recorded(tmp_path, Connection(frames(300), ends=LOST, camera_clock=clock))
    assert abs(entries[0].stretch.starts_at - NOON) < S
    assert sources(entries) == ["arrival"] * 3


def test_a_camera_that_is_behind_is_not_pushed_ahead_by_its_own_gap(tmp_path: Path) -> None:
    world = World(tmp_path)
    origins: list[datetime] = []

    def clock(pts: int) -> datetime:
        if pts == 0:
            origins.append(world.clock.now() - 3 * S)
        return origins[-1] + timedelta(milliseconds=pts)

    connection = Connection(frames(300), ends=LOST, camera_clock=clock)
    world.record([connection, connection], live())
    entries = world.entries()
    assert sources(entries) == ["sender"] * 6
    # Each key frame tells its time twice: once for the clip that it ends, once for its own.
    starts = {origin for origin in origins if any(e.stretch.starts_at == origin for e in entries)}
    assert len(starts) == 2
