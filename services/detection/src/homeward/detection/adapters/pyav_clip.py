"""Decoding of clips by PyAV, in one thread, a frame at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.ports import Frame, UnreadableClipError
from homeward.detection.sampling import CalmWatch, Sampler, SamplingPlan

_LUMA_FIRST: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
"""Pixel formats whose first plane is 8-bit brightness, which is then read without any conversion."""


_UNPROBED: Final = {"probesize": "32", "skip_frame": "all"}
"""For the opening alone, in which FFmpeg else decodes a key frame, a tenth of a quiet clip's cost, to learn what the
first picture tells anyhow."""


def silence_ffmpeg() -> None:
    """Keep FFmpeg from writing to standard error; called once, by bootstrap. What matters arrives as errors."""
    av.logging.set_level(None)


class PyavClipReader:
    """Opens clips from seekable streams."""

    def __init__(self, *, most_pixels: int) -> None:
        """`most_pixels` bounds width times height: a larger picture is refused before memory is given to it."""
        self._most_pixels = most_pixels

    @contextmanager
    def open(self, video: BinaryIO, plan: SamplingPlan) -> Iterator["PyavClip"]:
        """Open the MP4 in `video`; raise UnreadableClipError when it is none that can be read."""
        try:
            container = av.open(video, format="mp4", metadata_errors="replace", options=_UNPROBED)
        except (av.error.FFmpegError, ValueError, UnicodeError) as error:
            raise UnreadableClipError(f"not an MP4: {type(error).__name__}") from error
        with container:
            if not container.streams.video:
                raise UnreadableClipError("the MP4 has no video")
            stream = container.streams.video[0]
            pixels = stream.codec_context.width * stream.codec_context.height
            if not 0 < pixels <= self._most_pixels:
                raise UnreadableClipError(f"the picture has {pixels} pixels; at most {self._most_pixels} are read")
            # Replicas, not threads, use the machine's cores: threads would only make one clip dearer.
            stream.thread_type = "NONE"
            yield PyavClip(container, stream, plan, self._most_pixels)


class PyavClip:
    """One open clip."""

    def __init__(self, container: Any, stream: Any, plan: SamplingPlan, most_pixels: int) -> None:
        """Read `stream` of `container` as `plan` says."""
        self.damaged = 0
        self.packets = 0
        self.calm = 0
        self._container = container
        self._stream = stream
        self._plan = plan
        self._most_pixels = most_pixels

    def frames(self) -> Iterator[Frame]:
        """Yield the sampled frames in order of time.

        Raises UnreadableClipError when the video ends without a single frame.
        """
        sampler, glimpses, any_frame = Sampler(self._plan.interval_s), Sampler(self._plan.glimpse_s), False
        for at_s, frame in self._decoded():
            any_frame = True
            due, glimpse = sampler.take(at_s), glimpses.take(at_s)
            if due or glimpse:
                try:
                    luma = _luma(frame)
                except (av.error.FFmpegError, ValueError):
                    self.damaged += 1
                    continue
                yield Frame(at_s, due, luma, partial(_rgb, frame))
        if not any_frame:
            raise UnreadableClipError(f"no frame of {self.packets} packets can be decoded")

    def _decoded(self) -> Iterator[tuple[float, Any]]:
        """Yield each sound frame with its time, in order of time."""
        start, last_s = None, -1.0
        packet_sampler, watch, closer = Sampler(self._plan.interval_s), CalmWatch(), False
        for packet in self._demuxed():
            flush = packet.dts is None and packet.size == 0
            if not flush:
                if start is None:
                    # A recording does not begin at 0, and neither need its copy.
                    start = packet.pts if packet.pts is not None else packet.dts
                if self._plan.key_frames_only:
                    if packet.is_keyframe:
                        closer = self._is_closer(packet, start)
                    if not closer and not self._wanted(packet, start, packet_sampler, watch):
                        continue
            for frame in self._decode(packet):
                at_s = self._seconds(frame, start)
                # Before 0: pictures that lean on a key frame of the clip before, and so cannot be whole.
                if at_s is None or at_s < 0 or at_s <= last_s:
                    continue
                last_s = at_s
                yield at_s, frame

    def _demuxed(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, ValueError):
                # The file breaks off or is damaged here: what the decoder still holds is good.
                self.damaged += 1
                packet = av.Packet()
                packet.stream = self._stream
                yield packet
                return
            if packet is None:
                return
            if packet.size:
                self.packets += 1
                if packet.is_corrupt:
                    self.damaged += 1
            yield packet

    def _decode(self, packet: Any) -> Iterator[Any]:
        try:
            frames = packet.decode() if packet.size else self._stream.codec_context.decode(None)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self.damaged += 1
            return
        for frame in frames:
            if frame.is_corrupt or not 0 < frame.width * frame.height <= self._most_pixels:
                self.damaged += 1
                continue
            yield frame

    def _is_closer(self, packet: Any, start: int | None) -> bool:
        """Whether what follows a key frame is decoded too, up to the next one."""
        if packet.pts is None or start is None:
            return False
        return self._plan.decodes_after(float((packet.pts - start) * self._stream.time_base))

    def _wanted(self, packet: Any, start: int | None, sampler: Sampler, watch: CalmWatch) -> bool:
        """Whether a packet of a clip of which key frames alone are decoded must be."""
        if not packet.is_keyframe:
            watch.between(packet.size)
            return False
        if packet.pts is None or start is None:
            return True
        at_s = float((packet.pts - start) * self._stream.time_base)
        if not sampler.take(at_s):
            return False
        if watch.passes_over(at_s):
            self.calm += 1
            return False
        return True

    def _seconds(self, frame: Any, start: int | None) -> float | None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or start is None:
            self.damaged += 1
            return None
        return float((stamp - start) * (frame.time_base or self._stream.time_base))


def _luma(frame: Any) -> NDArray[np.uint8]:
    """Return the brightness of a frame, uint8 HxW."""
    if frame.format.name not in _LUMA_FIRST:
        return np.asarray(cv2.cvtColor(_rgb(frame), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    plane = frame.planes[0]
    lines = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width]


def _rgb(frame: Any) -> NDArray[np.uint8]:
    """Return a frame as uint8 HxWx3 RGB."""
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
