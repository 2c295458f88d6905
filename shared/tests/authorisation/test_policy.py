"""The two-person rule, urgency and the ceilings."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.authorisation import AuthorisationDeniedError, Claims, DenialCode, Purpose, Rank, issue
from homeward.shared.authorisation.caveats import CamerasCaveat, UrgentCaveat
from homeward.shared.authorisation.ceilings import LIVE_SEARCHES_DEFAULT, LIVE_SEARCHES_MAX, TOKEN_MAX_BYTES
from homeward.shared.authorisation.decisions import Denial
from homeward.shared.authorisation.policy import Official, Request, decide
from support.authorisations import AUTHORISATION_ID, NOON, OFFICER, SUPERVISOR, Authority, claims_for, request

HOUR = timedelta(hours=1)


def _code(decision: Claims | Denial) -> DenialCode | None:
    return decision.code if isinstance(decision, Denial) else None


def _decide(asked: Request, *approvers: Official, open_searches: int = 0) -> Claims | Denial:
    return decide(asked, approvers, now=NOON, open_searches=open_searches)


def test_two_people_may() -> None:
    assert isinstance(_decide(request(), SUPERVISOR), Claims)


def test_one_person_may_not() -> None:
    assert _code(_decide(request())) is DenialCode.APPROVAL
    assert _code(_decide(request(requester=SUPERVISOR), SUPERVISOR)) is DenialCode.APPROVAL
    assert _code(_decide(request(), SUPERVISOR, OFFICER)) is DenialCode.APPROVAL


@pytest.mark.parametrize("purpose", [Purpose.SUBJECT_ACCESS, Purpose.MISSING_PERSON, Purpose.INCIDENT])
def test_the_approver_holds_the_rank(purpose: Purpose) -> None:
    asked = request(purpose=purpose, photos=0 if purpose is Purpose.INCIDENT else 1)
    assert _code(_decide(asked, Official("officer-2", Rank.OFFICER))) is DenialCode.APPROVAL
    assert isinstance(_decide(asked, Official("officer-2", Rank.COMMANDER)), Claims)


def test_one_signature_carries_an_urgent_search_until_its_deadline() -> None:
    claims = _decide(request(urgent_for=HOUR))
    assert isinstance(claims, Claims)
    assert claims.expires_at == NOON + HOUR
    assert claims.caveat(UrgentCaveat).deadline == NOON + HOUR


def test_a_second_signature_turns_urgency_into_an_approval() -> None:
    authority = Authority()
    token = authority.token(request(urgent_for=HOUR), SUPERVISOR)
    verified = authority.verifier.verify(token)
    assert verified.expires_at == NOON + 12 * HOUR
    assert not verified.urgent


@pytest.mark.parametrize("purpose", [Purpose.SUBJECT_ACCESS, Purpose.INCIDENT])
def test_only_a_missing_person_is_urgent(purpose: Purpose) -> None:
    asked = request(purpose=purpose, photos=0 if purpose is Purpose.INCIDENT else 1, urgent_for=HOUR)
    assert _code(_decide(asked)) is DenialCode.APPROVAL


def test_urgency_ends_within_a_day() -> None:
    assert isinstance(_decide(request(urgent_for=24 * HOUR, lifetime=72 * HOUR)), Claims)
    asked = request(urgent_for=24 * HOUR + timedelta(seconds=1), lifetime=72 * HOUR)
    assert _code(_decide(asked)) is DenialCode.APPROVAL
    assert _code(_decide(request(urgent_for=timedelta(0)))) is not None


def test_no_authorisation_outlives_72_hours() -> None:
    assert isinstance(_decide(request(lifetime=72 * HOUR), SUPERVISOR), Claims)
    assert _code(_decide(request(lifetime=72 * HOUR + timedelta(seconds=1)), SUPERVISOR)) is DenialCode.LIFETIME


def test_an_urgent_token_cannot_be_signed_beyond_its_deadline() -> None:
    claims = _decide(request(urgent_for=HOUR))
    assert isinstance(claims, Claims)
    wider = Claims(claims.authorisation_id, claims.issued_at, claims.not_before, NOON + 12 * HOUR, claims.caveats)
    with pytest.raises(AuthorisationDeniedError) as caught:
        issue(wider, Authority().key)
    assert caught.value.denial.code is DenialCode.APPROVAL


def test_few_searches_at_once() -> None:
    assert isinstance(_decide(request(), SUPERVISOR, open_searches=LIVE_SEARCHES_DEFAULT - 1), Claims)
    assert _code(_decide(request(), SUPERVISOR, open_searches=LIVE_SEARCHES_DEFAULT)) is DenialCode.LIVE_SEARCHES
    incident = request(purpose=Purpose.INCIDENT, photos=0)
    assert isinstance(_decide(incident, SUPERVISOR, open_searches=LIVE_SEARCHES_DEFAULT), Claims)


@pytest.mark.parametrize("limit", [0, -1, LIVE_SEARCHES_MAX + 1, 10**6])
def test_no_operator_raises_the_ceiling_of_searches(limit: int) -> None:
    decision = decide(request(), [SUPERVISOR], now=NOON, open_searches=0, search_limit=limit)
    assert _code(decision) is DenialCode.LIVE_SEARCHES


def test_a_face_search_has_one_to_five_photos_and_an_incident_none() -> None:
    assert isinstance(_decide(request(photos=5), SUPERVISOR), Claims)
    assert _code(_decide(request(photos=6), SUPERVISOR)) is DenialCode.SUBJECT
    assert _code(_decide(request(photos=0), SUPERVISOR)) is DenialCode.MISSING_CAVEAT
    assert _code(_decide(request(purpose=Purpose.INCIDENT), SUPERVISOR)) is DenialCode.SUBJECT


def test_an_official_is_an_opaque_id() -> None:
    assert _code(_decide(request(requester=Official("A Name", Rank.OFFICER)), SUPERVISOR)) is DenialCode.BAD_CAVEAT


def test_a_naive_time_is_refused() -> None:
    window = (NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + HOUR)
    assert _code(_decide(request(window=window), SUPERVISOR)) is DenialCode.BAD_CAVEAT


def test_the_widest_authorisation_makes_a_token_that_is_read() -> None:
    authority = Authority()
    cameras = [f"{index:03}{'c' * 60}" for index in range(500)]
    token = authority.token(request(camera_ids=cameras, photos=5, lifetime=72 * HOUR))
    assert len(token) <= TOKEN_MAX_BYTES
    assert len(authority.verifier.verify(token).camera_ids) == 500


@given(
    lifetime=st.timedeltas(timedelta(hours=-2), timedelta(hours=200)),
    urgent_for=st.none() | st.timedeltas(timedelta(hours=-2), timedelta(hours=100)),
    approved=st.booleans(),
    rank=st.sampled_from(list(Rank)),
    purpose=st.sampled_from(list(Purpose)),
    photos=st.integers(0, 8),
    window_ends=st.timedeltas(timedelta(hours=-10), timedelta(hours=200)),
    cameras=st.lists(st.sampled_from(["gate", "hall", "yard", "-", ""]), max_size=6),
)
def test_whatever_is_granted_keeps_every_ceiling(
    *,
    lifetime: timedelta,
    urgent_for: timedelta | None,
    approved: bool,
    rank: Rank,
    purpose: Purpose,
    photos: int,
    window_ends: timedelta,
    cameras: list[str],
) -> None:
    asked = request(
        purpose=purpose,
        camera_ids=cameras,
        window=(NOON - 5 * HOUR, NOON + window_ends),
        photos=photos,
        lifetime=lifetime,
        urgent_for=urgent_for,
    )
    claims = _decide(asked, *([Official("approver", rank)] if approved else []))
    if isinstance(claims, Denial):
        return
    assert claims.expires_at - NOON <= 72 * HOUR
    assert approved or (purpose is Purpose.MISSING_PERSON and claims.expires_at - NOON <= 24 * HOUR)
    assert not approved or rank is not Rank.OFFICER
    assert (photos == 0) is (purpose is Purpose.INCIDENT)
    assert photos <= 5
    assert claims.caveat(CamerasCaveat).camera_ids == tuple(cameras)
    authority = Authority()
    verified = authority.verifier.verify(issue(claims, authority.key))
    assert verified.window_ends_at <= verified.expires_at
    assert verified.claims == claims
    assert verified.authorisation_id == AUTHORISATION_ID


def test_claims_survive_the_token_exactly() -> None:
    authority = Authority()
    claims = claims_for(request(photos=3))
    assert authority.verifier.read(issue(claims, authority.key)) == claims
