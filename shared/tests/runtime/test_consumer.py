"""The consumer's promises over every sequence of outcomes, incidents and crashes."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.client import ClientConfigurationError
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.runtime.record import Partition
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CLIPS, DEAD_LETTERS
from support.fake_group import FakeGroup
from support.runtime_scene import clip_event

_NOW = Backoff(timedelta(0), timedelta(0))
_KAFKA = KafkaSettings(bootstrap_servers="127.0.0.1:1")


@dataclass
class _World:
    """A handler and a producer that behave as each event's script says, and what reached the log outside."""

    scripts: dict[str, list[str]] = field(default_factory=dict)
    delivered: list[Event] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)
    failing: bool = False

    def handle(self, event: Event) -> Sequence[Event]:
        self.handled.append(event.event_id)
        script = self.scripts.get(event.event_id, [])
        match script.pop(0) if script else "answer":
            case "retry":
                raise RetryableError("the store is away")
            case "invalid":
                # What no retry can mend stays so when the event comes again.
                script.insert(0, "invalid")
                raise InvalidEventError("it ends before it starts")
            case "crash":
                raise ZeroDivisionError
            case "undelivered":
                self.failing = True
        return [replace(event, event_id=f"answer-{event.event_id}")]

    def send(self, events: Sequence[Event]) -> None:
        if self.failing:
            self.failing = False
            raise DeliveryError("no broker")
        self.delivered += events

    def settled(self, event_id: str) -> bool:
        """Whether an effect of the event is in the log outside."""
        return any(
            event.event_id == f"answer-{event_id}" or getattr(event.message, "optional_event_id", None) == event_id
            for event in self.delivered
        )


def _consumer(group: FakeGroup, world: _World, **options: object) -> Consumer:
    given_options: dict[str, object] = {
        "group": "group",
        "topics": [CLIPS],
        "handler": world,
        "producer": world,
        "metrics": RuntimeMetrics(CollectorRegistry()),
        "clock": SystemClock(),
        "backoff": _NOW,
        "connect": group.connect,
    }
    return Consumer(_KAFKA, **(given_options | options))  # type: ignore[arg-type]


_SCRIPT = st.lists(st.sampled_from(["retry", "crash", "undelivered"]), max_size=3).flatmap(
    lambda steps: st.sampled_from([[*steps, "answer"], [*steps, "invalid"]])
)
_INCIDENT = st.sampled_from(["", "", "revoke", "lose", "refuse", "forget", "error"])


@settings(deadline=None, max_examples=150)
@given(scripts=st.lists(st.lists(_SCRIPT, max_size=4), min_size=1, max_size=3), incidents=st.lists(_INCIDENT))
def test_whatever_happens_nothing_is_committed_before_it_is_settled_and_everything_is_settled(
    scripts: list[list[list[str]]], incidents: list[str]
) -> None:
    group, world = FakeGroup(incidents=list(incidents)), _World()
    ids: dict[Partition, list[str]] = {}
    for number, partition_scripts in enumerate(scripts):
        partition = (CLIPS.name, number)
        group.log[partition] = []
        for index, script in enumerate(partition_scripts):
            event = clip_event(CLIPS, 100 * number + index)
            group.add(partition, event)
            world.scripts[event.event_id] = list(script)
            ids.setdefault(partition, []).append(event.event_id)

    def check(wanted: Mapping[Partition, int]) -> None:
        for partition, offset in wanted.items():
            assert all(world.settled(event_id) for event_id in ids[partition][:offset])

    group.on_commit = check
    crashes = sum(step in {"crash", "undelivered"} for script in scripts for one in script for step in one)
    for _ in range(crashes + 1):
        if group.all_committed() and group.clients:
            break
        stop = threading.Event()
        group.when_done = stop.set
        try:
            _consumer(group, world).run(stop)
        except (ZeroDivisionError, DeliveryError):
            assert group.clients[-1].closed
    assert group.all_committed()
    assert all(world.settled(event_id) for events in ids.values() for event_id in events)
    letters = [event for event in world.delivered if event.topic is DEAD_LETTERS]
    refused = sum(one[-1] == "invalid" for script in scripts for one in script)
    assert len({event.event_id for event in letters}) == refused
    if not incidents:
        # Within a membership that nobody disturbs, nothing is done twice.
        assert max(Counter(event.event_id for event in world.delivered).values(), default=1) == 1


@given(count=st.integers(1, 6), retries=st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_a_partition_keeps_its_order_through_retries_and_others_do_not_wait(count: int, retries: int) -> None:
    group, world = FakeGroup(), _World()
    for index in range(count):
        group.add((CLIPS.name, 0), clip_event(CLIPS, index))
        group.add((CLIPS.name, 1), clip_event(CLIPS, 100 + index))
    world.scripts["clip-0"] = ["retry"] * retries
    stop = threading.Event()
    group.when_done = stop.set
    _consumer(group, world).run(stop)
    first = [event_id for event_id in world.handled if len(event_id) == len("clip-0")]
    assert first == ["clip-0"] * retries + [f"clip-{index}" for index in range(count)]


def test_an_event_that_waits_for_its_back_off_holds_no_other_partition() -> None:
    group, world = FakeGroup(), _World()
    group.add((CLIPS.name, 0), clip_event(CLIPS, 0))
    for index in range(1, 6):
        group.add((CLIPS.name, 1), clip_event(CLIPS, index))
    world.scripts["clip-0"] = ["retry"]
    stop = threading.Event()
    group.when_done = stop.set
    _consumer(group, world, backoff=Backoff(timedelta(seconds=0.5), timedelta(seconds=1))).run(stop)
    assert world.handled == ["clip-0", *(f"clip-{index}" for index in range(1, 6)), "clip-0"]


class _Slow(_World):
    """Handles its first event until it is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.end = threading.Event()

    def handle(self, event: Event) -> Sequence[Event]:
        if not self.begun.is_set():
            self.begun.set()
            assert self.end.wait(20)
        return super().handle(event)


def _run_beside(consumer: Consumer, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    return thread


def test_the_group_is_polled_with_everything_paused_while_a_handler_takes_its_time() -> None:
    group, world = FakeGroup(), _Slow()
    for index in range(3):
        group.add((CLIPS.name, index), clip_event(CLIPS, index))
    stop = threading.Event()
    group.when_done = stop.set
    thread = _run_beside(_consumer(group, world), stop)
    assert world.begun.wait(10)
    ends_at = time.monotonic() + 10
    while group.clients[0].polls_while_all_paused < 3:
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    assert world.handled == []
    world.end.set()
    thread.join(10)
    assert group.all_committed()


@pytest.mark.parametrize(
    ("incident", "drain_s", "committed"),
    [("revoke", 10.0, 1), ("revoke", 0.05, 0), ("lose", 10.0, 0)],
    ids=["revoked and drained", "revoked past the deadline", "lost"],
)
def test_a_partition_that_goes_away_under_a_handler(incident: str, drain_s: float, committed: int) -> None:
    group, world = FakeGroup(), _Slow()
    partition = (CLIPS.name, 0)
    group.add(partition, clip_event(CLIPS, 0))
    stop = threading.Event()
    seen: list[int] = []
    group.on_commit = lambda wanted: seen.append(wanted[partition])
    thread = _run_beside(_consumer(group, world, drain=timedelta(seconds=drain_s)), stop)
    assert world.begun.wait(10)
    group.incidents.append(incident)
    if committed:
        # The revocation waits for the handler: it ends while the loop stands in the callback.
        threading.Timer(1.5, world.end.set).start()
        thread.join(0.1)
    else:
        ends_at = time.monotonic() + 10
        while group.incidents:
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        time.sleep(0.3)
        assert seen == []
        # It comes again, to whoever holds the partition; the first attempt must leave nothing.
        group.log[partition].clear()
        world.end.set()
    group.when_done = stop.set
    thread.join(20)
    assert not thread.is_alive()
    assert seen == [1] * committed
    assert [event.event_id for event in world.delivered] == ["answer-clip-0"] * committed


@pytest.mark.parametrize(("drain_s", "committed"), [(10.0, 1), (0.1, 0)], ids=["in time", "too late"])
def test_a_stop_drains_what_is_in_hand_and_takes_no_more(drain_s: float, committed: int) -> None:
    group, world = FakeGroup(), _Slow()
    for index in range(3):
        group.add((CLIPS.name, 0), clip_event(CLIPS, index))
    stop = threading.Event()
    thread = _run_beside(_consumer(group, world, drain=timedelta(seconds=drain_s)), stop)
    assert world.begun.wait(10)
    stop.set()
    threading.Timer(2.5, world.end.set).start()
    thread.join(20)
    assert group.committed.get((CLIPS.name, 0), 0) == committed
    assert group.clients[0].closed
    world.end.set()
    time.sleep(0.1)
    assert [event.event_id for event in world.delivered] == ["answer-clip-0"] * committed


@pytest.mark.parametrize(
    "name",
    [
        "enable.auto.commit",
        "enable.auto.offset.store",
        "auto.offset.reset",
        "partition.assignment.strategy",
        "group.id",
        "acks",
        "enable.idempotence",
    ],
)
def test_what_the_promises_stand_on_cannot_be_configured(name: str) -> None:
    with pytest.raises(ClientConfigurationError, match=name):
        _consumer(FakeGroup(), _World(), tuning={name: "true"})


def test_the_client_is_configured_for_at_least_once() -> None:
    group, stop = FakeGroup(), threading.Event()
    stop.set()
    _consumer(group, _World(), tuning={"max.poll.interval.ms": 7000}).run(stop)
    config = group.clients[0].config
    assert config["enable.auto.commit"] is False
    assert config["enable.auto.offset.store"] is False
    assert config["auto.offset.reset"] == "earliest"
    assert config["partition.assignment.strategy"] == "cooperative-sticky"
    assert config["enable.metrics.push"] is False
    assert config["max.poll.interval.ms"] == 7000
    assert config["session.timeout.ms"] == 10_000


class _SlowToSend(_Slow):
    """Delivers its first batch only when it is told to end."""

    def handle(self, event: Event) -> Sequence[Event]:
        return _World.handle(self, event)

    def send(self, events: Sequence[Event]) -> None:
        if not self.begun.is_set():
            self.begun.set()
            assert self.end.wait(20)
        super().send(events)


def test_what_is_delivered_after_its_partition_went_away_is_not_committed_and_comes_again() -> None:
    group, world = FakeGroup(), _SlowToSend()
    partition = (CLIPS.name, 0)
    group.add(partition, clip_event(CLIPS, 0))
    stop = threading.Event()
    commits: list[int] = []
    group.on_commit = lambda wanted: commits.append(wanted[partition])
    thread = _run_beside(_consumer(group, world, drain=timedelta(seconds=0.05)), stop)
    assert world.begun.wait(10)
    group.incidents += ["revoke"]
    ends_at = time.monotonic() + 10
    while group.incidents:
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    # The deadline of the revocation is over by then.
    time.sleep(0.3)
    assert commits == []
    group.when_done = stop.set
    world.end.set()
    thread.join(20)
    assert not thread.is_alive()
    assert [event.event_id for event in world.delivered] == ["answer-clip-0"] * 2
    assert commits == [1]
