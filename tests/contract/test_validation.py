from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.events import InvalidEventError, decode, new_event
from homeward.shared.topics import TOPICS, Topic
from homeward.shared.validation import InvalidMessageError, validate
from support import examples, recorded


def required_fields(message: Any) -> list[str]:
    return [
        field.name
        for field in message.DESCRIPTOR.fields
        if not field.is_repeated
        and field.containing_oneof is None
        and (field.has_presence or field.enum_type is not None or field.type in {field.TYPE_STRING, field.TYPE_BYTES})
    ]


CASES = [(topic, name) for topic in TOPICS.values() for name in required_fields(examples.MESSAGES[topic])]


@pytest.mark.parametrize(("topic", "name"), CASES, ids=lambda part: getattr(part, "name", part))
def test_a_required_field_that_is_absent_is_refused(topic: Topic, name: str) -> None:
    message = type(examples.MESSAGES[topic])()
    message.CopyFrom(examples.MESSAGES[topic])
    message.ClearField(name)
    with pytest.raises(InvalidMessageError, match=name):
        validate(message)


@pytest.mark.parametrize(
    ("topic", "name"),
    [(topic, name) for topic, name in CASES if topic.message.DESCRIPTOR.fields_by_name[name].enum_type is not None],
    ids=lambda part: getattr(part, "name", part),
)
def test_an_unknown_enum_is_refused(topic: Topic, name: str) -> None:
    message = type(examples.MESSAGES[topic])()
    message.CopyFrom(examples.MESSAGES[topic])
    setattr(message, name, 9999)
    with pytest.raises(InvalidMessageError, match="not a known"):
        validate(message)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_an_unchosen_oneof_is_refused(topic: Topic) -> None:
    for choice in topic.message.DESCRIPTOR.oneofs:
        if choice.name.startswith("_"):
            continue
        message = topic.message()
        message.CopyFrom(examples.MESSAGES[topic])
        chosen = message.WhichOneof(choice.name)
        assert chosen is not None
        message.ClearField(chosen)
        with pytest.raises(InvalidMessageError, match="not chosen"):
            validate(message)


def test_a_service_cannot_publish_what_another_refuses() -> None:
    clips, faces = TOPICS["homeward.clips.v1"], TOPICS["homeward.faces.v1"]
    with pytest.raises(InvalidMessageError):
        new_event(clips, "id", "homeward/x", examples.STARTS_AT, clips.message())
    with pytest.raises(InvalidMessageError, match="carries"):
        new_event(clips, "id", "homeward/x", examples.STARTS_AT, examples.MESSAGES[faces])


@given(
    st.sampled_from(list(TOPICS.values())),
    st.one_of(st.none(), st.binary(max_size=200)),
    st.one_of(st.none(), st.binary(max_size=200)),
    st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_specversion", "content-type", "traceparent", "x"]),
            st.one_of(st.none(), st.binary(max_size=40)),
        ),
        max_size=8,
    ),
)
def test_no_bytes_do_more_than_be_refused(
    topic: Topic, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    with pytest.raises(InvalidEventError):
        decode(topic, key, value, headers)


@given(st.data())
def test_damaged_records_decode_or_are_refused(data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(list(TOPICS.values())))
    record = recorded.load(topic)
    headers: list[tuple[str, bytes | None]] = [
        (name, data.draw(st.one_of(st.just(value), st.none(), st.binary(max_size=12))))
        for name, value in record.headers
    ]
    value = bytearray(record.value or b"")
    for _ in range(data.draw(st.integers(0, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        event = decode(topic, record.key, bytes(value), headers)
    except InvalidEventError:
        return
    assert event.message is not None
    validate(event.message)
