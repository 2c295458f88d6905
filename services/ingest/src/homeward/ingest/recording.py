"""Reads one file of footage at its own times."""

from datetime import timedelta

from homeward.ingest.coverage import Cause, Coverage
from homeward.ingest.feed import Feed
from homeward.ingest.gate import RecordingGate
from homeward.ingest.ledger import Ledger
from homeward.ingest.ports import CameraState, SourceCorruptError, StopSignal, VideoSession
from homeward.ingest.sources import RecordingSpec, SourceSpec
from homeward.ingest.timeline import RecordingTimeline
from homeward.ingest.tools import Tools
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


class RecordingReader:
    """Reads one file to its end, once; a later run goes on where the last spooled stretch ended."""

    def __init__(self, spec: SourceSpec, recording: RecordingSpec, tools: Tools) -> None:
        self._spec = spec
        self._recording = recording
        self._tools = tools

    def read(self, stop: StopSignal) -> None:
        """Read until the end or `stop`. Raises SourceError when the file cannot be read now."""
        tools, name = self._tools, self._spec.camera_id
        identity = self._spec.recording_id(tools.sources.content(self._spec))
        state = tools.spool.state(name)
        if state.recording != identity:
            state = CameraState(recording=identity)
            tools.spool.remember(name, state)
        if state.complete:
            _log.info("recording is done already", camera_id=name)
            return
        session = tools.sources.open(self._spec)
        timeline = RecordingTimeline(session.time_base, self._recording.starts_at)
        gate = RecordingGate(
            timeline,
            through=state.through,
            pacing=self._recording.pacing,
            spool=tools.spool,
            clock=tools.clock,
            stop=stop,
        )
        coverage = Coverage(state.through, Cause.CORRUPT)
        ledger = Ledger(tools.spool, name, coverage, recording=identity, told=tools.metrics.told)
        feed = tools.feed(self._spec, session, timeline=timeline, gate=gate, ledger=ledger, live=False)
        try:
            with tools.metrics.recording():
                self._read(feed, session, timeline, ledger, stop)
        finally:
            feed.drop()
            session.close()
        if stop.is_set():
            # The open clip would end where no key frame is: the next run takes it from its beginning.
            return
        tools.spool.remember(name, CameraState(ledger.coverage.through, identity, complete=True))
        _log.info("recording is done", camera_id=name, clips=feed.clips)

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
