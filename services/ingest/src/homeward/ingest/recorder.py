"""Records one camera, for as long as it is wanted."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.imports.folder import FolderReader
from homeward.ingest.imports.recording import RecordingReader
from homeward.ingest.media.camera_clock import CameraClockWatch
from homeward.ingest.media.coverage import Cause, Coverage
from homeward.ingest.media.gate import OpenGate
from homeward.ingest.media.ledger import Ledger
from homeward.ingest.media.timeline import LiveTimeline
from homeward.ingest.ports import SourceCorruptError, SourceError, StopSignal, VideoSession
from homeward.ingest.sharing.claimed_spool import ClaimedSpool, NoPredecessors
from homeward.ingest.sharing.membership import Tenure
from homeward.ingest.tools import Tools
from homeward.shared.telemetry.logging import get_logger

_UNREACHABLE_SLICE: Final = timedelta(seconds=20)
"""A camera that cannot be reached is told so at the first attempt past this much time; with waits of 30 s at the most
between attempts of 10 s, never later than each 60 s."""

_log = get_logger()


class CameraRecorder:
    """Records one source until it is told to stop; a recording also until its end. Runs on a thread of its own.

    Whatever fails is logged and tried again: another camera never notices.
    """

    def __init__(self, spec: SourceSpec, tools: Tools, tenure: Tenure | None = None) -> None:
        """`tenure` is by what right this replica tells of the camera; None for a recorder that is alone."""
        self._spec = spec
        self._tools = tools
        self._claimed: ClaimedSpool | None = None
        if tenure is not None:
            predecessors = tools.predecessors or NoPredecessors()
            self._claimed = ClaimedSpool(tools.spool, tenure, tools.clock, predecessors)
            self._tools = replace(tools, spool=self._claimed)
        self._watch = CameraClockWatch(spec.camera_id, tools.book.of(spec.camera_id))
        self._attempt = 0

    def run(self, stop: StopSignal) -> None:
        """Record until `stop`, or until a recording is done."""
        while not stop.is_set():
            try:
                self._record(stop)
            except SourceError as error:
                _log.warning("source failed", camera_id=self._spec.camera_id, error=error)
                self._tools.metrics.source_failed()
            except Exception:  # noqa: BLE001 - one camera's failure is its own; it is told and tried again
                _log.exception("recorder failed", camera_id=self._spec.camera_id)
                self._tools.metrics.recorder_failed()
            else:
                return
            self._wait(stop)

    def _record(self, stop: StopSignal) -> None:
        if self._spec.recording is not None:
            RecordingReader(self._spec, self._spec.recording, self._tools).read(stop)
        elif self._spec.folder is not None:
            FolderReader(self._spec, self._spec.folder, self._tools).read(stop)
        else:
            self._live(stop)

    def _live(self, stop: StopSignal) -> None:
        tools, name = self._tools, self._spec.camera_id
        state, came = tools.spool.state(name), False
        if self._claimed is not None:
            state, came = self._claimed.begin_live(name)
        known = state.recording is None
        ledger = Ledger(
            tools.spool,
            name,
            Coverage(state.through if known else None, state.stopped or Cause.RECORDER_DOWN),
            told=tools.metrics.told,
        )
        if not came:
            ledger.gap_until(tools.clock.now())
            ledger.coverage.cause = Cause.SOURCE_UNREACHABLE
        while not stop.is_set():
            self._take_turn(stop)
            began = tools.clock.now()
            try:
                session = tools.sources.open(self._spec)
            except SourceError as error:
                unusable = isinstance(error, SourceCorruptError)
                ledger.coverage.open_from(began)
                if came:
                    # Up to here it was this replica that was not there, and not the camera.
                    ledger.gap_until(began)
                    came = False
                ledger.coverage.cause = Cause.CORRUPT if unusable else Cause.SOURCE_UNREACHABLE
                ledger.gap_until(tools.clock.now(), at_least=_UNREACHABLE_SLICE)
                _log.warning("source cannot be opened", camera_id=name, error=error)
                tools.metrics.source_failed()
            else:
                came = False
                self._follow(session, ledger, stop)
                if stop.is_set():
                    # The source was well: what follows is the next start's to tell.
                    return
                ledger.coverage.open_from(began)
                ledger.gap_until(tools.clock.now())
            self._wait(stop)
        ledger.gap_until(tools.clock.now())

    def _follow(self, session: VideoSession, ledger: Ledger, stop: StopSignal) -> None:
        """Record one connection to its end; leave in the ledger why it ended."""
        name = self._spec.camera_id
        _log.info("camera is recorded", camera_id=name, width_px=session.width_px, height_px=session.height_px)
        timeline = LiveTimeline(session.time_base, self._tools.camera_clock_limit)
        feed = self._tools.feed(
            self._spec, session, timeline=timeline, gate=OpenGate(), ledger=ledger, live=True, watch=self._watch
        )
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
                self._tools.book.disconnected(name)
        if feed.clips:
            self._attempt = 0
        if not stop.is_set():
            self._tools.metrics.source_failed()
        ledger.coverage.cause = cause

    def _take_turn(self, stop: StopSignal) -> None:
        if self._tools.turnstile is not None:
            self._tools.turnstile.wait(stop)

    def _wait(self, stop: StopSignal) -> None:
        self._attempt += 1
        stop.wait(self._tools.backoff.wait_s(self._attempt))
