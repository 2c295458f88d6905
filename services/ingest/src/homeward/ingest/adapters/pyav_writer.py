"""Clips by FFmpeg's MP4 muxer, through PyAV: packets as they came, nothing encoded."""

import errno
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.error
from av.bitstream import BitStreamFilterContext

from homeward.ingest.adapters.pyav_proof import decodes
from homeward.ingest.media.packets import Packet, Stamped
from homeward.ingest.ports import ClipWriteError, DiskFullError, VideoSession

_FRAGMENTED: Final = "frag_keyframe+default_base_moof"

_LONGEST_FRAGMENT_US: Final = 500_000
"""A fragment begins at each key frame, and after so long: FFmpeg keeps all of an unfinished one in memory, which for
whole groups of pictures would be a megabyte a camera."""

_G711: Final = frozenset({"pcm_alaw", "pcm_mulaw"})
AUDIO_CODECS: Final = frozenset({"aac", "opus"}) | _G711
"""What a clip can hold as it came, by FFmpeg's names."""

_LISTENS: Final = Fraction(2)
"""How many seconds of video are kept back until the first sound says that the clip needs a track for it. A track
without a packet would make FFmpeg keep the whole clip in memory."""

_INTERLEAVED_WITHIN_US: Final = 200_000
"""How long FFmpeg keeps packets of one track back for those of the other; its own 10 s are megabytes a camera."""

_SOUND_WITHIN_S: Final = 10
"""Sound that says to be further than this from the clip's beginning, or from the sound before it, has time stamps of
its own that tell nothing, and is left out."""


class PyavWriter:
    """The port `ClipWriter` on a fragmented MP4.

    Time stamps count from the first key frame's presentation. What lies before that, as the decoding of reordered
    frames and sound that was taken while the camera encoded the key frame, MP4 can say by an edit list alone: the
    header is then written with one, before the first fragment but not before it is full; otherwise at once, without.
    """

    def __init__(self, path: Path, session: Any, *, check: bool) -> None:
        """`session` has FFmpeg's own `stream` and, where it has sound, `audio_stream`.

        With `check` the first key frame must decode.
        """
        self._path = path
        self._check = check
        self._session = session
        self._container: Any = None
        self._stream: Any = None
        self._time_base: Fraction = session.time_base
        self._zero = 0
        self._waiting: list[Stamped] = []
        """Packets of video, while nobody knows yet whether there is sound."""
        self._held: Stamped | None = None
        self._sound: _Sound | None = None
        self.audio_codec: str | None = None

    def write(self, packet: Stamped) -> None:
        """Add one packet of video."""
        try:
            if self._stream is None and not self._opened_by(packet):
                self._waiting.append(packet)
            else:
                self._follow(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _failure(error) from None

    def hear(self, packet: Packet) -> None:
        """Add one packet of sound."""
        try:
            if self._stream is None and self._waiting:
                self._open(sound=True)
            if self._sound is not None:
                self._sound.put(self._container, packet)
        except av.error.InvalidDataError:
            # Sound that is no sound costs no picture.
            return
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _failure(error) from None

    def finish(self, last_ticks: int) -> None:
        """Complete the file."""
        try:
            if self._stream is None and self._waiting:
                self._open(sound=False)
            if self._held is None:
                raise ClipWriteError("the clip holds no packet")
            self._put(self._held, last_ticks)
            self._container.close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _failure(error) from None
        finally:
            self._held = None

    def abandon(self) -> None:
        """Let the file go as it is."""
        self._held = None
        self._waiting.clear()
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError, ValueError):
                self._container.close()

    def _opened_by(self, packet: Stamped) -> bool:
        """Open the file when it is known what it holds; return whether it is."""
        if not self._waiting:
            if self._check and not decodes(self._session.stream, packet.payload):
                raise ClipWriteError("the clip's first key frame does not decode")
            self._zero = packet.pts
            audio = self._session.audio
            if audio is not None and audio.codec in AUDIO_CODECS:
                return False
            self._open(sound=False, first=packet)
            return True
        if (packet.pts - self._zero) * self._time_base < _LISTENS:
            return False
        self._open(sound=False)
        return True

    def _open(self, *, sound: bool, first: Stamped | None = None) -> None:
        first = first or self._waiting[0]
        edited = sound or first.pts > first.dts
        options = {
            "movflags": f"{_FRAGMENTED}+{'delay_moov' if edited else 'empty_moov'}",
            "frag_duration": str(_LONGEST_FRAGMENT_US),
            "use_editlist": "1" if edited else "0",
            "avoid_negative_ts": "disabled",
            # No encoder's name and no time of writing: the same packets give the same bytes.
            "fflags": "bitexact",
            "video_track_timescale": str(self._time_base.denominator),
            "max_interleave_delta": str(_INTERLEAVED_WITHIN_US),
        }
        name = "mp4"
        if sound and self._session.audio.codec in _G711:
            # The registry of MP4 knows `alaw` and `ulaw`, FFmpeg's MP4 does not; its QuickTime differs by the brand.
            name = "mov"
            options["brand"] = "iso6"
        self._container = av.open(str(self._path), "w", format=name, options=options)
        self._stream = self._container.add_stream_from_template(self._session.stream, opaque=True)
        self._stream.time_base = self._time_base
        extradata = self._session.stream.codec_context.extradata
        if self._stream.codec_context.name == "hevc" and extradata and extradata[:1] == b"\x01":
            # Safari plays `hvc1` alone. Where parameter sets stand between the pictures, FFmpeg would take them out of
            # the packets for it, and `hev1` is the name that lets them be.
            self._stream.codec_context.codec_tag = "hvc1"
        if sound:
            self._sound = _Sound(self._container, self._session, self._zero * self._time_base)
            self.audio_codec = self._session.audio.codec
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self._follow(packet)

    def _follow(self, packet: Stamped) -> None:
        """Write the packet before, whose duration is known now."""
        held, self._held = self._held, packet
        if held is not None:
            self._put(held, 0)

    def _put(self, packet: Stamped, lasts_ticks: int) -> None:
        payload: Any = packet.payload
        payload.stream = self._stream
        payload.time_base = self._time_base
        payload.pts = packet.pts - self._zero
        payload.dts = packet.dts - self._zero
        if lasts_ticks and not payload.duration:
            payload.duration = lasts_ticks
        self._container.mux_one(payload)


class _Sound:
    """The sound of one clip."""

    def __init__(self, container: Any, session: Any, zero_s: Fraction) -> None:
        """`zero_s` is the clip's first instant, by the time stamps of the picture."""
        self._time_base: Fraction = session.audio.time_base
        self._stream = container.add_stream_from_template(session.audio_stream)
        self._stream.time_base = self._time_base
        self._zero = round(zero_s / self._time_base)
        # AAC from MPEG-TS carries headers in each packet that MP4 keeps elsewhere.
        in_packets = session.audio.codec == "aac" and not session.audio_stream.codec_context.extradata
        self._filter = BitStreamFilterContext("aac_adtstoasc", session.audio_stream) if in_packets else None
        self._furthest = round(_SOUND_WITHIN_S / self._time_base)
        self._next: int | None = None

    def put(self, container: Any, packet: Packet) -> None:
        """Write one packet."""
        at = self._next if packet.pts is None else packet.pts - self._zero
        last = 0 if self._next is None else self._next
        if at is None or abs(at - last) > self._furthest:
            return
        if self._next is not None:
            at = max(at, self._next)
        # Two packets of one time are disorder, which the muxer refuses.
        self._next = at + 1
        whole: Any = packet.payload
        for payload in [whole] if self._filter is None else self._filter.filter(whole):
            self._mux(container, payload, at)

    def _mux(self, container: Any, payload: Any, at: int) -> None:
        payload.stream = self._stream
        payload.time_base = self._time_base
        payload.pts = payload.dts = at
        container.mux_one(payload)


class PyavWriters:
    """The port `ClipWriters` on FFmpeg's MP4 muxer."""

    def begin(self, path: Path, session: VideoSession, *, check: bool) -> PyavWriter:
        """Begin a clip; nothing is opened before its first packet."""
        if not hasattr(session, "stream"):
            raise TypeError("a clip of FFmpeg's takes the packets of FFmpeg's sources alone")
        return PyavWriter(path, session, check=check)


def _failure(error: Exception) -> ClipWriteError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError("the disk has no room for the clip")
    return ClipWriteError(f"the clip could not be written ({type(error).__name__})")
