"""Comparing: who is found, what is counted, and how far a search reaches."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.matching.authorisations import Search
from homeward.matching.comparison import Findings
from homeward.matching.coverage import covers, key_of
from homeward.matching.feed import Feed, LookedAt
from homeward.matching.ports import CropReference, EmbedderAwayError, SearchEndedError
from homeward.matching.template import Model
from homeward.shared.instants import from_timestamp
from homewardapi.embedding.v1.embedding_service_pb2 import REFUSAL_REASON_NOT_FOUND
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_PARTIAL, ClipFaces
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_UNCALIBRATED_MODEL
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, Sighting
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import (
    MODEL,
    OTHER_MODEL,
    PERSON_STRIDE,
    RATE,
    SUBJECT,
    World,
    calibration_of,
    clip,
    closed,
    face,
    opened,
    vector,
)

BEFORE = NOON - timedelta(hours=1)


@pytest.fixture
def search(world: World) -> Search:
    event = opened(AUTHORISATION_ID, world.authority.token())
    world.authorisations.apply(event.key, event.message)
    found = world.authorisations.live(AUTHORISATION_ID)
    assert found is not None
    assert world.enrolment.admit(found) is None
    return found


def compare(world: World, search: Search, *clips: ClipFaces) -> Findings:
    return world.comparison.compare(search, clips, SEARCH_MODE_ARCHIVE)


def sightings(findings: Findings) -> list[Sighting]:
    return [event.message for event in findings.sightings if isinstance(event.message, Sighting)]


def test_the_subject_is_found_among_others(world: World, search: Search) -> None:
    seen = clip("hall", BEFORE, [5, SUBJECT, 6])
    findings = compare(world, search, clip("gate", BEFORE, [2, 3]), seen)

    (sighting,) = sightings(findings)
    assert (sighting.camera_id, sighting.clip_id, sighting.face_index) == ("hall", seen.clip_id, 1)
    assert sighting.authorisation_id == AUTHORISATION_ID
    assert sighting.crops_key == key_of(seen)
    assert sighting.crop in list(seen.faces[1].crops)
    assert sighting.box == seen.faces[1].appearances[0].box
    assert (sighting.first_seen_at, sighting.last_seen_at) == (seen.starts_at, seen.faces[1].appearances[-1].at)
    assert sighting.threshold == pytest.approx(0.5)
    assert 0.5 <= sighting.score <= 1
    assert sighting.embedder == MODEL.to_message()
    assert sighting.mode == SEARCH_MODE_ARCHIVE
    tally = findings.tally
    assert (tally.faces_compared, tally.faces_too_poor, tally.faces_unreadable) == (5, 0, 0)
    assert tally.camera_time == timedelta(seconds=20)


def test_the_crop_of_a_sighting_is_the_one_that_matched_best(world: World, search: Search) -> None:
    seen = clip("gate", BEFORE, [SUBJECT], crops=4)
    (sighting,) = sightings(compare(world, search, seen))
    reference = vector(SUBJECT, 900)
    scores = [float(vector(SUBJECT, crop.offset_bytes % 1000) @ reference) for crop in seen.faces[0].crops]
    assert sighting.crop == seen.faces[0].crops[scores.index(max(scores))]
    assert list(sighting.other_crops) == [crop for crop in seen.faces[0].crops if crop != sighting.crop]


def test_a_mean_finds_whom_one_poor_picture_would_miss(world: World, search: Search) -> None:
    (one,) = sightings(compare(world, search, clip("gate", BEFORE, [SUBJECT], crops=1)))
    (many,) = sightings(compare(world, search, clip("gate", BEFORE, [SUBJECT], crops=4)))
    assert many.score > one.score


def test_found_again_it_has_the_same_id(world: World, search: Search) -> None:
    seen = clip("gate", BEFORE, [SUBJECT])
    first, again = (compare(world, search, seen).sightings[0] for _ in range(2))
    assert first.event_id == again.event_id
    assert first.key == AUTHORISATION_ID


def test_faces_that_cannot_be_compared_are_counted(world: World, search: Search) -> None:
    poor = clip("gate", BEFORE, [SUBJECT, 2], crops=0)
    torn = clip("gate", BEFORE + timedelta(seconds=10), [3, 4], outcome=DETECTION_OUTCOME_PARTIAL)
    lost = {crop.offset_bytes: int(REFUSAL_REASON_NOT_FOUND) for crop in torn.faces[0].crops}
    world.embedder.unreadable = lost | {torn.faces[1].crops[0].offset_bytes: int(REFUSAL_REASON_NOT_FOUND)}

    tally = compare(world, search, poor, torn).tally

    assert tally.faces_too_poor == 2
    assert tally.faces_unreadable == 1
    assert tally.faces_compared == 1, "one crop that could be read is enough"
    assert tally.clips_unreadable == 1


def test_crops_of_another_clip_are_not_asked_for(world: World, search: Search) -> None:
    strayed = clip("gate", BEFORE, [SUBJECT])
    strayed.optional_crops_key = key_of(clip("yard", BEFORE))
    findings = compare(world, search, strayed)
    assert findings.sightings == []
    assert findings.tally.faces_unreadable == 1
    assert world.embedder.crops_asked == []


def test_a_face_that_appears_in_no_frame_is_not_compared(world: World, search: Search) -> None:
    odd = clip("gate", BEFORE, [SUBJECT])
    del odd.faces[0].appearances[:]
    assert compare(world, search, odd).tally.faces_unreadable == 1
    assert world.embedder.crops_asked == []


@given(camera_id=st.sampled_from(["gate", "hall", "yard"]), at_s=st.integers(-4 * 3600, 4 * 3600))
@settings(max_examples=60, deadline=None)  # a busy machine is no failure
def test_only_clips_of_the_cameras_and_the_window_are_embedded(camera_id: str, at_s: int) -> None:
    store = QdrantSubjects.in_memory()
    world = World(store)
    event = opened(AUTHORISATION_ID, world.authority.token())
    world.authorisations.apply(event.key, event.message)
    found = world.authorisations.live(AUTHORISATION_ID)
    assert found is not None
    world.enrolment.admit(found)
    asked = clip(camera_id, NOON + timedelta(seconds=at_s), [SUBJECT])

    findings = compare(world, found, asked)

    inside = camera_id in {"gate", "hall"} and -3 * 3600 <= at_s < 3 * 3600
    assert covers(found.authorisation, asked) == inside
    assert bool(world.embedder.crops_asked) == inside
    assert len(findings.sightings) == inside
    assert (findings.tally.camera_time > timedelta()) == inside
    store.close()


def test_with_nobody_enrolled_nothing_is_embedded(world: World, search: Search) -> None:
    world.subjects.wipe(AUTHORISATION_ID)
    with pytest.raises(SearchEndedError):
        compare(world, search, clip("gate", BEFORE, [SUBJECT]))
    assert world.embedder.crops_asked == []


def test_an_end_stops_at_once_and_takes_the_findings_along(world: World, search: Search) -> None:
    clips = [clip("gate", BEFORE + timedelta(seconds=10 * number), [SUBJECT]) for number in range(50)]
    answered: list[datetime] = []

    def close_at_the_twentieth() -> None:
        answered.append(world.clock.now())
        if len(answered) == 20:
            event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
            world.authorisations.apply(event.key, event.message)

    world.embedder.before_answer = close_at_the_twentieth
    with pytest.raises(SearchEndedError):
        compare(world, search, *clips)
    assert len(answered) == 20


def test_an_end_after_the_last_score_still_takes_the_findings_along(
    world: World, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = world.subjects.score

    def scored_late(*asked: Any) -> list[float | None]:
        scores = score(*asked)
        world.clock.move(timedelta(hours=12))
        return scores

    monkeypatch.setattr(world.subjects, "score", scored_late)
    with pytest.raises(SearchEndedError):
        compare(world, search, clip("gate", BEFORE, [2]))


def test_a_new_model_enrols_the_subject_anew(world: World, search: Search) -> None:
    world.embedder.model = OTHER_MODEL
    (sighting,) = sightings(compare(world, search, clip("gate", BEFORE, [SUBJECT, 2])))
    assert sighting.embedder == OTHER_MODEL.to_message()
    assert {stored.model for stored in world.subjects.find(AUTHORISATION_ID)} == {MODEL, OTHER_MODEL}


def test_a_model_that_changes_between_two_answers_is_asked_again(world: World, search: Search) -> None:
    answers = iter([MODEL, OTHER_MODEL])

    def change() -> None:
        world.embedder.model = next(answers)

    world.embedder.before_answer = change
    with pytest.raises(EmbedderAwayError, match="changed"):
        compare(world, search, clip("gate", BEFORE, [SUBJECT]))


def test_no_more_crops_are_under_way_than_allowed(world: World, search: Search) -> None:
    clips = [clip("gate", BEFORE + timedelta(seconds=10 * number), [SUBJECT, 3, 4], crops=3) for number in range(10)]
    faces = [LookedAt(one, face) for one in clips for face in one.faces]
    feed = Feed(faces, window=4)
    asked: list[CropReference] = []
    taker = threading.Thread(target=lambda: asked.extend(feed))
    taker.start()
    for _ in range(100):
        threading.Event().wait(0.002)
    assert len(asked) == 4
    feed.close()
    taker.join(5)
    assert not taker.is_alive()
    assert compare(world, search, *clips).tally.faces_compared == 30


def test_a_face_unlike_the_subject_is_looked_at_once_and_one_like_it_whole(world: World, search: Search) -> None:
    findings = compare(world, search, clip("gate", BEFORE, [2, SUBJECT, 3], crops=4))
    assert findings.tally.faces_compared == 3
    of_subject = [crop for crop in world.embedder.crops_asked if crop.offset_bytes // PERSON_STRIDE == SUBJECT]
    assert len(of_subject) == 4
    assert len(world.embedder.crops_asked) == 4 + 2


def test_a_face_whose_best_crop_is_gone_is_compared_by_the_others(world: World, search: Search) -> None:
    seen = clip("gate", BEFORE, [SUBJECT], crops=3)
    world.embedder.unreadable = {seen.faces[0].crops[0].offset_bytes: int(REFUSAL_REASON_NOT_FOUND)}
    assert len(sightings(compare(world, search, seen))) == 1


def test_sightings_come_best_first_and_say_what_their_scores_are_worth(world: World, search: Search) -> None:
    clips = [clip("gate", BEFORE + timedelta(seconds=10 * number), [SUBJECT, 2], crops=1) for number in range(9)]
    findings = compare(world, search, *clips)
    found = sightings(findings)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    band = calibration_of(MODEL).bands[0]
    for one in found:
        assert one.threshold == pytest.approx(0.5)
        assert one.optional_false_match_rate == pytest.approx(band.false_match_rate(one.score), rel=1e-3)
        assert one.optional_likelihood_ratio == pytest.approx(band.likelihood_ratio(one.score), rel=1e-3)
    assert findings.tally.expected_false == pytest.approx(18 * RATE)


def test_an_embedder_that_nobody_has_calibrated_finds_nobody(world: World, search: Search) -> None:
    world.embedder.model = Model("uncalibrated", "cd" * 32)
    with pytest.raises(SearchEndedError):
        compare(world, search, clip("gate", BEFORE, [SUBJECT]))
    refusal = world.enrolment.refusal(AUTHORISATION_ID)
    assert refusal is not None
    assert refusal.reason == REFUSAL_REASON_UNCALIBRATED_MODEL


def test_the_box_is_that_of_the_pictures_frame(world: World, search: Search) -> None:
    seen = clip("gate", BEFORE, [SUBJECT])
    later = face(0, SUBJECT, BEFORE + timedelta(seconds=3), box_px=99)
    seen.faces[0].appearances.extend(later.appearances)
    del seen.faces[0].crops[:]
    seen.faces[0].crops.extend(later.crops[:1])
    (sighting,) = sightings(compare(world, search, seen))
    assert sighting.box.width_px == 99
    assert from_timestamp(sighting.last_seen_at) > from_timestamp(sighting.first_seen_at)
