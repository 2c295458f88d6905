"""One connection's packets, made into clips."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeward.ingest.media.camera_clock import CameraClockWatch
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.cutting import Cutter, Tally, Verdict
from homeward.ingest.media.decode_checks import CHECK_EACH, DecodeChecks
from homeward.ingest.media.gate import Gate
from homeward.ingest.media.ledger import Ledger, cause_of
from homeward.ingest.media.packets import MICROSECOND, Packet, Stamped, Ticks, Track, span_to_ticks
from homeward.ingest.media.stamper import Stamper
from homeward.ingest.media.timeline import Timeline
from homeward.ingest.ports import (
    ClipWriteError,
    ClipWriter,
    ClipWriters,
    DiskFullError,
    Figures,
    StopSignal,
    StretchSpool,
    VideoSession,
)
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

_GUESSED_FRAME: Final = timedelta(milliseconds=40)
"""A frame of unknown duration, with none before it, is taken to last as at 25 a second."""

SLICE: Final = timedelta(seconds=60)
"""How often a camera that sends nothing to begin a clip with is told as a gap."""


SETTLES: Final = timedelta(seconds=1)
"""How long a connection lasts before its first clip may end. A source keeps its first frames back until it knows their
form, FFmpeg for up to some seconds: a clip of those alone would be placed too late, since none came as it was taken."""

_EARLY_AT_MOST: Final = 512
"""Packets of sound kept while the stamper keeps the picture back: 10 s of AAC."""

_log = get_logger()


class Feed:
    """Takes one session's packets, cuts clips and writes them down. Used by the camera's own thread.

    A clip that cannot be written is told as a gap, and the next one begins anew. Where packets of video are lost or
    damaged the clip ends with its last whole frame, and up to the next key frame there is a gap. Sound goes into the
    clip during which it came, and neither cuts nor delays one.
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
        figures: Figures | None = None,
        watch: CameraClockWatch | None = None,
        check_each: timedelta = CHECK_EACH,
    ) -> None:
        """`live` says that the packets come as they are taken, so that the clock tells a jump from a pause.

        `figures` are told each packet; `watch` follows the camera's clock from one connection to the next. A live
        clip is proven to decode each `check_each`, a recording's always.
        """
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
        self._figures = figures
        self._watch = watch
        self._checks = DecodeChecks(check_each if live else timedelta(0))
        self._stamper = Stamper(session.time_base)
        self._ticks = Ticks(session.time_base)
        self._guessed = max(1, span_to_ticks(_GUESSED_FRAME, session.time_base))
        self._tail = timedelta(0)
        self._last_dts: int | None = None
        self._last_step: int | None = None
        self._began: datetime | None = None
        self._settled = not live
        self._draft: Path | None = None
        self._writer: ClipWriter | None = None
        self._failure = Cause.CORRUPT
        self._broken: Cause | None = None
        """Why the last clip was broken off, until the next one begins."""
        self._silent = session.audio is None
        """Whether it is known that no sound is recorded."""
        self._early: list[Packet] = []
        """Sound that came while the stamper kept the picture back."""
        self.clips = 0

    def run(self, stop: StopSignal) -> None:
        """Take packets until the source ends or `stop`. Raises the session's SourceError."""
        before: datetime | None = None
        clock, live, figures, offer = self._clock.now, self._live, self._figures, self._stamper.offer
        for packet in self._session.packets():
            video = packet.track is Track.VIDEO
            if figures is not None:
                figures.packet(packet.size_bytes, video=video, missing=packet.missing)
            if video:
                now = clock()
                waited = now - before if live and before is not None else None
                before = now
                self._take_all(offer(packet, waited), now, stop)
            elif self._stamper.holds and len(self._early) < _EARLY_AT_MOST:
                self._early.append(packet)
            else:
                self._hear(packet)
            if stop.is_set():
                return
        self._take_all(self._stamper.flush(), self._clock.now(), stop)

    def finish(self) -> None:
        """End the open clip where its last frame ends, and write it down; tell what packets were lost behind it."""
        if not self._end_clip() and self._live and self._broken is not None:
            self._ledger.coverage.cause = self._broken
            self._ledger.gap_until(self._clock.now())

    def drop(self) -> None:
        """Let the open clip go, unwritten; idempotent."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
        if self._draft is not None:
            self._spool.discard(self._draft)
            self._draft = None

    def _take_all(self, packets: Sequence[Stamped], now: datetime, stop: StopSignal) -> None:
        for packet in packets:
            self._take(packet, now)
            if stop.is_set():
                return
        if self._early and packets:
            early, self._early = self._early, []
            for sound in early:
                self._hear(sound)

    def _take(self, packet: Stamped, now: datetime) -> None:
        if packet.jump is not None:
            self._end_clip()
            self._timeline.jumped(packet.jump, packet.pts, self._tail)
            self._ledger.coverage.cause = Cause.CLOCK_JUMP
            self._checks.doubt()
        media = self._timeline.media(packet.pts)
        lasts = self._lasts(packet)
        ends = media + lasts
        if ends > self._tail or packet.jump is not None:
            self._tail = ends
        key = packet.key
        if not self._gate.admit(media, key=key):
            return
        self._timeline.observe(media, now)
        if (packet.missing or packet.damaged) and self._lose(packet, now):
            return
        if key:
            self._tell(packet.pts, media)
        verdict = self._cutter.offer(media, lasts, key=key, hold=not self._settled and self._holds(now))
        if verdict is not Verdict.CONTINUE:
            self._turn(verdict, packet, media, now)
        if self._writer is not None:
            self._write(packet)

    def _turn(self, verdict: Verdict, packet: Stamped, media: timedelta, now: datetime) -> None:
        """Do what it takes that a clip begins or ends at `packet`."""
        if verdict in (Verdict.CUT, Verdict.ABANDON):
            self._close(self._cutter.closed())
        if verdict is Verdict.ABANDON:
            self._ledger.coverage.cause = self._broken = Cause.CORRUPT
            self._checks.doubt()
        if verdict is Verdict.SKIP:
            self._tell_slice(now)
        if verdict in (Verdict.START, Verdict.CUT):
            # The clip before has used up what was learnt of this packet.
            self._timeline.observe(media, now)
            self._tell(packet.pts, media)
            self._begin()

    def _lose(self, packet: Stamped, now: datetime) -> bool:
        """End the clip before a loss; return whether the packet itself is of no use."""
        self._checks.doubt()
        cause = Cause.CORRUPT if packet.damaged else Cause.PACKETS_LOST
        if self._end_clip():
            self._ledger.coverage.cause = self._broken = cause
        if packet.damaged:
            self._tell_slice(now)
        return packet.damaged

    def _holds(self, now: datetime) -> bool:
        """Whether the connection is too young for its first clip to end."""
        self._began = self._began or now
        self._settled = now - self._began >= SETTLES
        return not self._settled

    def _tell(self, pts: int, media: timedelta) -> None:
        if self._live and (sent := self._session.sent_at(pts)) is not None:
            self._timeline.tell(media, sent)

    def _tell_slice(self, now: datetime) -> None:
        through = self._ledger.coverage.through
        if self._live and through is not None and now - through >= SLICE:
            self._ledger.coverage.cause = self._broken or Cause.CORRUPT
            self._ledger.gap_until(now)

    def _lasts(self, packet: Stamped) -> timedelta:
        """How long the packet's frame is shown: as declared, else as the step before it, else a guess.

        A step over a jump or over lost packets tells nothing.
        """
        broken = self._last_dts is None or packet.jump is not None or packet.missing
        step = 0 if broken or self._last_dts is None else packet.dts - self._last_dts
        self._last_dts = packet.dts
        if step:
            self._last_step = step
        ticks = packet.duration or self._last_step or self._guessed
        return self._ticks.span(ticks) or MICROSECOND

    def _hear(self, packet: Packet) -> None:
        """Put a packet of sound into the open clip; without one, it is not kept."""
        if self._writer is None or packet.damaged:
            return
        try:
            self._writer.hear(packet)
        except ClipWriteError as error:
            self._fail(error)

    def _begin(self) -> None:
        self._failure = Cause.CORRUPT
        self._broken = None
        if self._figures is not None:
            # Only now is it known what a camera sends: some tell their picture's size with the first key frame.
            session, sound = self._session, self._session.audio
            audio_codec = None if sound is None or self._silent else sound.codec
            self._figures.connected(session.codec, audio_codec, session.width_px, session.height_px)
        try:
            self._draft = self._spool.draft(self._camera_id)
            check = self._checks.due(self._clock.monotonic())
            self._writer = self._writers.begin(self._draft, self._session, check=check)
        except (ClipWriteError, OSError) as error:
            self._fail(error)

    def _write(self, packet: Stamped) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(packet)
        except ClipWriteError as error:
            self._fail(error)

    def _fail(self, error: ClipWriteError | OSError) -> None:
        _log.warning("clip is given up", camera_id=self._camera_id, error=error)
        self._checks.doubt()
        if isinstance(error, OSError):
            self._failure = cause_of(error)
        else:
            self._failure = Cause.SPOOL_OVERFLOW if isinstance(error, DiskFullError) else Cause.CORRUPT
        self.drop()

    def _end_clip(self) -> bool:
        """End the open clip where its last frame ends; return whether one was open."""
        tally = self._cutter.end()
        if tally is not None:
            self._close(tally)
        return tally is not None

    def _close(self, tally: Tally) -> None:
        span = self._timeline.place(tally.begins, tally.ends, self._ledger.coverage.through)
        self._ledger.behind = self._timeline.behind
        if self._watch is not None:
            self._watch.clip_placed(self._timeline.sample(), self._clock.monotonic())
        if self._writer is not None:
            # The last packet of the file is the last one decoded; its frame's own step is the best that is known.
            try:
                self._writer.finish(self._last_step or self._guessed)
            except ClipWriteError as error:
                self._fail(error)
        if self._writer is None or self._draft is None:
            self._ledger.failed(span, self._failure)
            return
        draft, writer, self._draft, self._writer = self._draft, self._writer, None, None
        if writer.audio_codec is None and not self._silent:
            self._silent = True
            _log.warning("sound is not recorded", camera_id=self._camera_id)
        try:
            self._ledger.footage(span, draft, tally, self._session, writer.audio_codec)
        finally:
            # Where it was spooled, nothing is left at the draft's path.
            self._spool.discard(draft)
        self.clips += 1
