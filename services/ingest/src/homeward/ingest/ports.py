"""What the recorders and the sender need of the world."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import Packet, Stamped
from homeward.ingest.media.stretches import Stretch


class SourceError(Exception):
    """A source failed. The text is a short reason that holds no URL, user, password or path."""


class SourceUnreachableError(SourceError):
    """The source could not be opened now: the same may succeed later."""


class SourceLostError(SourceError):
    """The source stopped sending, or could no longer be read."""


class SourceCorruptError(SourceError):
    """What the source sends is not video that can be put into a clip."""


class ClipWriteError(Exception):
    """The packets of a clip could not be written."""


class DiskFullError(ClipWriteError):
    """The disk has no room for the clip."""


class StopSignal(Protocol):
    """Tells a loop to end; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to end. Returns at once."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Block for `timeout` seconds or until told to end; return whether to end."""
        ...


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The sound of a source: FFmpeg's name of the codec, and the time base of its packets, seconds a tick."""

    codec: str
    time_base: Fraction


class VideoSession(Protocol):
    """One open source. Used by one thread. `length` is None where the source does not know its own.

    `time_base` is the video's; `audio` is None where the source has no sound or none is wanted.
    """

    codec: str
    width_px: int
    height_px: int
    time_base: Fraction
    length: timedelta | None
    audio: AudioFormat | None

    def sent_at(self, pts: int) -> datetime | None:
        """Return when the camera's own clock says that the video frame of `pts` was taken; None where it does not tell.

        By RTCP sender reports (RFC 3550, section 6.4.1), with the last report that came.
        """
        ...

    def packets(self) -> Iterator[Packet]:
        """Yield the packets in decoding order until the source ends; each `next` blocks for the read timeout.

        Raises SourceLostError when the source stops sending, SourceCorruptError when it sends no video.
        """
        ...

    def close(self) -> None:
        """Let the source go; never raises."""
        ...


class VideoSources(Protocol):
    """Opens sources. Safe to use from several threads."""

    def open(self, spec: SourceSpec) -> VideoSession:
        """Open the source, blocking for at most the open timeout.

        Raises SourceUnreachableError when it cannot be opened now, SourceCorruptError when it holds no video that a
        clip can take.
        """
        ...

    def content(self, spec: SourceSpec) -> str:
        """Return what tells the content of a file from another's. Raises SourceUnreachableError."""
        ...


class ClipWriter(Protocol):
    """One clip being written. Used by one thread. `audio_codec` is None where the clip holds no sound."""

    audio_codec: str | None

    def write(self, packet: Stamped) -> None:
        """Add a packet of video, in decoding order; the first is a key frame. Raises ClipWriteError, DiskFullError."""
        ...

    def hear(self, packet: Packet) -> None:
        """Add one packet of sound, or let it go where the clip cannot take it. Raises ClipWriteError, DiskFullError."""
        ...

    def finish(self, last_ticks: int) -> None:
        """Complete the file; its last packet lasts `last_ticks`. Raises ClipWriteError, DiskFullError."""
        ...

    def abandon(self) -> None:
        """Let the file go as it is; never raises."""
        ...


class ClipWriters(Protocol):
    """Begins clips. Safe to use from several threads."""

    def begin(self, path: Path, session: VideoSession, *, check: bool) -> ClipWriter:
        """Begin a clip of the packets of `session` at `path`. Raises ClipWriteError, DiskFullError.

        With `check` its first packet must decode, or the clip is refused by ClipWriteError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Owed:
    """A camera's time before `before`, told by another recorder up to where only the log knows; then it is a gap."""

    before: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class CameraState:
    """What outlives a restart for one camera.

    `through` is where its last spooled stretch ended. `recording` tells which recording that was, None for a live
    camera; `complete` that the recording was read to its end. `stopped` is why it is not recorded, while it is not
    wanted to be. `epoch` is the one under which `through` came about, `owed` what is not told yet of the time before
    this replica took the camera.
    """

    through: datetime | None = None
    recording: str | None = None
    complete: bool = False
    stopped: Cause | None = None
    epoch: int | None = None
    owed: Owed | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished clip's file: its size and its SHA-256 in lower-case hexadecimal."""

    size_bytes: int
    sha256: str


class StretchSpool(Protocol):
    """Where recorders leave what they finished. Safe to use from several threads, one thread a camera.

    Every method may raise OSError when the disk fails.
    """

    def cameras(self) -> list[str]:
        """Return the ids of the cameras of which anything is remembered."""
        ...

    def state(self, camera_id: str) -> CameraState:
        """Return what is remembered of the camera."""
        ...

    def remember(self, camera_id: str, state: CameraState) -> None:
        """Replace what is remembered of the camera, durably."""
        ...

    def draft(self, camera_id: str) -> Path:
        """Return a path at which a clip may be written; what is there after a crash is deleted."""
        ...

    def discard(self, draft: Path) -> None:
        """Delete a draft; one that is not there is no error."""
        ...

    def seal(self, draft: Path) -> Sealed:
        """Make a finished draft durable and return its size and hash."""
        ...

    def add(self, stretch: Stretch, draft: Path | None, state: CameraState, *, replayable: bool) -> None:
        """Keep a stretch, with the sealed `draft` of its footage, until it is sent; durable on return.

        At the bound the oldest clips are given up for it. `replayable` footage can be read again from its source
        and is never given up: its recorder waits for room instead.
        """
        ...

    def wait_for_room(self, stop: StopSignal) -> None:
        """Block while more than half of the bound is used, or until `stop`."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One spooled stretch; `path` is its footage, None for a gap. `serial` rises within a camera."""

    camera_id: str
    serial: int
    stretch: Stretch
    path: Path | None
    replayable: bool


class SendQueue(Protocol):
    """What the sender takes from the spool. Safe to use from several threads.

    `free`, `shorten` and `spoil` raise OSError when the disk fails; the stretch is still claimed then.
    """

    def claim(self, timeout_s: float) -> Entry | None:
        """Return the oldest stretch of a camera of which none is claimed; None after `timeout_s` without one."""
        ...

    def release(self, entry: Entry, rest_s: float = 0.0) -> None:
        """Give a claimed stretch back; it could not be sent now, and its camera is passed over for `rest_s`."""
        ...

    def free(self, entry: Entry) -> None:
        """Delete a claimed stretch; it is sent, or may not be."""
        ...

    def shorten(self, entry: Entry, stretch: Stretch) -> None:
        """Put `stretch`, a part of the claimed one with the same footage, in its place, and give it back."""
        ...

    def empty(self) -> bool:
        """Whether nothing waits to be sent. Returns at once."""
        ...

    def spoil(self, entry: Entry) -> None:
        """Replace claimed footage that its own hash disowns by a gap, and give it back."""
        ...


class CameraMemory(Protocol):
    """The cameras as they were last known, so that recording begins where Kafka is away. Safe for several threads.

    Every method may raise OSError when the disk fails.
    """

    def recall(self) -> dict[str, bytes]:
        """Return the serialised state of each remembered camera, by id."""
        ...

    def remember(self, camera_id: str, state: bytes | None) -> None:
        """Remember a camera's state, or forget it."""
        ...


class Figures(Protocol):
    """What is told of one camera's connection while it is read. Called by the camera's own thread; returns at once."""

    def connected(self, codec: str, audio_codec: str | None, width_px: int, height_px: int) -> None:
        """Take note of what the source sends, as a clip begins; `audio_codec` is None where no sound is recorded."""
        ...

    def packet(self, size_bytes: int, *, video: bool, missing: int) -> None:
        """Take note of a packet, and of `missing` transport packets lost before it."""
        ...

    def clock(self, offset: timedelta | None, drift_ppm: float | None) -> None:
        """Take note of the camera's clock less the recorder's, and of how fast it gains; None where it is not known."""
        ...

    def disconnected(self) -> None:
        """Take note that the connection ended."""
        ...
