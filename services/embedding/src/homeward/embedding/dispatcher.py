"""Many callers, few engines: faces are gathered into batches and spread over one engine a core."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import EmbedderModel
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.embedding.ports import Embedder
from homeward.shared.clock import Clock

_IDLE_S: Final = 0.2
"""An engine without work for this long forgets the last face: no template outlives its use by a second."""


@dataclass(frozen=True, slots=True)
class _Job:
    face: NDArray[np.uint8]
    wanted: Callable[[], bool]
    answer: "Future[NDArray[np.float32]]" = field(default_factory=Future)


class StoppedError(Exception):
    """The service is stopping; the caller may ask another replica."""


class Dispatcher:
    """A part that runs one thread for each engine. `submit` may be called by any thread while it runs."""

    def __init__(
        self,
        engines: Sequence[Embedder],
        *,
        clock: Clock,
        metrics: EmbeddingMetrics,
        batch_max: int = 16,
        wait_s: float = 0.002,
    ) -> None:
        """`engines` are of one model; `batch_max` and `wait_s` bound what is gathered for a model of any batch."""
        self.name = "dispatcher"
        self._engines = engines
        self._clock = clock
        self._metrics = metrics
        self._batch = min(engines[0].batch or batch_max, batch_max)
        self._wait_s = wait_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gathering = threading.Lock()
        self._state = threading.Lock()
        self._stopped = True

    @property
    def model(self) -> EmbedderModel:
        """The model's name and hash."""
        return self._engines[0].model

    def ready(self) -> bool:
        """Whether the engines take faces."""
        return not self._stopped

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set, then finish what was asked before it."""
        threads = [
            threading.Thread(target=self._serve, args=(engine,), name=f"engine-{index}", daemon=True)
            for index, engine in enumerate(self._engines)
        ]
        self._stopped = False
        for thread in threads:
            thread.start()
        stop.wait()
        with self._state:
            self._stopped = True
            for _ in threads:
                self._jobs.put(None)
        for thread in threads:
            thread.join()

    def submit(self, face: NDArray[np.uint8], wanted: Callable[[], bool]) -> "Future[NDArray[np.float32]]":
        """Return at once what will hold the template of unit length of one face, uint8 112x112x3 RGB.

        A face that is not `wanted` any more when an engine comes to it is passed over, and its future cancelled.
        Callbacks of the future run on an engine's thread, which computes nothing meanwhile. Raises StoppedError.
        """
        job = _Job(face, wanted)
        with self._state:
            if self._stopped:
                raise StoppedError("the service is stopping")
            self._jobs.put(job)
        return job.answer

    def _serve(self, engine: Embedder) -> None:
        used = False
        while (jobs := self._gather()) is not None:
            if jobs:
                self._answer(engine, jobs)
                used = True
            elif used:
                engine.forget()
                used = False
        if used:
            engine.forget()

    def _gather(self) -> list[_Job] | None:
        """Return the next batch, an empty one after a while without work, None at the end."""
        # One engine gathers at a time, so that few faces fill one batch instead of a part of several.
        if not self._gathering.acquire(timeout=_IDLE_S):
            return []
        try:
            return self._gather_alone()
        finally:
            self._gathering.release()

    def _gather_alone(self) -> list[_Job] | None:
        try:
            job = self._jobs.get(timeout=_IDLE_S)
        except queue.Empty:
            return []
        if job is None:
            return None
        jobs = [job]
        until = self._clock.monotonic() + self._wait_s
        while len(jobs) < self._batch:
            try:
                job = self._jobs.get(timeout=max(0.0, until - self._clock.monotonic()))
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _answer(self, engine: Embedder, asked: list[_Job]) -> None:
        # A future that was told to run can no longer be cancelled, and the others nobody waits for.
        jobs = [job for job in asked if _begins(job)]
        if not jobs:
            return
        begun = self._clock.monotonic()
        try:
            rows = engine.embed(np.stack([job.face for job in jobs]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the callers' to hear, or they would wait for ever
            for job in jobs:
                job.answer.set_exception(error)
            return
        self._metrics.embedded(len(jobs), self._clock.monotonic() - begun)
        for job, row in zip(jobs, rows, strict=True):
            job.answer.set_result(row.copy())


def _begins(job: _Job) -> bool:
    if not job.wanted():
        job.answer.cancel()
    return job.answer.set_running_or_notify_cancel()
