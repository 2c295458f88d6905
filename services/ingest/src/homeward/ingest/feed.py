"""One connection's packets, made into clips."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

from homeward.ingest.coverage import Cause
from homeward.ingest.cutting import Cutter, Tally, Verdict
from homeward.ingest.gate import Gate
from homeward.ingest.ledger import Ledger
from homeward.ingest.packets import Stamped, span_to_ticks, ticks_to_span
from homeward.ingest.ports import (
    ClipWriteError,
    ClipWriter,
    ClipWriters,
    DiskFullError,
    StopSignal,
    StretchSpool,
    VideoSession,
)
from homeward.ingest.stamper import Stamper
from homeward.ingest.timeline import Timeline
from homeward.shared.clock import Clock

_GUESSED_FRAME: Final = timedelta(milliseconds=40)
"""A frame of unknown duration, with none before it, is taken to last as at 25 a second."""

SLICE: Final = timedelta(seconds=60)
"""How often a camera that sends nothing to begin a clip with is told as a gap."""


SETTLES: Final = timedelta(seconds=1)
"""How long a connection lasts before its first clip may end. FFmpeg keeps back the frames of its probing, up to some
seconds of them: a clip of those alone would be placed too late, since none of them came as it was taken."""


class Feed:
    """Takes one session's packets, cuts clips and writes them down. Used by the camera's own thread.

    A clip that cannot be written is told as a gap, and the next one begins anew.
    """

    def __init__(
        self,
        camera_id: str,
        session: VideoSession,
        *,
        timeline: Timeline,
        cutter: Cutter,
        gate: Gate,
        ledger: Ledger,
        writers: ClipWriters,
        spool: StretchSpool,
        clock: Clock,
        live: bool,
    ) -> None:
        """`live` says that the packets come as they are taken, so that the clock tells a jump from a pause."""
        self._live = live
        self._camera_id = camera_id
        self._session = session
        self._timeline = timeline
        self._cutter = cutter
        self._gate = gate
        self._ledger = ledger
        self._writers = writers
        self._spool = spool
        self._clock = clock
        self._stamper = Stamper(session.time_base)
        self._tail = timedelta(0)
        self._last_dts: int | None = None
        self._last_step: int | None = None
        self._began: datetime | None = None
        self._draft: Path | None = None
        self._writer: ClipWriter | None = None
        self._failure = Cause.CORRUPT
        self.clips = 0

    def run(self, stop: StopSignal) -> None:
        """Take packets until the source ends or `stop`. Raises the session's SourceError."""
        before: datetime | None = None
        for packet in self._session.packets():
            now = self._clock.now()
            waited = now - before if self._live and before is not None else None
            before = now
            self._take_all(self._stamper.offer(packet, waited), now, stop)
            if stop.is_set():
                return
        self._take_all(self._stamper.flush(), self._clock.now(), stop)

    def finish(self) -> None:
        """End the open clip where its last frame ends, and write it down."""
        tally = self._cutter.end()
        if tally is not None:
            self._close(tally)

    def drop(self) -> None:
        """Let the open clip go, unwritten; idempotent."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
        if self._draft is not None:
            self._spool.discard(self._draft)
            self._draft = None

    def _take_all(self, packets: Iterable[Stamped], now: datetime, stop: StopSignal) -> None:
        for packet in packets:
            self._take(packet, now)
            if stop.is_set():
                return

    def _take(self, packet: Stamped, now: datetime) -> None:
        if packet.jump is not None:
            self.finish()
            self._timeline.jumped(packet.jump, packet.pts, self._tail)
            self._ledger.coverage.cause = Cause.CLOCK_JUMP
        media = self._timeline.media(packet.pts)
        lasts = self._lasts(packet)
        self._tail = media + lasts if packet.jump is not None else max(self._tail, media + lasts)
        if not self._gate.admit(media, key=packet.key):
            return
        self._began = self._began or now
        hold = self._live and now - self._began < SETTLES
        verdict = self._cutter.offer(media, lasts, key=packet.key, hold=hold)
        if verdict in (Verdict.CUT, Verdict.ABANDON):
            self._close(self._cutter.closed())
        if verdict is Verdict.ABANDON:
            self._ledger.coverage.cause = Cause.CORRUPT
        self._timeline.observe(media, now)
        if verdict is Verdict.SKIP and self._live:
            self._tell_slice(now)
        if verdict in (Verdict.START, Verdict.CUT):
            self._begin()
        if verdict in (Verdict.START, Verdict.CUT, Verdict.CONTINUE):
            self._write(packet)

    def _tell_slice(self, now: datetime) -> None:
        through = self._ledger.coverage.through
        if through is not None and now - through >= SLICE:
            self._ledger.coverage.cause = Cause.CORRUPT
            self._ledger.gap_until(now)

    def _lasts(self, packet: Stamped) -> timedelta:
        """How long the packet's frame is shown: as declared, else as the step before it, else a guess."""
        step = None if self._last_dts is None or packet.jump is not None else packet.dts - self._last_dts
        self._last_dts = packet.dts
        self._last_step = step or self._last_step
        base: Fraction = self._session.time_base
        ticks = packet.duration or self._last_step or span_to_ticks(_GUESSED_FRAME, base)
        return max(ticks_to_span(ticks, base), timedelta(microseconds=1))

    def _begin(self) -> None:
        self._failure = Cause.CORRUPT
        self._draft = self._spool.draft(self._camera_id)
        try:
            self._writer = self._writers.begin(self._draft, self._session)
        except ClipWriteError as error:
            self._fail(error)

    def _write(self, packet: Stamped) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(packet)
        except ClipWriteError as error:
            self._fail(error)

    def _fail(self, error: ClipWriteError) -> None:
        self._failure = Cause.SPOOL_OVERFLOW if isinstance(error, DiskFullError) else Cause.CORRUPT
        self.drop()

    def _close(self, tally: Tally) -> None:
        span = self._timeline.place(tally.begins, tally.ends, self._ledger.coverage.through)
        if self._writer is not None:
            # The last packet of the file is the last one decoded; its frame's own step is the best that is known.
            last = self._last_step or span_to_ticks(_GUESSED_FRAME, self._session.time_base)
            try:
                self._writer.finish(max(last, 1))
            except ClipWriteError as error:
                self._fail(error)
        if self._writer is None or self._draft is None:
            self._ledger.failed(span, self._failure)
            return
        draft, self._draft, self._writer = self._draft, None, None
        try:
            self._ledger.footage(span, draft, tally, self._session)
        finally:
            # Where it was spooled, nothing is left at the draft's path.
            self._spool.discard(draft)
        self.clips += 1
