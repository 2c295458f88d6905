"""Files, and cameras over HTTP, by FFmpeg, through PyAV.

Its errors hold the URL, and with it a password: none leaves this file.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
import av.logging

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.media.packets import Packet, Track
from homeward.ingest.ports import AudioFormat, SourceCorruptError, SourceLostError, SourceUnreachableError
from homeward.shared.clock import Clock

SCHEMES: Final = frozenset({"file", "http", "https"})

CODECS: Final = frozenset({"h264", "hevc", "mjpeg"})
"""The video that a clip can take, by FFmpeg's names; of these, the last needs no form told ahead."""

AUDIO_CODECS: Final = frozenset({"aac", "opus", "pcm_alaw", "pcm_mulaw"})
"""The sound that a clip can take, by FFmpeg's names."""

_MULTIPART: Final = "mpjpeg"
"""FFmpeg's name for JPEG pictures one after the other in one answer: they bear no times."""

_ARRIVAL_HZ: Final = 90_000
"""The time base of what is timed by its arrival; a usual one for video."""

_IDENTITY_BYTES: Final = 1 << 20
"""How much of a file's beginning and end tells it from another of the same size."""

_PROTOCOLS: Final = {
    "file": "file",
    "http": "http,tcp",
    "https": "https,http,tls,tcp",
}
"""What FFmpeg may open for a scheme: a playlist that a camera sends must not make it read files of the machine."""


def silence_ffmpeg() -> None:
    """Keep FFmpeg from writing to stderr, where it prints URLs; called once, by bootstrap.

    What matters arrives as errors, of which the class alone is told.
    """
    av.logging.set_level(None)


class PyavSession:
    """The port `VideoSession` on an open FFmpeg input. `stream` and `audio_stream` are FFmpeg's own."""

    def __init__(self, spec: SourceSpec, container: Any, clock: Clock) -> None:
        """Take the first video stream of `container`, and of its sound the first that a clip can take, if wanted.

        Raises SourceCorruptError when a clip cannot take the video.
        """
        camera_id = spec.camera_id
        self._camera_id = camera_id
        self._container = container
        self._clock = clock
        if not container.streams.video:
            raise SourceCorruptError(f"camera {camera_id}: the source holds no video")
        self.stream = container.streams.video[0]
        context = self.stream.codec_context
        self.codec = "" if context is None else str(context.codec.canonical_name)
        if self.codec not in CODECS:
            raise SourceCorruptError(f"camera {camera_id}: the video is neither H.264, H.265 nor Motion JPEG")
        self.width_px = int(context.width)
        self.height_px = int(context.height)
        if not self.width_px or not self.height_px or (self.codec != "mjpeg" and not context.extradata):
            raise SourceCorruptError(f"camera {camera_id}: the source does not tell the form of its pictures")
        self._timed_by_arrival = spec.live and container.format.name == _MULTIPART
        self.time_base: Fraction = Fraction(1, _ARRIVAL_HZ) if self._timed_by_arrival else self.stream.time_base
        known = None if spec.live else container.duration
        self.length = None if known is None else timedelta(microseconds=int(known))
        self.audio: AudioFormat | None = None
        self.audio_stream: Any = None
        self._corrupt_before = False
        if spec.audio:
            self._choose_audio()

    def sent_at(self, pts: int) -> datetime | None:  # noqa: ARG002 - the port's
        """Return None: FFmpeg does not tell the sender's clock."""
        return None

    def packets(self) -> Iterator[Packet]:
        """Yield the packets until the source ends."""
        streams = [self.stream] if self.audio_stream is None else [self.stream, self.audio_stream]
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError:
                raise SourceCorruptError(f"camera {self._camera_id}: the source sends no readable video") from None
            except (av.error.FFmpegError, OSError) as error:
                raise SourceLostError(f"camera {self._camera_id}: {_reason(error)}") from None
            if packet is None:
                return
            # At the end PyAV sends an empty packet, which flushes decoders.
            if packet.size:
                yield self._packet(packet)

    def _packet(self, packet: Any) -> Packet:
        pts, dts, duration = packet.pts, packet.dts, packet.duration or 0
        video = packet.stream is self.stream
        if video and self._timed_by_arrival:
            pts = dts = int(self._clock.monotonic() * _ARRIVAL_HZ)
            packet.duration = duration = 0
        # FFmpeg says so where a container counts its own packets and one is missing, as MPEG-TS does.
        damaged = corrupt = bool(packet.is_corrupt)
        if video:
            # Where it first has to find a frame's end in the stream, it says so one frame too early.
            damaged, self._corrupt_before = corrupt or self._corrupt_before, corrupt
        return Packet(
            pts,
            dts,
            duration,
            bool(packet.is_keyframe),
            packet,
            track=Track.VIDEO if video else Track.AUDIO,
            size_bytes=packet.size,
            damaged=damaged,
        )

    def _choose_audio(self) -> None:
        for stream in self._container.streams.audio:
            context = stream.codec_context
            codec = "" if context is None else str(context.codec.canonical_name)
            if codec in AUDIO_CODECS and context.sample_rate:
                self.audio_stream, self.audio = stream, AudioFormat(codec, stream.time_base)
                return

    def close(self) -> None:
        """Close the input."""
        with suppress(av.error.FFmpegError, OSError):
            self._container.close()


class PyavSources:
    """Opens file://, http:// and https://. Safe to use from several threads."""

    def __init__(
        self,
        credentials: CredentialFiles,
        *,
        open_timeout: timedelta,
        read_timeout: timedelta,
        clock: Clock,
        tls_ca_file: Path | None = None,
    ) -> None:
        """`read_timeout` is how long a source may say nothing. `tls_ca_file` makes https be verified."""
        self._credentials = credentials
        self._timeouts_s = (open_timeout.total_seconds(), read_timeout.total_seconds())
        self._clock = clock
        self._tls_ca_file = tls_ca_file

    def open(self, spec: SourceSpec) -> PyavSession:
        """Open the source."""
        try:
            container = av.open(
                self._address(spec), options=self._options(spec), timeout=self._timeouts_s, metadata_errors="replace"
            )
        except av.error.InvalidDataError:
            raise SourceCorruptError(f"camera {spec.camera_id}: the source sends no readable video") from None
        except (av.error.FFmpegError, OSError) as error:
            raise SourceUnreachableError(f"camera {spec.camera_id}: {_reason(error)}") from None
        try:
            return PyavSession(spec, container, self._clock)
        except SourceCorruptError:
            container.close()
            raise

    def content(self, spec: SourceSpec) -> str:
        """Return a hash over a file's size, beginning and end."""
        digest = hashlib.sha256()
        try:
            with Path(spec.path).open("rb") as file:
                digest.update(file.read(_IDENTITY_BYTES))
                size = file.seek(0, 2)
                file.seek(max(0, size - _IDENTITY_BYTES))
                digest.update(file.read(_IDENTITY_BYTES))
        except OSError as error:
            raise SourceUnreachableError(f"camera {spec.camera_id}: {_reason(error)}") from None
        return f"{size}-{digest.hexdigest()}"

    def _address(self, spec: SourceSpec) -> str:
        if spec.scheme == "file":
            return f"file:{spec.path}"
        if spec.credentials_ref is None:
            return spec.url
        credentials = self._credentials.read(spec.camera_id, spec.credentials_ref)
        user = quote(credentials.user.get_secret_value(), safe="")
        password = quote(credentials.password.get_secret_value(), safe="")
        parts = urlsplit(spec.url)
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))

    def _options(self, spec: SourceSpec) -> dict[str, str]:
        options = {"protocol_whitelist": _PROTOCOLS[spec.scheme]}
        if spec.scheme != "file":
            # Frames kept back to measure a rate would come late, and nobody needs the rate. A camera that sends on to
            # another place could make the recorder ask that place anything.
            options |= {"fpsprobesize": "0", "max_redirects": "0"}
        if spec.scheme == "https":
            # Said either way: what FFmpeg does when nothing is said differs between its versions.
            options["tls_verify"] = "0" if self._tls_ca_file is None else "1"
            if self._tls_ca_file is not None:
                options["ca_file"] = str(self._tls_ca_file)
        return options


def _reason(error: Exception) -> str:
    """Name the class of `error`: its text holds the URL."""
    name = type(error).__name__
    # PyAV's name for a call that was broken off at its timeout.
    return "the source did not answer in time" if name == "ExitError" else f"the source failed ({name})"
