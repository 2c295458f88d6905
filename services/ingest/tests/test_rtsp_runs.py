"""Runs of fragments, taken at once from the buffer: nothing is taken differently than packet by packet."""

import contextlib
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp import nal
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError
from homeward.ingest.adapters.rtsp.h264 import H264Assembler
from homeward.ingest.adapters.rtsp.h265 import H265Assembler
from homeward.ingest.adapters.rtsp.video_track import VideoTrack
from homeward.ingest.adapters.rtsp.wire import Wire
from support.rtp_packets import VIDEO_TYPE, packet, packets
from support.scripted_camera import ScriptedCamera, interleaved

CHANNEL = 2
KEY = {"h264": b"\x65", "hevc": b"\x26\x01"}
SLICE = {"h264": b"\x41", "hevc": b"\x02\x01"}
ASSEMBLERS = {"h264": H264Assembler, "hevc": H265Assembler}

Harm = tuple[str, int, int]
"""What is done, to which packet, and with which byte."""

HARMS = st.lists(
    st.tuples(
        st.sampled_from(["lose", "twice", "swap", "byte", "shorten", "source", "marker", "other"]),
        st.integers(0, 120),
        st.integers(0, 255),
    ),
    max_size=6,
)


def film(codec: str, sizes: list[int], first: int) -> list[bytes]:
    """Return the packets of frames of these sizes, the very first numbered `first`."""
    frames = [
        (index * 3600, [(KEY if index % 4 == 0 else SLICE)[codec] + bytes([index % 251]) * size])
        for index, size in enumerate(sizes)
    ]
    return [one for parts in packets(frames, codec, first) for one in parts]


def harmed(sent: list[bytes], harms: list[Harm]) -> list[bytes]:
    """Return what of `sent` comes, after all that was done to it."""
    came = list(sent)
    for what, place, byte in harms:
        if not came:
            break
        at = place % len(came)
        one = came[at]
        match what:
            case "lose":
                del came[at]
            case "twice":
                came.insert(at, one)
            case "swap":
                came[at - 1], came[at] = came[at], came[at - 1]
            case "byte":
                # In the headers, RTP's and the fragment's, where a difference tells.
                index = byte % min(len(one), 16)
                came[at] = one[:index] + bytes([one[index] ^ (byte | 1)]) + one[index + 1 :]
            case "shorten":
                came[at] = one[: max(8, byte % len(one))]
            case "source":
                came[at] = one[:8] + b"\x00\x00\x00\x07" + one[12:]
            case "marker":
                came[at] = one[:1] + bytes([one[1] ^ 0x80]) + one[2:]
            case _:
                came.insert(at, packet(byte, 0, b"sound", payload_type=VIDEO_TYPE + 1))
    return came


def taken(codec: str, chunks: list[bytes], *, runs: bool) -> tuple[Any, ...]:
    """Return all that a track knows after these bytes."""
    stream = ScriptedCamera(list(chunks))
    stream._playing = True
    track = VideoTrack(VIDEO_TYPE, ASSEMBLERS[codec]())
    wire = Wire(stream, heard=lambda _: None, astray=track.damage)
    wire.sinks[CHANNEL] = track.take
    if runs:
        wire.runs[CHANNEL] = track.take_run
    ended: type[Exception] | None = None
    try:
        with contextlib.suppress(TimeoutError):
            while True:
                wire.pump()
    except (ProtocolError, EndedError) as error:
        ended = type(error)
    sequence, assembler = track.sequence, track._assembler
    return (
        [astuple(unit) for unit in track.units],
        (sequence.expected, sequence.lost, sequence.received, sequence.turns, sequence.highest),
        (track._missing, track._damaged, track._spoilt, track._foreign, track._stamp),
        (bytes(assembler.data), assembler.picture, assembler.damaged, assembler.under_way),
        ended,
    )


@pytest.mark.parametrize("codec", ASSEMBLERS)
@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12_000), min_size=1, max_size=10),
    first=st.sampled_from([0, 0xFFF8, 1000]),
    harms=HARMS,
    cut=st.integers(40, 20_000),
)
def test_a_run_takes_what_packet_by_packet_is_taken(
    codec: str, sizes: list[int], first: int, harms: list[Harm], cut: int
) -> None:
    came = harmed(film(codec, sizes, first), harms)
    data = b"".join(interleaved(CHANNEL, one) for one in came)
    chunks = [data[at : at + cut] for at in range(0, len(data), cut)]
    assert taken(codec, chunks, runs=True) == taken(codec, chunks, runs=False)


@pytest.mark.parametrize("codec", ASSEMBLERS)
def test_all_fragments_but_the_first_and_the_last_go_in_runs(codec: str) -> None:
    stream = ScriptedCamera([b"".join(interleaved(CHANNEL, one) for one in film(codec, [30_000, 14_000], 0))])
    stream._playing = True
    track = VideoTrack(VIDEO_TYPE, ASSEMBLERS[codec]())
    singly = []
    wire = Wire(stream, heard=lambda _: None, astray=track.damage)

    def take(view: memoryview, start: int, end: int) -> None:
        singly.append(end - start)
        track.take(view, start, end)

    wire.sinks[CHANNEL], wire.runs[CHANNEL] = take, track.take_run
    wire.pump()
    assert len(track.units) == 2
    assert len(singly) == 4


def test_a_run_on_another_channel_is_not_taken() -> None:
    sent = film("h264", [8000], 0)
    data = interleaved(CHANNEL, sent[0]) + b"".join(interleaved(CHANNEL + 1, one) for one in sent[1:])
    assert taken("h264", [data], runs=True) == taken("h264", [data], runs=False)


@pytest.mark.parametrize("codec", ASSEMBLERS)
def test_a_run_makes_no_unit_larger_than_any_may_be(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nal, "LARGEST_UNIT_BYTES", 5000)
    data = b"".join(interleaved(CHANNEL, one) for one in film(codec, [400_000], 0))
    found = taken(codec, [data[at : at + 3000] for at in range(0, len(data), 3000)], runs=True)
    assert found[-1] is ProtocolError
    assert len(found[3][0]) < 5000 + 2 * 3000
