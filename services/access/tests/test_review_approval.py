"""Requests and review together: who decides on a search is nobody who judges its sightings, in whatever order."""

from dataclasses import replace

import pytest

from homeward.access.cases.model import Approval, RequestState
from homeward.access.errors import ConflictError, ForbiddenError
from homeward.access.people.principal import Role
from homeward.access.review.folding import Folding
from homeward.access.review.requests import RequestCases
from homeward.access.review.usecases import ReviewUseCases
from homeward.access.review.verdict import Answer, Standing
from homeward.shared.objectkeys import CROPS_BUCKET
from homewardapi.audit.v1 import audit_pb2
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.access_cases import COMMANDER, OFFICER, REASON, CasesWorld, missing
from support.access_review import crop_bytes, reviewer, sighting
from support.access_world import NOON

ADA, BEN = reviewer("ada"), reviewer("ben")
BOTH = replace(COMMANDER, roles=COMMANDER.roles | {Role.REVIEWER})


class Joined:
    """An urgent search that runs on one signature, with one sighting."""

    def __init__(self) -> None:
        self.world = CasesWorld()
        self.world.store.ensure_bucket(CROPS_BUCKET)
        self.request_id = self.world.ask(replace(missing(NOON), urgent=True)).request_id
        self.world.cases.start(OFFICER, self.request_id)
        cases = RequestCases()
        world = self.world
        self.review = ReviewUseCases.of(world.database, cases, world.audit, world.clock, world.store)
        camera = self.world.view(self.request_id).camera_ids[0]
        event = sighting(request_id=self.request_id, camera_id=camera)
        assert isinstance(event.message, Sighting)
        world.store.put(CROPS_BUCKET, event.message.crops_key, b"".join(crop_bytes(number) for number in range(3)))
        Folding(world.database, cases).handle(event)
        self.sighting_id = event.message.sighting_id


@pytest.fixture
def joined() -> Joined:
    return Joined()


def test_a_search_on_one_signature_is_reviewed_and_shows_photo_and_crop(joined: Joined) -> None:
    (search,) = joined.review.review.searches(ADA)
    assert (search.request_id, search.photos, search.asked) == (joined.request_id, 1, 1)
    assert joined.review.pictures.photo(ADA, joined.request_id, 0).startswith(b"\xff\xd8\xff")
    assert joined.review.pictures.crop(ADA, joined.sighting_id, 0) == crop_bytes(0)
    joined.review.answering.answer(ADA, joined.sighting_id, Answer.YES)
    decided = joined.review.answering.answer(BEN, joined.sighting_id, Answer.YES)
    assert decided.standing is Standing.CONFIRMED
    assert len(joined.review.results.outcome(OFFICER, joined.request_id).confirmed) == 1


def test_whoever_reviewed_an_urgent_search_cannot_approve_it(joined: Joined) -> None:
    joined.review.answering.answer(BOTH, joined.sighting_id, Answer.YES)
    with pytest.raises(ForbiddenError) as refused:
        joined.world.cases.approve(BOTH, joined.request_id, Approval(REASON))
    assert refused.value.code == "reviewed"
    assert joined.world.state(joined.request_id) is RequestState.OPEN_URGENT
    assert joined.world.audit.entries[-2].outcome == audit_pb2.AUDIT_OUTCOME_DENIED


def test_whoever_approved_a_search_cannot_review_it(joined: Joined) -> None:
    joined.world.cases.approve(BOTH, joined.request_id, Approval(REASON))
    with pytest.raises(ForbiddenError) as refused:
        joined.review.answering.answer(BOTH, joined.sighting_id, Answer.YES)
    assert refused.value.code == "own_case"


def test_a_search_that_is_stopped_shows_no_picture_and_takes_no_answer(joined: Joined) -> None:
    joined.world.cases.stop(OFFICER, joined.request_id, REASON)
    for attempt in (
        lambda: joined.review.pictures.photo(ADA, joined.request_id, 0),
        lambda: joined.review.pictures.crop(ADA, joined.sighting_id, 0),
        lambda: joined.review.answering.answer(ADA, joined.sighting_id, Answer.YES),
    ):
        with pytest.raises(ConflictError) as refused:
            attempt()
        assert refused.value.code == "ended"
