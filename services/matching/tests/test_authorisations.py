"""Which authorisations open a search: the newest state, by the clock, and closed for good."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from homeward.matching.authorisations import Authorisations
from homeward.shared.authorisation import DenialCode, Purpose
from homeward.shared.events import Event
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_OPEN, Authorisation
from homewardapi.face.v1.face_pb2 import ClipFaces
from support.authorisations import AUTHORISATION_ID, NOON, Authority, request
from support.matching import closed, opened

OTHER_ID = "1d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41"
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def known(authority: Authority) -> Authorisations:
    return Authorisations(authority.verifier)


def tell(known: Authorisations, *events: Event) -> None:
    for event in events:
        known.apply(event.key, event.message)


def test_an_open_authorisation_lives_until_it_expires(known: Authorisations, authority: Authority) -> None:
    tell(known, opened(AUTHORISATION_ID, authority.token()))
    assert known.live(AUTHORISATION_ID) is not None
    assert [search.authorisation_id for search in known.all_live()] == [AUTHORISATION_ID]

    authority.clock.move(timedelta(hours=12) - timedelta(microseconds=1))
    assert known.live(AUTHORISATION_ID) is not None
    authority.clock.move(timedelta(microseconds=1))
    assert known.live(AUTHORISATION_ID) is None
    assert known.all_live() == []
    assert not known.ended(AUTHORISATION_ID)


def test_closed_is_final(known: Authorisations, authority: Authority) -> None:
    token = authority.token()
    tell(known, opened(AUTHORISATION_ID, token), closed(AUTHORISATION_ID, LATER))
    assert known.live(AUTHORISATION_ID) is None
    assert known.ended(AUTHORISATION_ID)

    # Whoever puts the token on the topic again opens nothing.
    tell(known, opened(AUTHORISATION_ID, token, LATER + timedelta(hours=1)))
    assert known.live(AUTHORISATION_ID) is None
    assert known.denial(AUTHORISATION_ID) is None


def test_a_removal_closes(known: Authorisations, authority: Authority) -> None:
    tell(known, opened(AUTHORISATION_ID, authority.token()))
    known.apply(AUTHORISATION_ID, None)
    assert known.ended(AUTHORISATION_ID)


def test_an_older_state_changes_nothing(known: Authorisations, authority: Authority) -> None:
    tell(known, closed(AUTHORISATION_ID, LATER), opened(AUTHORISATION_ID, authority.token()))
    assert known.live(AUTHORISATION_ID) is None


def test_a_renewal_takes_the_place_of_the_old_token(known: Authorisations, authority: Authority) -> None:
    urgent = request(urgent_for=timedelta(hours=1))
    tell(known, opened(AUTHORISATION_ID, authority.token(urgent)))
    renewed = opened(AUTHORISATION_ID, authority.token(), LATER)
    authority.clock.move(timedelta(minutes=59))
    tell(known, renewed, opened(AUTHORISATION_ID, authority.token(urgent)))
    authority.clock.move(timedelta(hours=2))
    assert known.live(AUTHORISATION_ID) is not None


def test_a_halt_lasts_until_the_authorisation_changes(known: Authorisations, authority: Authority) -> None:
    first = opened(AUTHORISATION_ID, authority.token())
    tell(known, first)
    known.halt(AUTHORISATION_ID)
    tell(known, first)
    assert known.live(AUTHORISATION_ID) is None
    assert known.ended(AUTHORISATION_ID)

    tell(known, opened(AUTHORISATION_ID, authority.token(), LATER))
    assert known.live(AUTHORISATION_ID) is not None


def test_a_halt_counts_before_the_authorisation_is_known(known: Authorisations) -> None:
    known.halt(AUTHORISATION_ID)
    assert known.knows(AUTHORISATION_ID)
    assert known.ended(AUTHORISATION_ID)


def test_an_incident_asks_for_no_search(known: Authorisations, authority: Authority) -> None:
    tell(known, opened(AUTHORISATION_ID, authority.token(request(purpose=Purpose.INCIDENT, photos=0))))
    assert known.live(AUTHORISATION_ID) is None
    assert known.denial(AUTHORISATION_ID) is None


FORGERIES: dict[DenialCode, Callable[[Authority], str]] = {
    DenialCode.BAD_SIGNATURE: lambda authority: authority.token()[:-4] + "AAAA",
    DenialCode.UNKNOWN_KEY: lambda _: Authority().token(),
    DenialCode.BAD_CLAIM: lambda authority: authority.token(request(OTHER_ID)),
}


@pytest.mark.parametrize("code", FORGERIES)
def test_what_does_not_verify_opens_nothing(known: Authorisations, authority: Authority, code: DenialCode) -> None:
    tell(known, opened(AUTHORISATION_ID, FORGERIES[code](authority)))
    assert known.live(AUTHORISATION_ID) is None
    denial = known.denial(AUTHORISATION_ID)
    assert denial is not None
    assert denial.code is code


def test_an_open_authorisation_without_a_token_opens_nothing(known: Authorisations) -> None:
    message = Authorisation(authorisation_id=AUTHORISATION_ID, state=AUTHORISATION_STATE_OPEN)
    known.apply(AUTHORISATION_ID, message)
    assert known.live(AUTHORISATION_ID) is None
    assert known.denial(AUTHORISATION_ID) is not None


def test_a_token_from_the_future_opens_when_its_time_comes(known: Authorisations, authority: Authority) -> None:
    ahead = Authority(key=authority.key)
    ahead.clock.move(timedelta(hours=1))
    event = opened(AUTHORISATION_ID, ahead.token())
    tell(known, event)
    assert known.live(AUTHORISATION_ID) is None
    authority.clock.move(timedelta(hours=2))
    tell(known, event)
    assert known.live(AUTHORISATION_ID) is not None


def test_another_message_is_a_mistake(known: Authorisations) -> None:
    with pytest.raises(TypeError):
        known.apply(AUTHORISATION_ID, ClipFaces())


def test_a_search_shows_no_token(known: Authorisations, authority: Authority) -> None:
    token = authority.token()
    tell(known, opened(AUTHORISATION_ID, token))
    assert token not in repr(known.live(AUTHORISATION_ID))
