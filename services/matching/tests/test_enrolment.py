"""Enrolling: one subject, by photos that show one person; everything else is refused with its reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.matching.authorisations import Search
from homeward.matching.messages import Refusal
from homeward.matching.ports import EmbedderAwayError, SearchEndedError
from homeward.matching.subject import Count
from homewardapi.embedding.v1 import embedding_service_pb2 as embedding
from homewardapi.search.v1 import search_pb2 as search
from support.authorisations import AUTHORISATION_ID, NOON, request
from support.matching import MODEL, OTHER_MODEL, World, closed, opened


def known(world: World, photos: int = 1, authorisation_id: str = AUTHORISATION_ID) -> Search:
    token = world.authority.token(request(authorisation_id, photos=photos))
    event = opened(authorisation_id, token)
    world.authorisations.apply(event.key, event.message)
    found = world.authorisations.live(authorisation_id)
    assert found is not None
    return found


@pytest.mark.parametrize("photos", [1, 2, 5])
def test_however_many_photos_make_one_template(world: World, photos: int) -> None:
    assert world.enrolment.admit(known(world, photos)) is None
    assert world.subjects.count() == Count(1, 1)
    (stored,) = world.subjects.find(AUTHORISATION_ID)
    assert stored.model == MODEL
    assert stored.expires_at == NOON + timedelta(hours=12)
    assert len(world.embedder.asked) == photos


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (embedding.REFUSAL_REASON_NO_FACE, search.REFUSAL_REASON_NO_FACE),
        (embedding.REFUSAL_REASON_SEVERAL_FACES, search.REFUSAL_REASON_SEVERAL_FACES),
        (embedding.REFUSAL_REASON_POOR_FACE, search.REFUSAL_REASON_POOR_FACE),
        (embedding.REFUSAL_REASON_NOT_FOUND, search.REFUSAL_REASON_UNREADABLE_PHOTO),
        (embedding.REFUSAL_REASON_UNREADABLE, search.REFUSAL_REASON_UNREADABLE_PHOTO),
        (embedding.REFUSAL_REASON_OUTSIDE_AUTHORISATION, search.REFUSAL_REASON_NOT_AUTHORISED),
        (embedding.REFUSAL_REASON_EXPIRED, search.REFUSAL_REASON_NOT_AUTHORISED),
        (4711, search.REFUSAL_REASON_NOT_AUTHORISED),
    ],
)
def test_a_photo_that_does_not_do_is_named(world: World, reason: int, expected: int) -> None:
    world.embedder.photos = {f"{AUTHORISATION_ID}/1.jpg": -reason}
    refusal = world.enrolment.admit(known(world, photos=3))
    assert refusal is not None
    assert (refusal.reason, refusal.photo_index) == (expected, 1)
    assert world.subjects.count() == Count(0, 0)
    assert world.enrolment.refusal(AUTHORISATION_ID) == refusal


def test_photos_of_two_people_are_refused(world: World) -> None:
    world.embedder.photos = {f"{AUTHORISATION_ID}/2.jpg": 7}
    refusal = world.enrolment.admit(known(world, photos=3))
    assert refusal == Refusal(search.REFUSAL_REASON_PHOTOS_DIFFER)
    assert world.subjects.count() == Count(0, 0)


def test_an_embedder_that_denies_refuses_the_search(world: World) -> None:
    world.embedder.denied = True
    assert world.enrolment.admit(known(world)) == Refusal(search.REFUSAL_REASON_NOT_AUTHORISED)


def test_an_embedder_that_is_away_refuses_nothing(world: World) -> None:
    world.embedder.away = True
    with pytest.raises(EmbedderAwayError):
        world.enrolment.admit(known(world))
    assert world.enrolment.refusal(AUTHORISATION_ID) is None
    world.embedder.away = False
    assert world.enrolment.admit(known(world)) is None


def test_one_search_over_the_ceiling_is_refused(subjects: QdrantSubjects) -> None:
    world = World(subjects, live_searches=2)
    ids = [AUTHORISATION_ID.replace("0d5c", f"{number}d5c") for number in range(3)]
    assert [world.enrolment.admit(known(world, authorisation_id=name)) for name in ids[:2]] == [None, None]

    assert world.enrolment.admit(known(world, authorisation_id=ids[2])) == Refusal(search.REFUSAL_REASON_NOT_AUTHORISED)
    assert world.embedder.crops_asked == []
    # One of the two, enrolled again, takes its own place; one that ended makes room.
    assert world.enrolment.admit(known(world, authorisation_id=ids[0])) is None
    event = closed(ids[1], NOON + timedelta(seconds=1))
    world.authorisations.apply(event.key, event.message)
    assert world.enrolment.admit(known(world, authorisation_id=ids[2])) is None
    assert world.enrolment.refusal(ids[2]) is None


def test_a_subject_wiped_while_it_was_enrolled_stays_wiped(world: World) -> None:
    found = known(world)

    def wipe() -> None:
        world.authorisations.halt(AUTHORISATION_ID)
        world.subjects.wipe(AUTHORISATION_ID)

    world.embedder.before_answer = wipe
    with pytest.raises(SearchEndedError):
        world.enrolment.admit(found)
    assert world.subjects.count() == Count(0, 0)


def test_a_subject_wiped_between_the_question_and_the_store_stays_wiped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = known(world)
    put = world.subjects.put

    def wiped_before(subject: object) -> None:
        world.authorisations.halt(AUTHORISATION_ID)
        world.subjects.wipe(AUTHORISATION_ID)
        put(subject)  # type: ignore[arg-type]

    monkeypatch.setattr(world.subjects, "put", wiped_before)
    with pytest.raises(SearchEndedError):
        world.enrolment.admit(found)
    assert world.subjects.count() == Count(0, 0)


def test_a_renewal_needs_an_admission(world: World) -> None:
    with pytest.raises(SearchEndedError, match="not enrolled"):
        world.enrolment.renew(known(world))


def test_a_renewal_adds_the_new_model(world: World) -> None:
    found = known(world)
    world.enrolment.admit(found)
    world.embedder.model = OTHER_MODEL
    world.enrolment.renew(found)
    assert {stored.model for stored in world.subjects.find(AUTHORISATION_ID)} == {MODEL, OTHER_MODEL}


def test_photos_that_no_longer_do_end_the_search(world: World) -> None:
    found = known(world)
    world.enrolment.admit(found)
    world.embedder.model = replace(OTHER_MODEL)
    world.embedder.photos = {f"{AUTHORISATION_ID}/0.jpg": -embedding.REFUSAL_REASON_NOT_FOUND}
    with pytest.raises(SearchEndedError):
        world.enrolment.renew(found)
