"""kill -9 at each step, SIGTERM, members that come and go, and a broker that goes away: nothing is lost."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from homeward.shared.events import Event
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.settings import KafkaSettings
from support.broker import Broker
from support.runtime_child import STEPS
from support.runtime_scene import Child, Log, Scene, answer_to, await_that, clip_event
from support.tansu import running_durable_tansu

_EVENTS = 20


@pytest.fixture(scope="module")
def killed(broker: Broker) -> Mapping[str, Scene]:
    """For each step: a scene whose first child was killed there, at its 8th event, and whose second took over.

    All steps run at the same time, since each waits most of the time for the dead member's session to end.
    """
    scenes = {step: Scene.on(broker.kafka) for step in STEPS}
    producer = EventProducer(broker.kafka)
    for scene in scenes.values():
        producer.send([clip_event(scene.source, index) for index in range(_EVENTS)])
    producer.close()
    victims = {step: Child(scene, die_at=step, on_event=8) for step, scene in scenes.items()}
    assert {step: victim.wait(60) for step, victim in victims.items()} == dict.fromkeys(STEPS, -9)
    successors = [Child(scene) for scene in scenes.values()]
    try:
        for step, scene in scenes.items():
            await_that(lambda scene=scene: scene.committed() == _EVENTS, 90, f"all committed after {step}")  # type: ignore[misc]
    finally:
        for successor in successors:
            successor.terminate()
        statuses = [successor.wait(60) for successor in successors]
    assert statuses == [0] * len(STEPS)
    return scenes


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_loses_nothing_and_repeats_at_most_one_event_under_the_same_id(
    killed: Mapping[str, Scene], step: str
) -> None:
    answers = Counter(killed[step].answers())
    assert set(answers) == {f"answer-clip-{index}" for index in range(_EVENTS)}
    repeated = sum(answers.values()) - _EVENTS
    # Before the answer is in the log there is nothing to repeat, and after the commit no reason to.
    allowed = {"fetched": {0}, "handled": {0}, "queued": {0, 1}, "delivered": {1}, "committed": {0}}
    assert repeated in allowed[step]


def test_sigterm_finishes_the_event_in_hand_commits_it_and_takes_no_other(
    kafka: KafkaSettings, producer: EventProducer
) -> None:
    scene = Scene.on(kafka, partitions=1)
    producer.send([clip_event(scene.source, index) for index in range(5)])
    child = Child(scene, slow_s=3)
    try:
        await_that(lambda: child.handled == ["clip-0"], 60, "the first event in hand")
        child.terminate()
        assert child.wait(30) == 0
    finally:
        child.end()
    assert child.handled == ["clip-0"]
    assert scene.answers() == ["answer-clip-0"]
    assert scene.committed() == 1
    # It left the group, so that its successor need not wait for the session to end, and repeats nothing.
    log = Log(lambda event: [answer_to(event, scene.target)])
    with scene.running(log, producer):
        await_that(lambda: scene.committed() == 5, 20, "the rest committed")
    assert log.seen == [f"clip-{index}" for index in range(1, 5)]


def test_members_that_come_and_go_under_load_lose_nothing(kafka: KafkaSettings, producer: EventProducer) -> None:
    scene = Scene.on(kafka, partitions=6)
    sent = 0
    done = threading.Event()

    def load() -> None:
        nonlocal sent
        while not done.is_set():
            producer.send([clip_event(scene.source, sent + more, f"camera-{more}") for more in range(6)])
            sent += 6
            time.sleep(0.1)

    def react(event: Event) -> Sequence[Event]:
        time.sleep(0.002)
        return [answer_to(event, scene.target)]

    logs = [Log(react), Log(react), Log(react)]
    thread = threading.Thread(target=load)
    thread.start()
    try:
        with scene.running(logs[0], producer) as first, scene.running(logs[1], producer) as second:
            await_that(lambda: bool(logs[0].seen) and bool(logs[1].seen), 60, "both at work")
            first.end()
            before = len(logs[1].seen)
            await_that(lambda: len(logs[1].seen) > before + 50, 60, "the second at work alone")
            with scene.running(logs[2], producer) as third:
                await_that(lambda: len(logs[2].seen) > 50, 60, "a third at work beside it")
                done.set()
                thread.join()
                await_that(lambda: scene.committed() == sent, 60, "all committed")
    finally:
        done.set()
        thread.join()
    assert [running.error for running in (first, second, third)] == [None] * 3
    answers = Counter(scene.answers())
    assert set(answers) == {f"answer-clip-{index}" for index in range(sent)}
    # A hand-over drains what is in hand first; only a member that the machine kept from its heartbeats repeats some.
    assert sum(answers.values()) <= sent + scene.source.partitions


@pytest.fixture(scope="module", params=[pytest.param("tansu"), pytest.param("kafka", marks=pytest.mark.kafka)])
def durable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker whose log outlives a crash."""
    if request.param == "kafka":
        yield request.getfixturevalue("kafka_broker")
    else:
        with running_durable_tansu(tmp_path_factory.mktemp("durable")) as tansu:
            yield tansu


def test_a_broker_that_crashes_and_comes_back_stops_nobody_and_loses_nothing(durable: Broker) -> None:
    scene = Scene.on(durable.kafka)
    producer = EventProducer(durable.kafka)
    log = Log(lambda event: [answer_to(event, scene.target)])
    with scene.running(log, producer) as running:
        producer.send([clip_event(scene.source, index) for index in range(30)])
        await_that(lambda: len(set(log.seen)) >= 10, 60, "at work")
        durable.kill()
        more = threading.Thread(target=producer.send, args=([clip_event(scene.source, i) for i in range(30, 60)],))
        more.start()
        time.sleep(1)
        durable.start()
        more.join(60)
        assert not more.is_alive()
        await_that(lambda: scene.committed() == 60, 90, "all committed")
        assert running.consumer.ready()
    assert running.error is None
    producer.close()
    answers = Counter(scene.answers())
    assert set(answers) == {f"answer-clip-{index}" for index in range(60)}
