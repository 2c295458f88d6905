"""Invariants 3 and 6: one subject an authorisation, few at once, and no identity in anything that is published."""

import io
from datetime import timedelta

import pytest
from PIL import Image

from homeward.cli.access_api import AccessRefusedError
from homeward.shared.authorisation.ceilings import LIVE_SEARCHES_DEFAULT, LIVE_SEARCHES_MAX
from homeward.shared.events import Event, Record, encode
from homeward.shared.topics import CLIPS, DEAD_LETTERS, TOPICS
from homewardapi.deadletter.v1.dead_letter_pb2 import DeadLetter
from support.leavings import everything
from support.raw_producer import produce_raw
from support.recorded import load
from support.scenes import reference_photo
from support.traces import name_needles, search
from support.world import World

CONSUMERS_OF_CLIPS = {"access-coverage", "detection"}
NAME = "Wilhelmina Testcase"
ARTIST_TAG = 0x013B
DESCRIPTION_TAG = 0x010E


def photo_with_a_name(world: World) -> bytes:
    """Return a subject's photo as a camera or an agency would hand it over: with a name in its metadata."""
    with Image.open(reference_photo(world.people[1])) as picture:
        exif = picture.getexif()
        exif[ARTIST_TAG] = NAME
        exif[DESCRIPTION_TAG] = f"{NAME}, last seen at the north gate"
        out = io.BytesIO()
        picture.save(out, "JPEG", exif=exif, comment=NAME.encode(), quality=95)
    assert NAME.encode() in out.getvalue()
    return out.getvalue()


def test_a_name_in_a_photo_goes_nowhere(world: World) -> None:
    cameras = sorted(world.scene.videos)
    found = world.pipeline.search([photo_with_a_name(world)], cameras, world.starts_at, world.ends_at)
    assert found.sightings
    assert search(everything(world.pipeline), name_needles([NAME])) == []
    world.pipeline.close(found.authorisation_id)


def test_photos_of_two_people_are_refused(world: World) -> None:
    photos = [reference_photo(person).read_bytes() for person in world.people[:2]]
    found = world.pipeline.search(photos, sorted(world.scene.videos), world.starts_at, world.ends_at)
    assert found.progress.refusal == "photos differ"
    assert found.sightings == []
    world.pipeline.close(found.authorisation_id)
    world.pipeline.operator.wait_templates(0, timedelta(seconds=30))


def test_a_photo_with_two_faces_is_refused(world: World) -> None:
    pictures = [Image.open(reference_photo(person)) for person in world.people[:2]]
    both = Image.new("RGB", (1024, 512))
    for index, picture in enumerate(pictures):
        both.paste(picture, (512 * index, 0))
    out = io.BytesIO()
    both.save(out, "JPEG", quality=95)
    found = world.pipeline.search([out.getvalue()], sorted(world.scene.videos), world.starts_at, world.ends_at)
    assert found.progress.refusal == "several faces"
    world.pipeline.close(found.authorisation_id)


def test_searches_open_at_once_are_few(world: World) -> None:
    assert LIVE_SEARCHES_DEFAULT == 20
    assert LIVE_SEARCHES_MAX == 100
    photo = reference_photo(world.people[0]).read_bytes()
    officials, opened = world.pipeline.officials, []
    try:
        with pytest.raises(AccessRefusedError, match="face searches are open"):  # noqa: PT012 - which of them is refused is what is asked
            for _ in range(LIVE_SEARCHES_DEFAULT + 1):
                issued = officials.authorise(
                    [photo],
                    camera_ids=sorted(world.scene.videos)[:1],
                    starts_at=world.starts_at,
                    ends_at=world.ends_at,
                )
                opened.append(issued.authorisation_id)
        assert len(opened) == LIVE_SEARCHES_DEFAULT
    finally:
        for authorisation_id in opened:
            officials.stop(authorisation_id)
    world.pipeline.operator.wait_templates(0, timedelta(seconds=60))


def test_no_event_holds_a_picture_or_a_long_run_of_bytes(world: World) -> None:
    for topic in TOPICS.values():
        for event in world.pipeline.operator.log.snapshot(topic):
            value = encode(event).value or b""
            assert b"\xff\xd8\xff" not in value, f"a JPEG on {topic.name}"
            assert b"\x89PNG" not in value, f"a PNG on {topic.name}"


def test_a_dead_letter_keeps_the_message_and_adds_no_identity(world: World) -> None:
    good = load(CLIPS)
    produce_raw(world.pipeline.operator.context.kafka, CLIPS.name, Record(good.key, b"\xffpoison", good.headers))
    letters: list[Event] = []
    for _ in range(100):
        letters = world.pipeline.operator.log.snapshot(DEAD_LETTERS)
        if len({letter.event_id for letter in letters}) >= len(CONSUMERS_OF_CLIPS):
            break
        world.pipeline.stack.clock.sleep(0.3)
    messages = [letter.message for letter in letters if isinstance(letter.message, DeadLetter)]
    # One from each group that the message was put before.
    assert {message.consumer_group for message in messages} == CONSUMERS_OF_CLIPS
    assert {message.optional_value for message in messages} == {b"\xffpoison"}
    assert search(everything(world.pipeline), name_needles([NAME])) == []
