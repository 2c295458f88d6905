import pytest

from homeward.shared.events import InvalidEventError, decode, encode
from homeward.shared.topics import TOPICS, Topic
from support import examples, recorded

TOPIC = pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)


@TOPIC
def test_recorded_bytes_decode_to_the_example(topic: Topic) -> None:
    record = recorded.load(topic)
    assert decode(topic, record.key, record.value, record.headers) == examples.example(topic)


@TOPIC
def test_the_codec_still_writes_the_recorded_bytes(topic: Topic) -> None:
    record, now = recorded.load(topic), encode(examples.example(topic))
    assert (now.key, now.value, dict(now.headers)) == (record.key, record.value, dict(record.headers))


@TOPIC
def test_the_envelope_is_cloudevents_binary_mode(topic: Topic) -> None:
    headers = dict(recorded.load(topic).headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == topic.event_type.encode()
    assert headers["content-type"] == b"application/protobuf"
    assert {"ce_id", "ce_source", "ce_time", "ce_subject"} <= headers.keys()


@TOPIC
@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time", "content-type"])
def test_a_record_without_an_attribute_is_refused(topic: Topic, missing: str) -> None:
    record = recorded.load(topic)
    headers = [(name, value) for name, value in record.headers if name != missing]
    with pytest.raises(InvalidEventError, match=f"lacks {missing}"):
        decode(topic, record.key, record.value, headers)


@TOPIC
def test_another_topics_record_is_refused(topic: Topic) -> None:
    other = next(other for other in TOPICS.values() if other is not topic)
    record = recorded.load(other)
    with pytest.raises(InvalidEventError, match="not of the type"):
        decode(topic, record.key, record.value, record.headers)


@TOPIC
def test_a_wrong_key_is_refused(topic: Topic) -> None:
    record = recorded.load(topic)
    with pytest.raises(InvalidEventError, match=topic.key_field):
        decode(topic, b"another", record.value, record.headers)


@TOPIC
def test_only_a_compacted_topic_takes_a_removal(topic: Topic) -> None:
    record = recorded.load(topic)
    if topic.compacted:
        assert decode(topic, record.key, None, record.headers).message is None
    else:
        with pytest.raises(InvalidEventError, match="not compacted"):
            decode(topic, record.key, None, record.headers)
