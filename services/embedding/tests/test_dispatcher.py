import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from homeward.embedding.dispatcher import Dispatcher, StoppedError
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.shared.clock import SystemClock
from support.embedding import MeanColour, mean_colour


def faces(count: int) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(7)
    return [random.integers(1, 255, (112, 112, 3)).astype(np.uint8) for _ in range(count)]


def dispatcher_of(*engines: MeanColour, batch_max: int = 16, wait_s: float = 0.0) -> Dispatcher:
    metrics = EmbeddingMetrics(CollectorRegistry())
    return Dispatcher(engines, clock=SystemClock(), metrics=metrics, batch_max=batch_max, wait_s=wait_s)


def template(dispatcher: Dispatcher, face: NDArray[np.uint8]) -> NDArray[np.float32]:
    return dispatcher.submit(face, lambda: True).result(10)


@contextmanager
def running(dispatcher: Dispatcher) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    try:
        for _ in range(1000):
            if dispatcher.ready():
                break
            threading.Event().wait(0.005)
        yield stop
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_every_caller_gets_its_own_template() -> None:
    engines = [MeanColour(), MeanColour()]
    for engine in engines:
        engine.gate.set()
    dispatcher = dispatcher_of(*engines, batch_max=4)
    asked = faces(60)
    with running(dispatcher), ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(partial(template, dispatcher), asked))
    for face, answer in zip(asked, answers, strict=True):
        assert answer == pytest.approx(mean_colour(face))
    assert sum(sum(engine.batches) for engine in engines) == 60


def test_faces_that_wait_together_go_through_together() -> None:
    engine = MeanColour()
    dispatcher = dispatcher_of(engine, batch_max=8, wait_s=5)
    with running(dispatcher), ThreadPoolExecutor(8) as callers:
        engine.gate.set()
        list(callers.map(partial(template, dispatcher), faces(8)))
    assert engine.batches == [8]


@pytest.mark.parametrize(("batch", "batch_max", "most"), [(1, 16, 1), (4, 2, 2), (None, 3, 3)])
def test_a_batch_is_never_larger_than_the_model_and_the_setting_allow(
    batch: int | None, batch_max: int, most: int
) -> None:
    engine = MeanColour(batch=batch)
    dispatcher = dispatcher_of(engine, batch_max=batch_max, wait_s=0.05)
    with running(dispatcher), ThreadPoolExecutor(9) as callers:
        answers = [callers.submit(template, dispatcher, face) for face in faces(9)]
        engine.gate.set()
        for answer in answers:
            answer.result(10)
    assert max(engine.batches) == most


def test_a_lonely_face_does_not_wait_for_company() -> None:
    engine = MeanColour()
    engine.gate.set()
    dispatcher = dispatcher_of(engine, batch_max=16, wait_s=0.01)
    with running(dispatcher):
        assert template(dispatcher, faces(1)[0]) is not None
    assert engine.batches == [1]


def test_an_engine_that_fails_tells_its_callers_and_goes_on() -> None:
    engine = MeanColour(batch=1)
    engine.gate.set()
    dispatcher = dispatcher_of(engine)
    with running(dispatcher):
        with pytest.raises(RuntimeError, match="the engine broke"):
            template(dispatcher, np.zeros((112, 112, 3), np.uint8))
        assert template(dispatcher, faces(1)[0]) is not None


def test_an_idle_engine_forgets_within_a_second() -> None:
    engine = MeanColour()
    engine.gate.set()
    dispatcher = dispatcher_of(engine)
    with running(dispatcher):
        template(dispatcher, faces(1)[0])
        assert engine.forgotten.wait(1)


def test_what_was_asked_before_the_stop_is_answered_and_nothing_after_it() -> None:
    engine = MeanColour(batch=1)
    dispatcher = dispatcher_of(engine)
    with ThreadPoolExecutor(4) as callers:
        with running(dispatcher) as stop:
            answers = [callers.submit(template, dispatcher, face) for face in faces(3)]
            while dispatcher._jobs.qsize() < 2:
                threading.Event().wait(0.005)
            stop.set()
            while dispatcher.ready():
                threading.Event().wait(0.005)
            with pytest.raises(StoppedError):
                template(dispatcher, faces(1)[0])
            engine.gate.set()
        assert [answer.result(5).shape for answer in answers] == [(3,)] * 3
    assert engine.forgotten.is_set()


def test_a_face_that_nobody_wants_any_more_is_not_computed() -> None:
    engine = MeanColour(batch=1)
    dispatcher = dispatcher_of(engine)
    gone = threading.Event()
    with running(dispatcher):
        first, second = (dispatcher.submit(face, lambda: not gone.is_set()) for face in faces(2))
        while not first.running():
            threading.Event().wait(0.005)
        gone.set()
        engine.gate.set()
        assert first.result(10).shape == (3,)
        with pytest.raises(CancelledError):
            second.result(10)
    assert engine.batches == [1]
