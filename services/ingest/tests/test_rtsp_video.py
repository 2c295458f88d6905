"""Access units out of RTP: whole ones bit by bit, and never a damaged one without a word."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp import nal
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError
from homeward.ingest.adapters.rtsp.h264 import H264Assembler
from homeward.ingest.adapters.rtsp.h265 import H265Assembler
from homeward.ingest.adapters.rtsp.rtp import Reorderer
from homeward.ingest.adapters.rtsp.video_track import AccessUnit, VideoTrack
from support.rtp_packets import VIDEO_TYPE, behind_lengths, give, packet, packets, payloads

SLICE = {"h264": b"\x41", "hevc": b"\x02\x01"}
KEY = {"h264": b"\x65", "hevc": b"\x26\x01"}
SETS = {"h264": [b"\x67\x42\x00\x1e\x99", b"\x68\xce\x38\x80"], "hevc": [b"\x40\x01a", b"\x42\x01bb", b"\x44\x01c"]}
SEI = {"h264": b"\x06\x05\x04abcd\x80", "hevc": b"\x4e\x01\x05\x04abcd\x80"}
CODECS = ("h264", "hevc")


def track(codec: str) -> VideoTrack:
    return VideoTrack(VIDEO_TYPE, H264Assembler() if codec == "h264" else H265Assembler())


def give_all(taken: VideoTrack, all_of_them: Sequence[bytes]) -> None:
    for one in all_of_them:
        give(taken, one)


def film(codec: str, sizes: Sequence[int], gop: int = 5) -> list[tuple[int, list[bytes]]]:
    """Return frames of these sizes; each `gop`-th is a key frame with its parameter sets and an SEI."""
    frames = []
    for index, size in enumerate(sizes):
        body = bytes([index % 251]) * max(size, 1)
        key = [*SETS[codec], SEI[codec], KEY[codec] + body]
        frames.append((index * 3600, key if index % gop == 0 else [SLICE[codec] + body]))
    return frames


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=12), together=st.booleans(), first=st.integers(0, 0xFFFF)
)
def test_what_was_cut_into_packets_is_put_together_again(
    codec: str, sizes: list[int], together: bool, first: int
) -> None:
    taken = track(codec)
    number = first
    frames = film(codec, sizes)
    for stamp, units in frames:
        parts = payloads(units, codec, together=together)
        for at, part in enumerate(parts):
            give(taken, packet(number + at, stamp, part, marker=at == len(parts) - 1))
        number += len(parts)
    assert [bytes(unit.data) for unit in taken.units] == [behind_lengths(units) for _, units in frames]
    assert [unit.pts for unit in taken.units] == [stamp for stamp, _ in frames]
    assert [unit.key for unit in taken.units] == [index % 5 == 0 for index in range(len(frames))]
    assert not any(unit.missing or unit.damaged for unit in taken.units)
    assert [one for _, one in taken.units[0].sets] == SETS[codec]


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6000), min_size=3, max_size=12),
    lost=st.sets(st.integers(0, 40), max_size=6),
    first=st.sampled_from([0, 0xFFF0]),
)
def test_a_unit_that_lost_a_packet_is_gone_and_told(codec: str, sizes: list[int], lost: set[int], first: int) -> None:
    frames = film(codec, sizes)
    cut = packets(frames, codec, first)
    taken = track(codec)
    taken.begin(first)
    place = 0
    whole: list[bytes] = []
    told_lost = 0
    pending = 0
    for (_, units), parts in zip(frames, cut, strict=True):
        gone = [index for index in range(place, place + len(parts)) if index in lost]
        for index, part in enumerate(parts, place):
            if index not in lost:
                told_lost += pending
                pending = 0
                give(taken, part)
            else:
                pending += 1
        place += len(parts)
        if not gone:
            whole.append(behind_lengths(units))
    found = [bytes(unit.data) for unit in taken.units]
    # Nothing that lost a packet comes through, and nothing is told as damaged that is only incomplete.
    assert [data for data in found if data not in whole] == []
    assert not any(unit.damaged for unit in taken.units)
    # Each unit after a hole bears the packets that are missing in it; what a unit still to come would bear is not lost.
    assert sum(unit.missing for unit in taken.units) + taken._missing == told_lost
    # A whole unit may be let go where it follows a loss, and only there.
    after_loss = 0
    place = 0
    for parts in cut:
        before = {place - 1}
        inside = set(range(place, place + len(parts)))
        after_loss += bool(before & lost) and not inside & lost
        place += len(parts)
    assert len(whole) - len(found) <= after_loss


@pytest.mark.parametrize("codec", CODECS)
def test_a_unit_behind_a_loss_is_kept_where_a_delimiter_begins_it(codec: str) -> None:
    delimiter = {"h264": b"\x09\xf0", "hevc": b"\x46\x01\x50"}[codec]
    frames = [(stamp, [delimiter, *units]) for stamp, units in film(codec, [100] * 6)]
    cut = packets(frames, codec)
    taken = track(codec)
    for index, parts in enumerate(cut):
        if index != 4:
            give_all(taken, parts)
    assert [unit.pts for unit in taken.units] == [0, 3600, 7200, 10800, 18000]
    assert (taken.units[-1].key, taken.units[-1].missing) == (True, len(cut[4]))


@pytest.mark.parametrize("codec", CODECS)
def test_a_unit_that_lost_what_stands_before_its_parameter_sets_is_gone(codec: str) -> None:
    frames = [(stamp, [SEI[codec], *units]) for stamp, units in film(codec, [100] * 7)]
    cut = packets(frames, codec)
    taken = track(codec)
    for index, parts in enumerate(cut):
        give_all(taken, parts[1:] if index == 5 else parts)
    assert [(unit.pts, unit.missing) for unit in taken.units][4:] == [(14400, 0), (21600, 1)]


def test_the_unit_behind_a_lost_last_packet_is_whole() -> None:
    cut = packets(film("h264", [100, 3000, 100]), "h264")
    taken = track("h264")
    for part in [*cut[0], *cut[1][:-1], *cut[2]]:
        give(taken, part)
    assert [(unit.pts, unit.missing) for unit in taken.units] == [(0, 0), (7200, 1)]


def test_the_unit_behind_a_loss_is_gone_where_the_camera_marks_no_ends() -> None:
    taken = track("h264")
    for number, stamp in ((0, 0), (1, 3600), (3, 7200), (4, 10800), (5, 14400)):
        give(taken, packet(number, stamp, b"\x41slice"))
    assert [(unit.pts, unit.missing) for unit in taken.units] == [(0, 0), (10800, 1)]


def test_a_loss_at_the_start_is_seen_by_what_the_camera_announced() -> None:
    cut = packets(film("h264", [3000, 100]), "h264", first=500)
    taken = track("h264")
    taken.begin(500)
    for part in [*cut[0][1:], *cut[1]]:
        give(taken, part)
    assert [(unit.pts, unit.missing) for unit in taken.units] == [(3600, 1)]


def test_an_announcement_out_of_all_proportion_is_not_believed() -> None:
    taken = track("h264")
    taken.begin(500)
    for part in packets(film("h264", [100]), "h264", first=40_000)[0]:
        give(taken, part)
    assert [unit.missing for unit in taken.units] == [0]


def test_whoever_joins_in_the_middle_of_a_frame_begins_with_the_next() -> None:
    cut = packets(film("h264", [3000, 100]), "h264")
    taken = track("h264")
    for part in [*cut[0][-2:], *cut[1]]:
        give(taken, part)
    assert [(unit.pts, unit.missing, unit.damaged) for unit in taken.units] == [(3600, 0, False)]


def test_a_unit_without_a_marker_ends_where_the_time_stamp_changes() -> None:
    taken = track("h264")
    for number, stamp in enumerate((0, 0, 3600, 3600, 7200)):
        give(taken, packet(number, stamp, b"\x41slice"))
    assert [unit.pts for unit in taken.units] == [0, 3600]


def test_parameter_sets_that_travel_alone_go_with_the_next_picture() -> None:
    taken = track("h264")
    give(taken, packet(0, 0, SETS["h264"][0], marker=True))
    give(taken, packet(1, 90, SETS["h264"][1], marker=True))
    give(taken, packet(2, 3600, b"\x65key", marker=True))
    assert [(unit.pts, bytes(unit.data)) for unit in taken.units] == [
        (3600, behind_lengths([*SETS["h264"], b"\x65key"]))
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [b"\xc1forbidden bit"],
        [b"\x41ok", b"\x5c\x01the middle of nothing"],
        [b"\x5c\x81begins", b"\x41ok"],
        [b"\x41ok", b"\x18\x00\x09short"],
        [b"\x41ok", b"\x1a multi-time"],
        [b"\x41ok", b"\x41"],
        [b"\x41ok", b"\x00\x00"],
    ],
)
def test_what_contradicts_itself_is_told(parts: list[bytes]) -> None:
    taken = track("h264")
    give(taken, packet(0, 0, b"\x65key", marker=True))
    for number, part in enumerate(parts, 1):
        give(taken, packet(number, 3600, part))
    give(taken, packet(len(parts) + 1, 7200, b"\x41whole", marker=True))
    give(taken, packet(len(parts) + 2, 10800, b"\x41whole", marker=True))
    damaged = {unit.pts: unit.damaged for unit in taken.units}
    assert damaged.pop(0) is False
    assert damaged.pop(10800) is False
    assert True in damaged.values()
    assert not any(unit.missing for unit in taken.units)


def test_packets_of_others_are_no_part_of_the_picture_but_are_counted() -> None:
    taken = track("h264")
    give(taken, packet(0, 0, b"\x65key", marker=True))
    give(taken, packet(1, 0, b"other", payload_type=110))
    give(taken, packet(2, 3600, b"\x41a", marker=True))
    assert [(unit.pts, unit.missing) for unit in taken.units] == [(0, 0), (3600, 0)]


def test_a_stream_that_another_replaces_ends() -> None:
    taken = track("h264")
    give(taken, packet(0, 0, b"\x65key", marker=True))
    others = [packet(number, 0, b"\x65key", marker=True, source=7) for number in range(60)]
    with pytest.raises(EndedError):
        give_all(taken, others)


def test_padding_extension_and_contributors_are_no_picture() -> None:
    taken = track("h264")
    extension = b"\x00" * 4 + b"\xbe\xde\x00\x01abcd"
    give(taken, packet(0, 0, extension + b"\x65key" + b"\x00\x00\x03", marker=True, first=0x80 | 0x20 | 0x10 | 1))
    assert [bytes(unit.data) for unit in taken.units] == [behind_lengths([b"\x65key"])]


def test_a_recovery_point_is_a_key_frame() -> None:
    taken = track("h264")
    give(taken, packet(0, 0, b"\x06\x05\x02ab\x06\x01\xc4\x80"))
    give(taken, packet(1, 0, b"\x41open group", marker=True))
    give(taken, packet(2, 3600, b"\x06\x05\x02ab\x80"))
    give(taken, packet(3, 3600, b"\x41none", marker=True))
    assert [unit.key for unit in taken.units] == [True, False]


def test_no_camera_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nal, "LARGEST_UNIT_BYTES", 10_000)
    taken = track("h264")
    give(taken, packet(0, 0, b"\x7c\x85start"))
    with pytest.raises(ProtocolError):
        give_all(taken, [packet(number, 0, b"\x7c\x05" + bytes(1000)) for number in range(1, 20)])


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(30)), reach=st.integers(1, 8))
def test_packets_that_overtake_each_other_are_put_in_order(order: list[int], reach: int) -> None:
    # Each packet is displaced by fewer than `reach` places.
    displaced = sorted(range(30), key=lambda number: number + order[number] % reach)
    queue, numbers = Reorderer(), list[int]()
    assert queue.in_turn(65_530 - 1)
    for number in displaced:
        full = (65_530 + number) % 65_536
        if queue.in_turn(full):
            numbers.append(number)
        else:
            numbers += [int.from_bytes(one, "big") for one in queue.keep(full, number.to_bytes(2, "big"), 0.0)]
    assert numbers == list(range(30))


def test_a_missing_packet_is_waited_for_no_longer_than_it_takes() -> None:
    queue = Reorderer()
    assert queue.in_turn(1)
    assert queue.keep(3, b"3", 10.0) == []
    assert queue.due(10.05) == []
    assert queue.waiting
    assert queue.due(10.11) == [b"3"]
    assert not queue.waiting
    # What comes too late is no packet any more, and the next is in turn.
    assert queue.keep(2, b"2", 10.2) == []
    assert queue.in_turn(4)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 255)), max_size=30), st.sampled_from(CODECS))
def test_no_bytes_break_it(given_packets: list[bytes | int], codec: str) -> None:
    taken = track(codec)
    with contextlib.suppress(ProtocolError, EndedError):
        for number, one in enumerate(given_packets):
            data = (
                one if isinstance(one, bytes) else packet(number, one * 90, bytes([one]) * (one % 7), marker=one > 99)
            )
            give(taken, data)
    assert all(isinstance(unit, AccessUnit) for unit in taken.units)
