"""Keeps a recorder at work for each camera that is wanted."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

from homeward.ingest.handler import CameraStates
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import StopSignal, StretchSpool
from homeward.ingest.sources import SourceSpec
from homeward.shared.telemetry.logging import get_logger

KAFKA_PATIENCE: Final = timedelta(seconds=10)
"""How long a start waits for the table of cameras before it records what was last known."""

_TURN_S: Final = 0.5

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


class Recorders:
    """A part that starts, replaces and stops the recorders of cameras as their wanted state changes.

    Two recorders of one camera never run at once: the next begins when the one before has ended.
    """

    name = "recorders"

    def __init__(
        self,
        states: CameraStates,
        table: Table,
        spool: StretchSpool,
        start: Callable[[SourceSpec], Recorder],
        metrics: IngestMetrics,
        *,
        patience: timedelta = KAFKA_PATIENCE,
    ) -> None:
        """`start` makes the recorder of one source."""
        self._states = states
        self._table = table
        self._spool = spool
        self._start = start
        self._metrics = metrics
        self._patience = patience
        self._running: dict[str, _Run] = {}
        self._begun = threading.Event()

    def ready(self) -> bool:
        """Whether cameras are known and recorded."""
        return self._begun.is_set()

    def run(self, stop: threading.Event) -> None:
        """Record until `stop`, then let each recorder write down what it has."""
        confirmed = self._begin(stop)
        version = -1
        while not stop.is_set():
            if not confirmed and self._table.caught_up(timedelta(0)):
                self._states.confirm()
                confirmed = True
            version, wanted = self._states.wanted()
            self._metrics.wanted(len(wanted))
            for camera_id in {*wanted, *self._running}:
                self._settle(camera_id, wanted.get(camera_id))
            self._begun.set()
            if not stop.is_set():
                self._states.wait(version, _TURN_S)
        runs = list(self._running.values())
        for run in runs:
            run.stop.set()
        for run in runs:
            run.thread.join()

    def _begin(self, stop: threading.Event) -> bool:
        """Wait for the table; return False when what was last known has to do."""
        waited = timedelta(0)
        turn = timedelta(seconds=_TURN_S)
        while not stop.is_set():
            if self._table.caught_up(turn):
                self._states.confirm()
                self._retire_unwanted()
                return True
            waited += turn
            if waited >= self._patience:
                self._states.recall()
                _log.warning("cameras are not known yet; recording those last known")
                return False
        return False

    def _retire_unwanted(self) -> None:
        """Note which cameras were switched off while nothing ran, so that their time is no gap."""
        _, wanted = self._states.wanted()
        for camera_id in self._spool.cameras():
            if camera_id not in wanted:
                self._retire(camera_id)

    def _settle(self, camera_id: str, spec: SourceSpec | None) -> None:
        run = self._running.get(camera_id)
        if run is not None:
            if spec == run.spec:
                return
            run.stop.set()
            if run.thread.is_alive():
                return
            del self._running[camera_id]
        if spec is None:
            self._retire(camera_id)
        else:
            self._running[camera_id] = _Run(spec, self._start(spec))

    def _retire(self, camera_id: str) -> None:
        state = self._spool.state(camera_id)
        if not state.stopped:
            self._spool.remember(camera_id, replace(state, stopped=True))


class _Run:
    """One recorder at work. Its thread stays known after it has ended, so that a finished recording is not redone."""

    def __init__(self, spec: SourceSpec, recorder: Recorder) -> None:
        self.spec = spec
        self.stop = threading.Event()
        # Daemonic: a source that does not answer must not keep the process from ending.
        self.thread = threading.Thread(
            target=recorder.run, args=(self.stop,), name=f"camera-{spec.camera_id}", daemon=True
        )
        self.thread.start()
