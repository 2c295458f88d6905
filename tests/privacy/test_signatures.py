"""Invariant 4: two people agree, and the one whom it serves can end it; what one signature began ends by itself."""

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from homeward.cli.access_api import AccessRefusedError
from homeward.cli.officials import Opened
from homeward.shared.authorisation import KeySet, Verifier
from homeward.shared.authorisation.ceilings import URGENT_DEFAULT
from homeward.shared.clock import SystemClock
from homeward.shared.objectkeys import SUBJECTS_BUCKET, subject_prefix
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_CLOSED, Authorisation
from support.asking import ask
from support.officials import api_of, eventually
from support.scenes import reference_photo
from support.world import World

STOPS_WITHIN = timedelta(seconds=5)
WIPED_WITHIN = timedelta(seconds=30)
REASON = "The mother came to the station."


def photo(world: World) -> bytes:
    return reference_photo(world.people[0]).read_bytes()


def opened(world: World, *, urgent: bool = False) -> Opened:
    cameras = sorted(world.scene.videos)
    issued = world.pipeline.officials.authorise(
        [photo(world)], camera_ids=cameras, starts_at=world.starts_at, ends_at=None, urgent=urgent
    )
    world.pipeline.operator.wait_templates(1, timedelta(seconds=60))
    return issued


def nothing_left(world: World, authorisation_id: str) -> bool:
    operator = world.pipeline.operator
    photos = list(operator.store.list(SUBJECTS_BUCKET, subject_prefix(authorisation_id)))
    return not photos and operator.templates_at_rest() == 0


def announced(world: World, authorisation_id: str) -> Authorisation | None:
    event = world.pipeline.operator.log.state(AUTHORISATIONS).get(authorisation_id)
    return event.message if event is not None and isinstance(event.message, Authorisation) else None


def test_nothing_is_searched_before_a_second_person_agreed(world: World) -> None:
    officials = world.pipeline.officials
    request_id = ask(officials.officer, world, [photo(world)])
    world.pipeline.stack.clock.sleep(3)
    assert nothing_left(world, request_id)
    assert announced(world, request_id) is None
    officials.supervisor.approve(request_id, REASON)
    world.pipeline.operator.wait_templates(1, timedelta(seconds=60))
    officials.stop(request_id)
    world.pipeline.operator.wait_templates(0, WIPED_WITHIN)


def test_who_asked_does_not_agree_and_who_has_not_the_rank_neither(world: World) -> None:
    officials = world.pipeline.officials
    own, other = ask(officials.supervisor, world, [photo(world)]), ask(officials.officer, world, [photo(world)])
    for api, request_id in ((officials.supervisor, own), (officials.officer, other), (officials.officer, own)):
        with pytest.raises(AccessRefusedError):
            api.approve(request_id, REASON)
        assert announced(world, request_id) is None
    officials.supervisor.stop(own, REASON)
    officials.officer.stop(other, REASON)
    assert world.pipeline.operator.templates_at_rest() == 0


def test_the_receipt_alone_tells_withdraws_stops_and_wipes(world: World) -> None:
    issued = opened(world)
    receipt = {"reference": issued.reference, "secret": issued.secret}
    with api_of(world.pipeline.stack) as public:
        assert public.post("/receipts/look", json={**receipt, "secret": receipt["secret"][::-1]}).is_client_error
        assert public.post("/receipts/look", json=receipt).json()["state"] == "open"
        assert public.post("/receipts/withdraw", json=receipt).is_success
        world.pipeline.operator.wait_templates(0, STOPS_WITHIN)
        assert public.post("/receipts/look", json=receipt).json()["state"] == "withdrawn"
    eventually(lambda: nothing_left(world, issued.authorisation_id), WIPED_WITHIN, "the photos are wiped")
    end = announced(world, issued.authorisation_id)
    assert end is not None
    assert end.state == AUTHORISATION_STATE_CLOSED
    assert not end.optional_token


def test_one_signature_carries_an_urgent_search_for_so_long_and_no_longer(world: World) -> None:
    """The token itself ends at the deadline; the deadline is then moved to now, as if the hour were over."""
    issued = opened(world, urgent=True)
    folder = world.pipeline.stack.folder
    verifier = Verifier(KeySet.from_jwks_file(folder.public_keys), SystemClock())
    granted = verifier.verify(world.pipeline.token(issued.authorisation_id))
    assert granted.urgent
    assert granted.expires_at - granted.issued_at <= URGENT_DEFAULT
    with contextlib.closing(sqlite3.connect(folder.database, timeout=30)) as database, database:
        database.execute(
            "UPDATE cases SET expires_at = ? WHERE request_id = ?",
            (f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}", issued.authorisation_id),
        )
    world.pipeline.operator.wait_templates(0, STOPS_WITHIN)
    view = world.pipeline.officials.officer.request(issued.authorisation_id)
    assert view["state"] == "expired"
    eventually(lambda: nothing_left(world, issued.authorisation_id), WIPED_WITHIN, "the photos are wiped")
    with pytest.raises(AccessRefusedError):
        world.pipeline.officials.confirm(issued.authorisation_id)
