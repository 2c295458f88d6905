"""What becomes of good events, poison, and events that cannot be handled now."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from homeward.shared.events import Event, InvalidEventError, encode
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.runtime.producer import DeliveryError, EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.tracing import new_tracer
from homeward.shared.topics import DEAD_LETTERS
from support.runtime_scene import (
    Log,
    Membership,
    Scene,
    answer_to,
    await_that,
    clip_event,
    dead_letters_of,
    everything,
    publish_raw,
)


def test_ten_poison_messages_are_ten_dead_letters_and_the_good_ones_between_are_handled(
    kafka: KafkaSettings, producer: EventProducer
) -> None:
    scene = Scene.on(kafka, partitions=1)
    good = encode(clip_event(scene.source, 0))
    headers = [(name, value) for name, value in good.headers]
    other_type = [(name, b"homeward.other" if name == "ce_type" else value) for name, value in headers]
    no_id = [(name, value) for name, value in headers if name != "ce_id"]
    poison: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (good.key, b"\xff\xff\xff", [*headers]),
        (good.key, b"", [*headers]),
        (good.key, None, [*headers]),
        (None, good.value, [*headers]),
        (b"", good.value, [*headers]),
        (b"\xff", good.value, [*headers]),
        (b"camera-of-another", good.value, [*headers]),
        (good.key, good.value, []),
        (good.key, good.value, [*other_type]),
        (good.key, good.value, [*no_id, ("", b""), ("empty", None)]),
    ]
    for index, (key, value, its_headers) in enumerate(poison):
        producer.send([clip_event(scene.source, index)])
        publish_raw(kafka, scene.source, key, value, its_headers)
    producer.send([clip_event(scene.source, len(poison))])

    log = Log()
    with scene.running(log, producer) as running:
        await_that(lambda: scene.committed() == 21, 40, "21 records committed")
    assert running.error is None
    assert log.seen == [f"clip-{index}" for index in range(11)]
    letters = dead_letters_of(kafka, scene.group)
    assert sorted(letter.offset for letter in letters) == list(range(1, 21, 2))
    by_offset = {letter.offset: letter for letter in letters}
    for index, (key, value, its_headers) in enumerate(poison):
        letter = by_offset[2 * index + 1]
        assert (letter.topic, letter.partition) == (scene.source.name, 0)
        assert letter.optional_key == (key or b"")
        assert letter.optional_value == (value or b"")
        assert [header.name or "(empty)" for header in letter.headers] == [name or "(empty)" for name, _ in its_headers]
        assert [header.optional_value for header in letter.headers] == [value or b"" for _, value in its_headers]
        assert letter.error
    assert by_offset[1].optional_event_id == "clip-0"
    assert not by_offset[19].HasField("optional_event_id")
    labels = {"group": scene.group, "topic": scene.source.name}
    assert scene.counted("homeward_events_dead_lettered_total", **labels) == 10
    assert scene.counted("homeward_events_handled_total", **labels) == 11


def test_a_handler_can_refuse_an_event_for_good(kafka: KafkaSettings, producer: EventProducer) -> None:
    scene = Scene.on(kafka, partitions=1)

    def react(event: Event) -> Sequence[Event]:
        if event.event_id == "clip-1":
            raise InvalidEventError("clip clip-1 ends before it starts")
        return [answer_to(event, scene.target)]

    producer.send([clip_event(scene.source, index) for index in range(3)])
    with scene.running(Log(react), producer):
        await_that(lambda: scene.committed() == 3, 40, "3 records committed")
    assert scene.answers() == ["answer-clip-0", "answer-clip-2"]
    (letter,) = dead_letters_of(kafka, scene.group)
    assert letter.error == "clip clip-1 ends before it starts"
    assert letter.optional_event_id == "clip-1"


@pytest.mark.parametrize("poisoned", [True, False], ids=["dead letter", "answer"])
def test_what_cannot_be_written_leaves_the_offset_uncommitted_and_stops_the_consumer(
    kafka: KafkaSettings, producer: EventProducer, *, poisoned: bool
) -> None:
    scene = Scene.on(kafka, partitions=1)
    producer.send([clip_event(scene.source, 0)])
    if poisoned:
        publish_raw(kafka, scene.source, b"camera-1", b"\xff", [])
    else:
        producer.send([clip_event(scene.source, 1)])

    def react(event: Event) -> Sequence[Event]:
        return [] if event.event_id == "clip-0" else [answer_to(event, scene.target)]

    nowhere = EventProducer(
        KafkaSettings(bootstrap_servers="127.0.0.1:1"), delivery_timeout=timedelta(seconds=2), tuning={"log_level": 0}
    )
    log = Log(react)
    with scene.running(log, nowhere) as running:
        running.join(60)
    nowhere.close()
    assert isinstance(running.error, DeliveryError)
    assert scene.committed() == 1
    assert not running.consumer.ready()

    # The next incarnation, with a broker to write to, loses nothing.
    with scene.running(log, producer):
        await_that(lambda: scene.committed() == 2, 40, "the second record committed")
    assert len(dead_letters_of(kafka, scene.group)) == (1 if poisoned else 0)
    assert scene.answers() == ([] if poisoned else ["answer-clip-1"])


def test_anything_else_that_a_handler_raises_stops_the_consumer_uncommitted(
    kafka: KafkaSettings, producer: EventProducer
) -> None:
    scene = Scene.on(kafka, partitions=1)
    producer.send([clip_event(scene.source, index) for index in range(3)])

    def react(event: Event) -> Sequence[Event]:
        if event.event_id == "clip-1":
            raise ZeroDivisionError
        return []

    with scene.running(Log(react), producer) as running:
        running.join(60)
    assert isinstance(running.error, ZeroDivisionError)
    assert scene.committed() == 1
    assert dead_letters_of(kafka, scene.group) == []


def test_slow_and_retried_events_keep_the_membership_and_other_partitions_go_on(
    kafka: KafkaSettings, producer: EventProducer
) -> None:
    """Both the session and the poll interval pass while one event is retried, and again while one is handled."""
    scene = Scene.on(kafka, partitions=3)
    away_s = slow_s = kafka.session_timeout_s + 2.0
    began: dict[str, float] = {}

    def react(event: Event) -> Sequence[Event]:
        began.setdefault(event.event_id, time.monotonic())
        if event.event_id == "clip-0" and time.monotonic() - began["clip-0"] < away_s:
            raise RetryableError("the store is away")
        if event.event_id == "clip-1":
            time.sleep(slow_s)
        return [answer_to(event, scene.target)]

    log = Log(react)
    membership = Membership()
    limits = {"max.poll.interval.ms": kafka.session_timeout_s * 1000}
    keys = ["camera-0", "camera-1", "camera-2"]
    producer.send([clip_event(scene.source, 0, keys[0])])
    with scene.running(log, producer, tuning=limits, connect=membership.connect) as running:
        await_that(lambda: log.seen.count("clip-0") > 3, 40, "the event is tried again")
        # Others are handled while it waits, whichever partition they are in, and so is one behind it, afterwards.
        producer.send([clip_event(scene.source, index, f"camera-{index}") for index in range(2, 12)])
        await_that(lambda: len(set(log.seen)) > 4, 5, "other partitions go on")
        assert time.monotonic() - began["clip-0"] < away_s
        await_that(lambda: scene.committed() == 11, 40, "the retried event and the others committed")
        producer.send([clip_event(scene.source, 1, keys[1])])
        await_that(lambda: scene.committed() == 12, 40, "the slow event committed")
        assert (membership.assigned, membership.gone) == (1, 0)
    assert running.error is None
    assert log.seen.count("clip-1") == 1
    assert sorted(scene.answers()) == sorted(f"answer-clip-{index}" for index in range(12))
    assert scene.counted("homeward_events_retried_total", group=scene.group, topic=scene.source.name) > 3


def test_a_trace_goes_from_the_event_to_its_answer(kafka: KafkaSettings, producer: EventProducer) -> None:
    scene = Scene.on(kafka, partitions=1)
    with new_tracer("test").start_as_current_span("camera") as span:
        producer.send([clip_event(scene.source, 0)])
    with scene.running(Log(lambda event: [answer_to(event, scene.target)]), producer):
        await_that(lambda: scene.committed() == 1, 40, "the record committed")
    (question,) = everything(kafka, scene.source)
    (answer,) = everything(kafka, scene.target)
    trace_id = f"{span.get_span_context().trace_id:032x}"
    _, of_question, its_span, _ = question.trace["traceparent"].split("-")
    _, of_answer, another_span, _ = answer.trace["traceparent"].split("-")
    assert of_question == of_answer == trace_id
    assert its_span != another_span


def test_the_widest_message_of_any_topic_fits_into_a_dead_letter(kafka: KafkaSettings, producer: EventProducer) -> None:
    scene = Scene.on(kafka, partitions=1)
    wide = replace(scene.source, name=f"{scene.source.name}.wide", max_message_bytes=4 * 1024 * 1024)
    scene = replace(scene, source=wide)
    create_topics(kafka, [wide])
    # Bytes that no compression shrinks below the limit.
    value = b"\xff" + os.urandom(4 * 1024 * 1024 - 4096)
    publish_raw(kafka, wide, b"camera-1", value, [])
    with scene.running(Log(), producer) as running:
        await_that(lambda: scene.committed() == 1, 40, "the record committed")
    assert running.error is None
    (letter,) = dead_letters_of(kafka, scene.group)
    assert letter.optional_value == value
    assert len(value) < DEAD_LETTERS.max_message_bytes
