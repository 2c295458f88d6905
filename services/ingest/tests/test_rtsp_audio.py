"""Sound out of RTP payloads."""

from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp.audio import AacReader, G711Reader, OpusReader, Sound, opus_ticks
from homeward.ingest.adapters.rtsp.audio_track import AudioTrack
from support.rtp_packets import packet


def aac(frames: list[bytes]) -> bytes:
    headers = b"".join((len(frame) << 3).to_bytes(2, "big") for frame in frames)
    return (8 * len(headers)).to_bytes(2, "big") + headers + b"".join(frames)


@given(st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=5))
def test_aac_frames_are_taken_out(frames: list[bytes]) -> None:
    found = AacReader().read(aac(frames), marker=True)
    assert [one.data for one in found] == frames
    assert [one.after for one in found] == [1024 * place for place in range(len(frames))]


def test_a_long_aac_frame_comes_in_pieces() -> None:
    reader, frame = AacReader(), bytes(range(250)) * 8
    header = b"\x00\x10" + (len(frame) << 3).to_bytes(2, "big")
    assert list(reader.read(header + frame[:900], marker=False)) == []
    assert list(reader.read(header + frame[900:1800], marker=False)) == []
    assert list(reader.read(header + frame[1800:], marker=True)) == [Sound(0, 1024, frame)]
    # A piece that is lost takes its frame with it.
    reader.read(header + frame[:900], marker=False)
    reader.lose()
    assert list(reader.read(header + frame[900:], marker=True)) == []
    assert [one.data for one in reader.read(aac([b"next"]), marker=True)] == [b"next"]


def test_g711_tells_its_length() -> None:
    assert list(G711Reader().read(b"\xd5" * 160, marker=False)) == [Sound(0, 160, b"\xd5" * 160)]
    assert list(G711Reader(2).read(b"\xd5" * 160, marker=False)) == [Sound(0, 80, b"\xd5" * 160)]


def test_opus_tells_its_length() -> None:
    assert opus_ticks(bytes([1 << 3])) == 960
    assert opus_ticks(bytes([31 << 3])) == 960
    assert opus_ticks(bytes([16 << 3 | 1])) == 240
    assert opus_ticks(bytes([15 << 3 | 3, 3])) == 2880
    assert opus_ticks(b"") == opus_ticks(b"\x03") == 0
    assert list(OpusReader().read(b"", marker=False)) == []


def test_sound_that_is_lost_is_counted() -> None:
    track = AudioTrack(8, G711Reader())
    for number in (65_534, 65_535, 2):
        one = packet(number, number * 160, b"\xd5" * 160, payload_type=8)
        track.take(memoryview(one), 0, len(one))
    assert [(frame.missing, frame.lasts) for frame in track.frames] == [(0, 160), (0, 160), (2, 160)]


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 16), st.integers(0, 8))
def test_no_bytes_break_it(payloads: list[bytes], size: int, index: int) -> None:
    readers = (AacReader(size, index, index), G711Reader(), OpusReader())
    for place, payload in enumerate(payloads):
        for reader in readers:
            for sound in reader.read(payload, marker=bool(place % 2)):
                assert sound.data
                assert sound.lasts >= 0
