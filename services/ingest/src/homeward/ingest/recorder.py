"""Records one camera, for as long as it is wanted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from homeward.ingest.coverage import Cause, Coverage
from homeward.ingest.cutting import Cutter
from homeward.ingest.feed import Feed
from homeward.ingest.gate import OpenGate, RecordingGate
from homeward.ingest.ledger import Ledger
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import (
    CameraState,
    ClipWriters,
    SourceCorruptError,
    SourceError,
    StopSignal,
    StretchSpool,
    VideoSession,
    VideoSources,
)
from homeward.ingest.sources import RecordingSpec, SourceSpec
from homeward.ingest.timeline import LiveTimeline, RecordingTimeline
from homeward.shared.clock import Clock
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.telemetry.logging import get_logger

_UNREACHABLE_SLICE: Final = timedelta(seconds=20)
"""A camera that cannot be reached is told so at the first attempt past this much time; with waits of 30 s at the most
between attempts of 10 s, never later than each 60 s."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Tools:
    """What every camera's recorder works with; safe to share between threads."""

    sources: VideoSources
    writers: ClipWriters
    spool: StretchSpool
    clock: Clock
    backoff: Backoff
    metrics: IngestMetrics


class CameraRecorder:
    """Records one source until it is told to stop; a recording also until its end. Runs on a thread of its own.

    Whatever fails is logged and tried again: another camera never notices.
    """

    def __init__(self, spec: SourceSpec, tools: Tools) -> None:
        self._spec = spec
        self._tools = tools
        self._attempt = 0

    def run(self, stop: StopSignal) -> None:
        """Record until `stop`, or until a recording is done."""
        while not stop.is_set():
            try:
                done = self._live(stop) if self._spec.recording is None else self._file(self._spec.recording, stop)
            except SourceError as error:
                _log.warning("source failed", camera_id=self._spec.camera_id, error=error)
                self._tools.metrics.source_failed()
            except Exception:  # noqa: BLE001 - one camera's failure is its own; it is told and tried again
                _log.exception("recorder failed", camera_id=self._spec.camera_id)
                self._tools.metrics.recorder_failed()
            else:
                if done:
                    return
            self._wait(stop)

    def _live(self, stop: StopSignal) -> bool:
        tools, name = self._tools, self._spec.camera_id
        state = tools.spool.state(name)
        known = not state.stopped and state.recording is None
        ledger = Ledger(
            tools.spool,
            name,
            Coverage(state.through if known else None, Cause.RECORDER_DOWN),
            told=tools.metrics.told,
        )
        ledger.gap_until(tools.clock.now())
        ledger.coverage.cause = Cause.SOURCE_UNREACHABLE
        while not stop.is_set():
            began = tools.clock.now()
            try:
                session = tools.sources.open(self._spec)
            except SourceError as error:
                unusable = isinstance(error, SourceCorruptError)
                ledger.coverage.open_from(began)
                ledger.coverage.cause = Cause.CORRUPT if unusable else Cause.SOURCE_UNREACHABLE
                ledger.gap_until(tools.clock.now(), at_least=_UNREACHABLE_SLICE)
                _log.warning("source cannot be opened", camera_id=name, error=error)
                tools.metrics.source_failed()
            else:
                self._follow(session, ledger, stop)
                if stop.is_set():
                    # The source was well: what follows is the next start's to tell.
                    return True
                ledger.coverage.open_from(began)
                ledger.gap_until(tools.clock.now())
            self._wait(stop)
        ledger.gap_until(tools.clock.now())
        return True

    def _follow(self, session: VideoSession, ledger: Ledger, stop: StopSignal) -> None:
        """Record one connection to its end; leave in the ledger why it ended."""
        name = self._spec.camera_id
        _log.info("camera is recorded", camera_id=name, width_px=session.width_px, height_px=session.height_px)
        timeline = LiveTimeline(session.time_base)
        feed = self._feed(session, timeline, OpenGate(), ledger)
        cause = Cause.SOURCE_LOST
        try:
            with self._tools.metrics.recording():
                feed.run(stop)
        except SourceError as error:
            cause = Cause.CORRUPT if isinstance(error, SourceCorruptError) else Cause.SOURCE_LOST
            _log.warning("source lost", camera_id=name, error=error)
        finally:
            try:
                feed.finish()
            finally:
                feed.drop()
                session.close()
        if feed.clips:
            self._attempt = 0
        if not stop.is_set():
            self._tools.metrics.source_failed()
        ledger.coverage.cause = cause

    def _file(self, recording: RecordingSpec, stop: StopSignal) -> bool:
        tools, name = self._tools, self._spec.camera_id
        identity = self._spec.recording_id(tools.sources.content(self._spec))
        state = tools.spool.state(name)
        if state.recording != identity:
            state = CameraState(recording=identity)
            tools.spool.remember(name, state)
        if state.complete:
            _log.info("recording is done already", camera_id=name)
            return True
        session = tools.sources.open(self._spec)
        timeline = RecordingTimeline(session.time_base, recording.starts_at)
        gate = RecordingGate(
            timeline,
            through=state.through,
            pacing=recording.pacing,
            spool=tools.spool,
            clock=tools.clock,
            stop=stop,
        )
        coverage = Coverage(state.through, Cause.CORRUPT)
        ledger = Ledger(tools.spool, name, coverage, recording=identity, told=tools.metrics.told)
        feed = self._feed(session, timeline, gate, ledger)
        try:
            with tools.metrics.recording():
                self._read(feed, session, timeline, ledger, stop)
        finally:
            feed.drop()
            session.close()
        if stop.is_set():
            # The open clip would end where no key frame is: the next run takes it from its beginning.
            return True
        tools.spool.remember(name, CameraState(ledger.coverage.through, identity, complete=True))
        _log.info("recording is done", camera_id=name, clips=feed.clips)
        return True

    def _read(
        self, feed: Feed, session: VideoSession, timeline: RecordingTimeline, ledger: Ledger, stop: StopSignal
    ) -> None:
        try:
            feed.run(stop)
        except SourceCorruptError as error:
            # Reading it again would end at the same place: what was read is kept, the rest is told.
            _log.warning("recording is corrupt", camera_id=self._spec.camera_id, error=error)
            feed.finish()
            if session.length is not None:
                ledger.coverage.open_from(timeline.at(timedelta(0)))
                ledger.gap_until(timeline.at(session.length))
        else:
            if not stop.is_set():
                feed.finish()

    def _feed(
        self,
        session: VideoSession,
        timeline: LiveTimeline | RecordingTimeline,
        gate: OpenGate | RecordingGate,
        ledger: Ledger,
    ) -> Feed:
        return Feed(
            self._spec.camera_id,
            session,
            timeline=timeline,
            cutter=Cutter(self._spec.clip_length),
            gate=gate,
            ledger=ledger,
            writers=self._tools.writers,
            spool=self._tools.spool,
            clock=self._tools.clock,
            live=self._spec.recording is None,
        )

    def _wait(self, stop: StopSignal) -> None:
        self._attempt += 1
        stop.wait(self._tools.backoff.wait_s(self._attempt))
