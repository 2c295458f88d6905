"""Keeps a recorder at work for each camera that is wanted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from homeward.ingest.cameras.resting import Resting
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.cameras.timetable import Timetable
from homeward.ingest.handler import CameraStates, Wanted
from homeward.ingest.media.coverage import Cause
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import StopSignal, StretchSpool
from homeward.ingest.sharing.assignment import Assignment
from homeward.ingest.sharing.membership import Tenure
from homeward.ingest.status.report import Standing
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.telemetry.logging import get_logger

KAFKA_PATIENCE: Final = timedelta(seconds=10)
"""How long a start waits for the table of cameras, and for the group, before it records what was last known."""

_TURN_S: Final = 0.5
_UNSWEPT: Final = -1

_log = get_logger()


class Recorder(Protocol):
    """What records one source."""

    def run(self, stop: StopSignal) -> None:
        """Record until `stop`, or until there is nothing more to record."""
        ...


class Table(Protocol):
    """The table of cameras."""

    def caught_up(self, timeout: timedelta) -> bool:
        """Block until the table has been read once; return False after `timeout`."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One source to record, and under which tenure. Another job of the same camera is another recorder."""

    spec: SourceSpec
    tenure: Tenure


class Recorders:
    """A part that starts, replaces and stops the recorders of cameras as what they shall do changes.

    Their descriptions, their schedules and the partitions of this replica decide. Two recorders of one camera never
    run at once: the next begins when the one before has ended.
    """

    name = "recorders"

    def __init__(
        self,
        states: CameraStates,
        table: Table,
        assignment: Assignment,
        spool: StretchSpool,
        *,
        start: Callable[[Job], Recorder],
        metrics: IngestMetrics,
        clock: Clock | None = None,
        patience: timedelta = KAFKA_PATIENCE,
    ) -> None:
        """`start` makes the recorder of one job."""
        self._states = states
        self._table = table
        self._assignment = assignment
        self._spool = spool
        self._start = start
        self._metrics = metrics
        self._clock = clock or SystemClock()
        self._patience = patience
        self._resting = Resting(spool, self._clock)
        self._timetable = Timetable()
        self._running: dict[str, _Run] = {}
        self._begun = threading.Event()
        self._confirmed = False
        self._swept = _UNSWEPT
        """At which version of what is wanted the cameras that are not were forgotten."""
        self.recorded = threading.Event()
        """Set when every recorder has ended and written down what it had."""

    def ready(self) -> bool:
        """Whether cameras are known and recorded."""
        return self._begun.is_set()

    def run(self, stop: threading.Event) -> None:
        """Record until `stop`, then let each recorder write down what it has."""
        try:
            self._begin(stop)
            began_s = self._clock.monotonic()
            presumed = False
            while not stop.is_set():
                if not self._confirmed and self._table.caught_up(timedelta(0)):
                    self._confirm()
                if not presumed and self._clock.monotonic() - began_s >= self._patience.total_seconds():
                    presumed = True
                    if not self._assignment.decided():
                        self._assignment.presume()
                self._states.save()
                version = self._turn()
                if self._confirmed and version != self._swept:
                    self._swept = version if self._sweep() else _UNSWEPT
                self._begun.set()
                if not stop.is_set():
                    self._states.wait(version, _TURN_S)
        finally:
            self._end()

    def _begin(self, stop: threading.Event) -> None:
        """Wait for the table; without it, what was last known has to do."""
        waited = timedelta(0)
        turn = timedelta(seconds=_TURN_S)
        while not stop.is_set():
            if self._table.caught_up(turn):
                self._confirm()
                return
            waited += turn
            if waited >= self._patience:
                self._states.recall()
                self._assignment.presume()
                _log.warning("cameras are not known yet; recording those last known")
                return

    def _confirm(self) -> None:
        self._states.confirm()
        self._confirmed = True

    def _end(self) -> None:
        runs = list(self._running.values())
        for run in runs:
            run.stop.set()
        for run in runs:
            run.thread.join()
        self.recorded.set()

    def _turn(self) -> int:
        """Bring every camera's recorder to what it shall be; return the version of what was wanted."""
        version, wanted = self._states.wanted()
        jobs = 0
        for camera_id in {*wanted, *self._running}:
            jobs += self._settle(camera_id, wanted.get(camera_id))
        self._metrics.wanted(jobs)
        return version

    def _settle(self, camera_id: str, wanted: Wanted | None) -> bool:
        """Start, replace or stop one camera's recorder; return whether it is to be recorded here."""
        tenure = self._assignment.tenure(camera_id)
        job = self._job(wanted, tenure)
        run = self._running.get(camera_id)
        if run is not None:
            if job == run.job:
                return True
            run.stop.set()
            if run.thread.is_alive():
                return job is not None
            del self._running[camera_id]
        if job is not None:
            self._resting.rises(camera_id)
            self._running[camera_id] = _Run(job, self._start(job))
        elif tenure is None:
            self._resting.rises(camera_id)
        elif wanted is None:
            if not self._resting.forget(camera_id, tenure):
                self._swept = _UNSWEPT
        elif wanted.standing is Standing.DISABLED:
            self._resting.rest(camera_id, Cause.DISABLED, None, tenure)
        elif wanted.spec is not None:
            self._resting.rest(camera_id, Cause.NOT_SCHEDULED, wanted.spec.schedule, tenure)
        return job is not None

    def _job(self, wanted: Wanted | None, tenure: Tenure | None) -> Job | None:
        if tenure is None or wanted is None or wanted.spec is None:
            return None
        spec = wanted.spec
        if spec.live and not self._timetable.records(spec.schedule, self._clock.now()):
            return None
        if spec.live:
            # The hours are kept here, and the days by others: a change of them is no reason to connect anew.
            spec = replace(spec, schedule=None, retention=None)
        return Job(spec, tenure)

    def _sweep(self) -> bool:
        """Forget cameras that were removed while nothing ran, or while another replica had them; return whether all."""
        _, wanted = self._states.wanted()
        all_gone = True
        for camera_id in self._spool.cameras():
            if camera_id in wanted or camera_id in self._running:
                continue
            tenure = self._assignment.tenure(camera_id)
            if tenure is not None:
                all_gone = self._resting.forget(camera_id, tenure) and all_gone
        return all_gone


class _Run:
    """One recorder at work. Its thread stays known after it has ended, so that a finished recording is not redone."""

    def __init__(self, job: Job, recorder: Recorder) -> None:
        self.job = job
        self.stop = threading.Event()
        # Daemonic: a source that does not answer must not keep the process from ending.
        self.thread = threading.Thread(
            target=recorder.run, args=(self.stop,), name=f"camera-{job.spec.camera_id}", daemon=True
        )
        self.thread.start()
