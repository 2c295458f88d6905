import re
from datetime import timedelta

import pytest

from homeward.shared.topics import CLIPS, DEAD_LETTERS, FACES, TOPICS, Topic

# Words of which a field would be made if an event ever carried an identity (invariant 6).
IDENTITY = re.compile(
    r"photo(?!_index)|template|embedding(?!_)|person|subject|first_name|last_name|surname|birth|passport|jpeg|pixels|image|thumbnail"
    r"|age|gender|race|ethnic|emotion|mood"
)
TOPIC = pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)


@TOPIC
def test_names_are_versioned_and_ours(topic: Topic) -> None:
    assert re.fullmatch(r"homeward\.[a-z-]+\.v1", topic.name)


@TOPIC
def test_the_key_is_a_field_of_the_message(topic: Topic) -> None:
    field = topic.message.DESCRIPTOR.fields_by_name[topic.key_field]
    assert field.type == field.TYPE_STRING


def test_footage_and_what_describes_it_live_equally_long() -> None:
    assert CLIPS.retention == FACES.retention == timedelta(days=30)


def test_a_dead_letter_has_room_for_any_message() -> None:
    widest = max(topic.max_message_bytes for topic in TOPICS.values() if topic is not DEAD_LETTERS)
    assert DEAD_LETTERS.max_message_bytes >= widest + 1024 * 1024


@TOPIC
def test_no_event_has_a_field_for_an_identity(topic: Topic) -> None:
    def walk(descriptor: object, path: str) -> list[str]:
        paths = []
        for field in descriptor.fields:  # type: ignore[attr-defined] # Protobuf's descriptors have no common type
            if any(IDENTITY.fullmatch(word) or IDENTITY.search(field.name) for word in field.name.split("_")):
                paths.append(f"{path}.{field.name}")
            if field.message_type is not None:
                paths += walk(field.message_type, f"{path}.{field.name}")
        return paths

    # A page's worth of words that only look alike.
    innocent = {"SearchTask.refused.optional_photo_index"}
    assert set(walk(topic.message.DESCRIPTOR, topic.message.DESCRIPTOR.name)) <= innocent
