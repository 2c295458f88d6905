"""Clips by FFmpeg's MP4 muxer, through PyAV: packets as they came, nothing decoded."""

import errno
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
import av.error

from homeward.ingest.adapters.pyav_source import PyavSession
from homeward.ingest.packets import Stamped
from homeward.ingest.ports import ClipWriteError, DiskFullError, VideoSession

_FRAGMENTED: Final = "frag_keyframe+default_base_moof"


class PyavWriter:
    """The port `ClipWriter` on a fragmented MP4.

    Time stamps count from the first key frame's presentation. Where frames are reordered, its decoding lies before
    that; MP4 can say so by an edit list alone, so the header is then written with one, and otherwise without any.
    """

    def __init__(self, path: Path, session: PyavSession) -> None:
        self._path = path
        self._session = session
        self._container: Any = None
        self._stream: Any = None
        self._zero = 0
        self._held: Any = None

    def write(self, packet: Stamped) -> None:
        """Add one packet."""
        try:
            if self._container is None:
                self._open(packet)
            held, self._held = self._held, self._prepared(packet)
            if held is not None:
                self._container.mux(held)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _failure(error) from None

    def finish(self, last_ticks: int) -> None:
        """Complete the file."""
        if self._container is None or self._held is None:
            raise ClipWriteError("the clip holds no packet")
        try:
            if not self._held.duration:
                self._held.duration = last_ticks
            self._container.mux(self._held)
            self._container.close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _failure(error) from None
        finally:
            self._held = None

    def abandon(self) -> None:
        """Let the file go as it is."""
        self._held = None
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError, ValueError):
                self._container.close()

    def _open(self, first: Stamped) -> None:
        reordered = first.pts > first.dts
        time_base = self._session.time_base
        options = {
            "movflags": f"{_FRAGMENTED}+{'delay_moov' if reordered else 'empty_moov'}",
            "use_editlist": "1" if reordered else "0",
            "avoid_negative_ts": "disabled",
            # No encoder's name and no time of writing: the same packets give the same bytes.
            "fflags": "bitexact",
            "video_track_timescale": str(time_base.denominator),
        }
        self._container = av.open(str(self._path), "w", format="mp4", options=options)
        self._stream = self._container.add_stream_from_template(self._session.stream)
        self._stream.time_base = time_base
        self._zero = first.pts

    def _prepared(self, packet: Stamped) -> Any:
        payload: Any = packet.payload
        payload.stream = self._stream
        payload.time_base = self._session.time_base
        payload.pts = packet.pts - self._zero
        payload.dts = packet.dts - self._zero
        return payload


class PyavWriters:
    """The port `ClipWriters` on FFmpeg's MP4 muxer."""

    def begin(self, path: Path, session: VideoSession) -> PyavWriter:
        """Begin a clip; nothing is opened before its first packet."""
        if not isinstance(session, PyavSession):
            raise TypeError("a clip of FFmpeg's takes the packets of FFmpeg's sources alone")
        return PyavWriter(path, session)


def _failure(error: Exception) -> ClipWriteError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError("the disk has no room for the clip")
    return ClipWriteError(f"the clip could not be written ({type(error).__name__})")
