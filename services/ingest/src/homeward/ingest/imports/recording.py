"""Reads one file of footage at its own times."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from homeward.ingest.cameras.sources import RecordingSpec, SourceSpec
from homeward.ingest.media.coverage import Cause, Coverage
from homeward.ingest.media.feed import Feed
from homeward.ingest.media.gate import RecordingGate
from homeward.ingest.media.ledger import Ledger
from homeward.ingest.media.timeline import RecordingTimeline
from homeward.ingest.ports import CameraState, SourceCorruptError, StopSignal, VideoSession
from homeward.ingest.tools import Tools
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads one open file into a ledger. `spec` is the file's own, `recording` where it lies in time."""

    spec: SourceSpec
    recording: RecordingSpec
    tools: Tools

    def read(self, session: VideoSession, ledger: Ledger, through: datetime | None, stop: StopSignal) -> int:
        """Read from `through` to the end or `stop`, and close the session; return the number of clips.

        Raises SourceLostError when the file can be read no further now; what was read is kept.
        """
        timeline = RecordingTimeline(session.time_base, self.recording.starts_at)
        gate = RecordingGate(
            timeline,
            through=through,
            pacing=self.recording.pacing,
            spool=self.tools.spool,
            clock=self.tools.clock,
            stop=stop,
        )
        feed = self.tools.feed(self.spec, session, timeline=timeline, gate=gate, ledger=ledger, live=False)
        try:
            with self.tools.metrics.recording():
                self._feed(feed, session, timeline, ledger, stop)
        finally:
            feed.drop()
            session.close()
            self.tools.book.disconnected(self.spec.camera_id)
        return feed.clips

    def _feed(
        self, feed: Feed, session: VideoSession, timeline: RecordingTimeline, ledger: Ledger, stop: StopSignal
    ) -> None:
        try:
            feed.run(stop)
        except SourceCorruptError as error:
            # Reading it again would end at the same place: what was read is kept, the rest is told.
            _log.warning("recording is corrupt", camera_id=self.spec.camera_id, error=error)
            feed.finish()
            if session.length is not None:
                ledger.coverage.open_from(timeline.at(timedelta(0)))
                ledger.coverage.cause = Cause.CORRUPT
                ledger.gap_until(timeline.at(session.length))
        else:
            # Stopped, the open clip would end where no key frame is: the next run takes it from its beginning.
            if not stop.is_set():
                feed.finish()


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
        coverage = Coverage(state.through, Cause.CORRUPT)
        ledger = Ledger(tools.spool, name, coverage, recording=identity, told=tools.metrics.told)
        clips = FileReader(self._spec, self._recording, tools).read(session, ledger, state.through, stop)
        if stop.is_set():
            return
        tools.spool.remember(name, CameraState(ledger.coverage.through, identity, complete=True))
        _log.info("recording is done", camera_id=name, clips=clips)
