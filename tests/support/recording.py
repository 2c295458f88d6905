"""Stand-ins for the world around ingest's recorders: a clock that only waits move, scripted sources, plain files."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.cameras.sources import RecordingSpec, SourceSpec
from homeward.ingest.media.packets import Packet, Stamped
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import (
    AudioFormat,
    ClipWriteError,
    ClipWriters,
    Entry,
    SourceError,
    SourceUnreachableError,
    VideoSession,
    VideoSources,
)
from homeward.ingest.recorder import CameraRecorder
from homeward.ingest.sharing.membership import Tenure
from homeward.ingest.status.figures import FigureBook
from homeward.ingest.tools import Tools
from homeward.shared.events import Event
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MILLISECOND = Fraction(1, 1000)


class ManualClock:
    """A clock that moves when something waits on it."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic_s

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._now += timedelta(seconds=seconds)
            self._monotonic_s += seconds

    def set(self, now: datetime) -> None:
        """Set the wall clock, as an operator or NTP would."""
        self._now = now


class ManualStop:
    """A stop signal whose waits move the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            self._clock.sleep(timeout or 0)
        return self._set


@dataclass(frozen=True)
class Sent:
    """One packet and how long after the one before it arrives."""

    packet: Packet
    after_s: float = 0.0


@dataclass(frozen=True)
class Connection:
    """One attempt to open a source: `refused`, or what it sends and how it ends.

    `camera_clock` is what sender reports tell of a time stamp.
    """

    sent: Sequence[Sent] = ()
    opens_after_s: float = 0.0
    refused: SourceError | None = None
    ends: BaseException | None = None
    length: timedelta | None = None
    camera_clock: Callable[[int], datetime | None] = lambda _: None
    audio: AudioFormat | None = None


class ScriptedSession:
    codec = "h264"
    width_px = 640
    height_px = 360
    time_base = MILLISECOND

    def __init__(self, connection: Connection, clock: ManualClock) -> None:
        self._connection = connection
        self._clock = clock
        self.length = connection.length
        self.audio = connection.audio
        self.closed = False

    def sent_at(self, pts: int) -> datetime | None:
        return self._connection.camera_clock(pts)

    def packets(self) -> Iterator[Packet]:
        for sent in self._connection.sent:
            self._clock.sleep(sent.after_s)
            yield sent.packet
        if self._connection.ends is not None:
            raise self._connection.ends

    def close(self) -> None:
        self.closed = True


class ScriptEndedError(BaseException):
    """A recorder goes on past the script: no failure that it may try again after, which would never end."""


class ScriptedSources:
    """Plays one connection after the other, then tells the recorder to stop."""

    def __init__(self, clock: ManualClock, connections: Sequence[Connection], done: Callable[[], None]) -> None:
        self._clock = clock
        self._left = list(connections)
        self._done = done

    def open(self, spec: SourceSpec) -> VideoSession:  # noqa: ARG002 - the port's
        if not self._left:
            raise ScriptEndedError
        connection = self._left.pop(0)
        if not self._left:
            self._done()
        self._clock.sleep(connection.opens_after_s)
        if connection.refused is not None:
            raise connection.refused
        return ScriptedSession(connection, self._clock)

    def content(self, spec: SourceSpec) -> str:  # noqa: ARG002 - the port's
        return "same"


class PlainWriter:
    """A clip as JSON: the payloads of its packets, of both tracks."""

    def __init__(self, path: Path, failing: Callable[[Stamped], ClipWriteError | None]) -> None:
        self._path = path
        self._failing = failing
        self._packets: list[tuple[object, int, int]] = []
        self.audio_codec: str | None = None

    def write(self, packet: Stamped) -> None:
        if (error := self._failing(packet)) is not None:
            raise error
        self._packets.append((packet.payload, packet.pts, packet.dts))

    def hear(self, packet: Packet) -> None:
        self.audio_codec = "aac"
        self._packets.append((packet.payload, -1, -1))

    def finish(self, last_ticks: int) -> None:
        assert last_ticks > 0
        self._path.write_text(json.dumps(self._packets))

    def abandon(self) -> None:
        self._packets.clear()


class PlainWriters:
    def __init__(self, failing: Callable[[Stamped], ClipWriteError | None] = lambda _: None) -> None:
        self._failing = failing
        self.checked: list[bool] = []

    def begin(self, path: Path, session: VideoSession, *, check: bool) -> PlainWriter:  # noqa: ARG002 - the port's
        self.checked.append(check)
        return PlainWriter(path, self._failing)


class RecordingProducer:
    """Keeps what is sent; `failures` many sends fail first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def send(self, events: Sequence[Event]) -> None:
        with self._lock:
            if self.failures > 0:
                self.failures -= 1
                raise DeliveryError("the broker is away")
            self.events.extend(events)


@dataclass
class World:
    """A recorder and all that it needs, in one folder."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    max_bytes: int = 1 << 30
    tenure: Tenure | None = None
    failing: Callable[[Stamped], ClipWriteError | None] = lambda _: None
    opening: Callable[[Path, int], DiskSpool] = DiskSpool
    backoff: Backoff = field(default_factory=lambda: Backoff(timedelta(seconds=1), timedelta(seconds=30), lambda: 0.5))

    def __post_init__(self) -> None:
        self.metrics = IngestMetrics(CollectorRegistry())
        self.book = FigureBook()
        self.writers = PlainWriters(self.failing)
        self.spool = self.opening(self.folder / "stretches", self.max_bytes)

    def record(self, connections: Sequence[Connection], spec: SourceSpec, *, stops: bool = True) -> None:
        """Run a recorder through `connections`; with `stops`, it is told to stop when it opens one more."""
        stop = ManualStop(self.clock)
        closing = Connection(refused=SourceUnreachableError("camera: switched off"))
        played = [*connections, closing] if stops else connections
        sources = ScriptedSources(self.clock, played, stop.set if stops else lambda: None)
        self.run(sources, self.writers, spec, stop)

    def run(self, sources: VideoSources, writers: ClipWriters, spec: SourceSpec, stop: ManualStop) -> None:
        """Run a recorder on sources and writers of the test's own."""
        tools = Tools(sources, writers, self.spool, self.clock, self.backoff, self.metrics, self.book)
        CameraRecorder(spec, tools, self.tenure).run(stop)

    def entries(self) -> list[Entry]:
        """Take everything out of the spool, in order."""
        taken: list[Entry] = []
        while (entry := self.spool.claim(0)) is not None:
            taken.append(entry)
            self.contents[entry.serial] = entry.path.read_text() if entry.path else ""
            self.spool.free(entry)
        return taken

    def payloads(self, entries: list[Entry]) -> list[int]:
        """Return the payloads of all footage among what was taken out of the spool."""
        return [packet[0] for entry in entries if entry.path for packet in json.loads(self.contents[entry.serial])]

    contents: dict[int, str] = field(default_factory=dict)


def live(camera_id: str = "cam-1", clip_s: float = 10) -> SourceSpec:
    """Return a live camera."""
    return SourceSpec(camera_id, "rtsp://camera.test/1", None, timedelta(seconds=clip_s), None)


def recorded(recording: RecordingSpec, camera_id: str = "cam-1", clip_s: float = 10) -> SourceSpec:
    """Return a recorded file."""
    return SourceSpec(camera_id, "file:///video.mp4", None, timedelta(seconds=clip_s), recording)


def frames(
    count: int, *, gop: int = 10, interval_ms: int = 100, first_ms: int = 0, number: int = 0, burst: int = 0
) -> list[Sent]:
    """Return `count` frames at a steady rate, a key frame each `gop`; the first `burst` arrive at once."""
    return [
        Sent(
            Packet(first_ms + i * interval_ms, first_ms + i * interval_ms, interval_ms, i % gop == 0, number + i),
            0.0 if i < burst else interval_ms / 1000,
        )
        for i in range(count)
    ]
