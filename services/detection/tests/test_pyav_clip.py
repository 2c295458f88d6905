import io
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from homeward.detection.adapters.pyav_clip import PyavClipReader, silence_ffmpeg
from homeward.detection.ports import Frame, UnreadableClipError
from homeward.detection.sampling import SamplingPlan

_EVERYTHING = SamplingPlan(key_frames_only=False, interval_s=1 / 1000)
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    silence_ffmpeg()


def _picture(index: int) -> Any:
    """A picture whose brightness says which frame it is."""
    pixels = np.full((96, 160, 3), 16 + 4 * index % 220, dtype=np.uint8)
    pixels[::8, :, 0] = 255
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")


def _video(
    stamps: Sequence[int], *, codec: str = "libx264", key_every: int = 10, b_frames: int = 0, open_groups: bool = False
) -> bytes:
    """Return an MP4 of frames at `stamps`, in hundredths of a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options=_FRAGMENTED) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 100)
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "g": str(key_every), "bf": str(b_frames), "sc_threshold": "0"}
            stream.options |= {"x264-params": "open-gop=1"} if open_groups else {}
        for index, stamp in enumerate(stamps):
            frame = _picture(index)
            frame.pts, frame.time_base = stamp, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def _read(video: bytes, plan: SamplingPlan = _EVERYTHING) -> tuple[list[Frame], int, int]:
    with PyavClipReader(most_pixels=10**6).open(io.BytesIO(video), plan) as clip:
        frames = list(clip.frames())
        return frames, clip.damaged, clip.packets


def _times(frames: list[Frame]) -> list[float]:
    return [round(frame.at_s, 2) for frame in frames]


def test_every_frame_comes_with_its_time_and_its_picture() -> None:
    frames, damaged, packets = _read(_video(range(0, 80, 4)))
    assert _times(frames) == [round(index * 0.04, 2) for index in range(20)]
    assert (damaged, packets) == (0, 20)
    assert frames[0].luma.shape == (96, 160)
    assert frames[0].rgb().shape == (96, 160, 3)
    assert frames[0].rgb().dtype == np.uint8
    shades = [int(np.median(frame.rgb()[:, :, 1])) for frame in frames]
    assert shades == sorted(shades)


def test_opening_a_clip_decodes_no_picture() -> None:
    with PyavClipReader(most_pixels=10**6).open(io.BytesIO(_video(range(0, 80, 4))), _EVERYTHING) as clip:
        # What a pixel is, a decoder learns from the first picture.
        assert clip._stream.codec_context.pix_fmt is None
        assert len(list(clip.frames())) == 20
        assert clip._stream.codec_context.pix_fmt == "yuv420p"


def test_the_first_packet_is_the_clips_start_whatever_its_stamp() -> None:
    frames, _, _ = _read(_video(range(1780, 1860, 4)))
    assert _times(frames)[:3] == [0.0, 0.04, 0.08]


def _from_second_key_frame(video: bytes) -> tuple[bytes, int]:
    """Return the video as a recorder that joins late keeps it, and how many packets that are."""
    buffer, keys, kept = io.BytesIO(), 0, 0
    # Times stay as they were recorded: no shift to 0, and no edit list that would hide one.
    options = {
        "movflags": _FRAGMENTED["movflags"] + "+frag_discont",
        "avoid_negative_ts": "disabled",
        "use_editlist": "0",
    }
    source: Any = av.open(io.BytesIO(video))
    with source, av.open(buffer, "w", format="mp4", options=options) as target:
        copy: Any = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            keys += packet.is_keyframe and packet.size > 0
            if keys >= 2 and packet.size > 0:
                packet.stream = copy
                target.mux(packet)
                kept += 1
    return buffer.getvalue(), kept


def _stamps(video: bytes) -> list[int]:
    container: Any = av.open(io.BytesIO(video))
    with container:
        return [packet.pts for packet in container.demux(video=0) if packet.size]


def test_a_clip_cut_from_a_recording_begins_at_its_first_packet() -> None:
    late, packets = _from_second_key_frame(_video(range(0, 400, 4)))
    frames, damaged, read = _read(late)
    assert (packets, read, damaged) == (90, 90, 0)
    assert _stamps(late)[0] > 0, "the example must not begin at 0"
    assert _times(frames)[:3] == [0.0, 0.04, 0.08]


def test_pictures_that_lean_on_the_clip_before_are_left_out() -> None:
    late, _ = _from_second_key_frame(_video(range(0, 400, 4), b_frames=3, open_groups=True))
    stamps = _stamps(late)
    assert min(stamps) < stamps[0], "the example must have leading pictures"
    times = _times(_read(late)[0])
    assert times[0] == 0
    assert times == sorted(set(times))


def test_reordered_frames_come_in_order_of_time() -> None:
    frames, damaged, _ = _read(_video(range(0, 80, 4), b_frames=3))
    times = _times(frames)
    assert damaged == 0
    assert times == sorted(times)
    assert len(times) == 20
    shades = [int(np.median(frame.rgb()[:, :, 1])) for frame in frames]
    assert shades == sorted(shades)


def test_a_varying_frame_rate_keeps_its_times() -> None:
    stamps = [0, 4, 30, 31, 100, 104, 180]
    frames, _, _ = _read(_video(stamps))
    assert _times(frames) == [stamp / 100 for stamp in stamps]


def test_samples_are_due_at_the_wanted_rate_and_glimpses_lie_between() -> None:
    frames, _, _ = _read(_video(range(0, 400, 4)), SamplingPlan(key_frames_only=False, interval_s=0.25))
    due = [frame.at_s for frame in frames if frame.due]
    assert len(due) == 16
    assert due[0] == 0
    assert 40 <= len(frames) <= 64


def test_key_frames_alone_are_decoded_where_that_is_the_plan() -> None:
    frames, damaged, packets = _read(
        _video(range(0, 400, 4), key_every=10), SamplingPlan(key_frames_only=True, interval_s=0.25)
    )
    assert _times(frames) == [0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6]
    assert (damaged, packets) == (0, 100)


def test_frames_between_key_frames_are_decoded_in_a_window_and_nowhere_else() -> None:
    plan = SamplingPlan.of(key_frame_interval=timedelta(seconds=0.4), interval_s=0.04, dense=timedelta(seconds=2))
    frames, damaged, packets = _read(
        _video(range(0, 400, 4), key_every=10, b_frames=2), plan.looking_closer([(1.3, 1.7)])
    )
    times = _times(frames)
    assert [at for at in times if not 1.2 <= at < 2.0] == [0.0, 0.4, 0.8, 2.0, 2.4, 2.8, 3.2, 3.6]
    assert [at for at in times if 1.2 <= at < 2.0] == [round(1.2 + 0.04 * index, 2) for index in range(20)]
    assert (damaged, packets) == (0, 100)


def test_in_a_window_a_calm_key_frame_is_decoded_too() -> None:
    plan = SamplingPlan.of(key_frame_interval=timedelta(seconds=1), interval_s=0.25, dense=timedelta(seconds=2))
    with PyavClipReader(most_pixels=10**6).open(
        io.BytesIO(_still_video(25)), plan.looking_closer([(3.2, 3.4)])
    ) as clip:
        times = _times([frame for frame in clip.frames() if frame.due])
    assert [at for at in times if 3.0 <= at < 4.0] == [3.0, 3.28, 3.52, 3.76]


def _still_video(key_every: int, *, moves_at: int | None = None) -> bytes:
    """Return 10 s of a picture at 25 frames a second, in which from one frame on a square has moved."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options=_FRAGMENTED) as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "28", "g": str(key_every), "bf": "0", "sc_threshold": "0"}
        dice = np.random.default_rng(2)
        picture = dice.integers(60, 200, (96, 160, 3), dtype=np.uint8)
        for index in range(250):
            pixels = picture.copy()
            left = 20 if moves_at is None or index < moves_at else 100
            pixels[30:62, left : left + 32] = picture[:32, :32]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _calm_times(video: bytes) -> tuple[list[float], int]:
    with PyavClipReader(most_pixels=10**6).open(
        io.BytesIO(video), SamplingPlan(key_frames_only=True, interval_s=0.25)
    ) as clip:
        return _times(list(clip.frames())), clip.calm


def test_every_other_key_frame_of_a_clip_in_which_nothing_moves_is_decoded() -> None:
    assert _calm_times(_still_video(25)) == ([0.0, 2.0, 4.0, 6.0, 8.0], 5)


def test_the_key_frame_after_a_movement_is_decoded() -> None:
    times, calm = _calm_times(_still_video(25, moves_at=60))
    assert 3.0 in times
    assert times[0] == 0.0
    assert len(times) + calm == 10


def test_of_very_dense_key_frames_only_those_due_are_decoded() -> None:
    plan = SamplingPlan(key_frames_only=True, interval_s=0.5)
    frames, _, _ = _read(_video(range(0, 200, 4), key_every=1), plan)
    assert len(frames) == 4


def test_another_codec_is_read_too() -> None:
    frames, _, _ = _read(_video(range(0, 80, 4), codec="mpeg4"))
    assert len(frames) == 20


def test_a_clip_that_breaks_off_gives_what_it_holds() -> None:
    video = _video(range(0, 400, 4))
    frames, _, packets = _read(video[: len(video) * 2 // 3])
    assert 20 < len(frames) < 100
    assert packets < 100


def test_damage_in_the_middle_is_noticed_and_the_rest_is_read() -> None:
    video = bytearray(_video(range(0, 400, 4)))
    dice = np.random.default_rng(5)
    middle = len(video) // 2
    video[middle : middle + 600] = dice.bytes(600)
    frames, damaged, packets = _read(bytes(video))
    assert len(frames) > 20
    assert damaged > 0 or packets < 100


@pytest.mark.parametrize("video", [b"", b"\0" * 4096, b"not a video at all", b"\x00\x00\x00\x18ftypiso5" + b"\0" * 40])
def test_what_is_no_video_is_unreadable(video: bytes) -> None:
    with pytest.raises(UnreadableClipError):
        _read(video)


def test_a_header_without_a_frame_is_unreadable() -> None:
    video = _video(range(0, 40, 4))
    with pytest.raises(UnreadableClipError):
        _read(video[: video.index(b"moof") - 4])


def test_a_picture_too_large_is_refused_before_it_is_decoded() -> None:
    reader = PyavClipReader(most_pixels=160 * 96 - 1)
    with (
        pytest.raises(UnreadableClipError, match="pixels"),
        reader.open(io.BytesIO(_video(range(0, 40, 4))), _EVERYTHING),
    ):
        pass
