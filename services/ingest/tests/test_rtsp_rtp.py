"""Counters that wrap, and what RTCP says."""

import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp import rtcp
from homeward.ingest.adapters.rtsp.decoding_times import DecodingTimes
from homeward.ingest.adapters.rtsp.errors import EndedError
from homeward.ingest.adapters.rtsp.reports import Reports
from homeward.ingest.adapters.rtsp.rtp import LATE, Sequence, payload_span
from homeward.ingest.adapters.rtsp.sound_clock import SoundClock
from homeward.ingest.adapters.rtsp.timestamps import Unwrapper
from support.recording import NOON, ManualClock

NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)


class Track:
    """A track as its reports see it."""

    def __init__(self, source: int | None = 9) -> None:
        self.sequence = Sequence()
        self.times = Unwrapper()
        self.source = source


def sender_report(at: datetime | None, stamp: int, source: int = 9) -> bytes:
    span = timedelta(0) if at is None else at - NTP_EPOCH
    seconds = span // timedelta(seconds=1)
    fraction = 0 if at is None else (span.microseconds << 32) // 1_000_000
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, source, seconds & 0xFFFFFFFF, fraction, stamp & 0xFFFFFFFF, 1, 2)


def reports(track: Track, clock: ManualClock, hz: int = 90_000) -> Reports:
    return Reports(track, hz, 1, clock)


def take(given_reports: Reports, packet: bytes) -> None:
    given_reports.take(memoryview(packet), 0, len(packet))


@given(st.lists(st.integers(-(2**31) + 1, 2**31 - 1), max_size=50), st.integers(0, 2**32 - 1))
def test_time_stamps_never_wrap(steps: list[int], first: int) -> None:
    unwrapped = Unwrapper()
    true = first
    assert unwrapped.unwrap(first) == first
    for step in steps:
        true += step
        assert unwrapped.near(true % 2**32) == true
        assert unwrapped.unwrap(true % 2**32) == true


def test_lost_packets_are_counted_across_the_wrap() -> None:
    sequence = Sequence()
    assert [sequence.step(number) for number in (65_533, 65_534, 1, 2, 2, 65_534, 3)] == [0, 0, 2, 0, LATE, LATE, 0]
    assert (sequence.lost, sequence.received) == (2, 5)


def test_a_stream_that_begins_anew_is_followed_from_its_second_packet() -> None:
    sequence = Sequence()
    assert [sequence.step(number) for number in (10, 11, 40_000, 12, 30_000, 30_001, 30_002)] == [
        0,
        0,
        LATE,
        0,
        LATE,
        1,
        0,
    ]


def test_the_highest_number_bears_its_turns() -> None:
    sequence = Sequence()
    for number in (65_534, 65_535):
        sequence.step(number)
    assert sequence.highest == 65_535
    sequence.step(0)
    assert sequence.highest == 65_536


@pytest.mark.parametrize(
    ("packet", "span"),
    [
        (b"\x80" + bytes(11) + b"abc", (12, 15)),
        (b"\xa0" + bytes(11) + b"abc\x00\x02", (12, 15)),
        (b"\xa0" + bytes(11) + b"abc\x00", None),
        (b"\xa0" + bytes(11) + b"abc\xff", None),
        (b"\x90" + bytes(11) + b"\x00\x00\x00\x02", None),
        (b"\x40" + bytes(11) + b"abc", None),
        (b"\x8f" + bytes(11) + b"abc", None),
    ],
)
def test_where_a_payload_lies(packet: bytes, span: tuple[int, int] | None) -> None:
    assert payload_span(memoryview(packet), 0, len(packet)) == span


def test_the_cameras_clock_is_read_from_its_reports() -> None:
    track, clock = Track(), ManualClock()
    told = reports(track, clock)
    assert told.sent_at(0) is None
    track.times.unwrap(2**32 - 90_000)
    take(told, sender_report(NOON, 2**32 - 90_000))
    track.times.unwrap(45_000)
    assert told.sent_at(2**32 + 45_000) == NOON + timedelta(seconds=1.5)
    take(told, sender_report(NOON + timedelta(hours=3), 0))
    assert told.sent_at(2**32) == NOON + timedelta(hours=3)


def test_a_camera_without_a_clock_tells_none() -> None:
    told = reports(Track(), ManualClock())
    take(told, sender_report(None, 5))
    assert told.sent_at(5) is None


def test_times_past_2036_are_read() -> None:
    packet = struct.pack(">BBHIIIIII", 0x80, 200, 6, 9, 10, 1 << 31, 0, 1, 2)
    [found] = rtcp.read(packet)
    assert isinstance(found, rtcp.SenderReport)
    assert found.taken_at == datetime(2036, 2, 7, 6, 28, 26, 500_000, tzinfo=UTC)


def test_a_farewell_ends_the_stream_of_its_source_alone() -> None:
    told = reports(Track(source=9), ManualClock())
    take(told, struct.pack(">BBHI", 0x81, 203, 1, 8))
    with pytest.raises(EndedError):
        take(told, sender_report(NOON, 0) + struct.pack(">BBHI", 0x81, 203, 1, 9))


def test_the_camera_is_told_what_came() -> None:
    track, clock = Track(), ManualClock()
    told = reports(track, clock)
    assert told.ours() is None
    for number in (0, 1, 3):
        track.sequence.step(number)
    take(told, sender_report(NOON, 0))
    clock.sleep(2)
    sent = told.ours()
    assert sent is not None
    assert len(sent) % 4 == 0
    source, lost, highest, _, middle, waited = struct.unpack_from(">IIIIII", sent, 8)
    assert (source, lost >> 24, lost & 0xFFFFFF, highest, waited) == (9, 64, 1, 3, 2 * 65536)
    assert middle == int.from_bytes(sender_report(NOON, 0)[10:14], "big")
    assert sent[33] == 202
    assert told.ours() is not None


@given(st.binary(max_size=80))
def test_no_report_breaks_it(packet: bytes) -> None:
    rtcp.read(packet)


def decoded(order: list[int], depth: int, first: int = 8) -> list[int]:
    times = DecodingTimes(depth, order[:first])
    return [times.offer(pts) for pts in order]


def test_without_reordering_both_times_are_the_same() -> None:
    assert decoded([0, 3600, 7200, 10_800], 0) == [0, 3600, 7200, 10_800]


@pytest.mark.parametrize("declared", [0, 2, 4])
@settings(max_examples=30, deadline=None)
@given(groups=st.lists(st.sampled_from([(0,), (1, 0), (3, 1, 0, 2), (4, 2, 1, 0, 3)]), min_size=9, max_size=20))
def test_b_frames_are_decoded_before_they_are_shown(declared: int, groups: list[tuple[int, ...]]) -> None:
    # The first groups are those that reorder most, as they are within the frames that are kept back.
    groups = [(4, 2, 1, 0, 3), (3, 1, 0, 2), *groups]
    order, at = [0], 1
    for group in groups:
        order += [(at + place) * 3000 for place in group]
        at += len(group)
    times = decoded(order, declared)
    assert all(dts <= pts for dts, pts in zip(times, order, strict=True))
    assert all(before < after for before, after in pairwise(times))
    assert times[0] == -max(declared, 3) * 3000


def test_reordering_that_nobody_announced_is_learnt() -> None:
    order = [0, 3000, 6000, 9000, 15_000, 12_000, 21_000, 18_000, 27_000, 24_000]
    times = decoded(order, 0, first=3)
    assert all(before < after for before, after in pairwise(times))
    late = [dts > pts for dts, pts in zip(times, order, strict=True)]
    assert late == [False] * 5 + [True] + [False] * 4


def test_a_clock_that_is_set_back_begins_anew() -> None:
    times = DecodingTimes(1, [0, 6000, 3000])
    assert [times.offer(pts) for pts in (900_000, 906_000, 903_000, 0, 6000, 3000)][3:] == [-3000, 0, 3000]


def test_sound_is_put_beside_the_picture_by_both_clocks() -> None:
    clock = ManualClock()
    video, sound = Track(), Track()
    video_told, sound_told = reports(video, clock), reports(sound, clock, 8000)
    together = SoundClock(video_told, sound_told, 8000)
    video.times.unwrap(900_000)
    sound.times.unwrap(77)
    # By what comes together, before anybody tells better.
    assert together.at(77, 900_000) == 80_000
    take(video_told, sender_report(NOON, 900_000))
    assert together.at(237, 901_800) == 80_160
    # The sound of the picture's 900000 is at 1077 by its clock: 125 ms more than was thought.
    take(sound_told, sender_report(NOON + timedelta(seconds=1), 9077))
    assert together.at(2237, 924_300) == 80_000 + 2237 - 1077
    assert together.at(2200, 924_300) is None


def test_reports_that_tear_sound_and_picture_apart_are_not_believed() -> None:
    clock = ManualClock()
    video, sound = Track(), Track()
    video_told, sound_told = reports(video, clock), reports(sound, clock, 8000)
    together = SoundClock(video_told, sound_told, 8000)
    video.times.unwrap(0)
    sound.times.unwrap(0)
    together.begin(0, 0)
    take(video_told, sender_report(NOON, 0))
    take(sound_told, sender_report(NOON + timedelta(hours=1), 0))
    assert together.at(160, 1800) == 160
