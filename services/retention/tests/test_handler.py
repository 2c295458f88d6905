"""What an ended authorisation left behind goes, whatever is away on the way."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.retention.handler import ORPHAN_GRACE
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason
from homewardapi.deletion.v1.deletion_pb2 import DeletedStore, DeletionReason
from support.authorisations import AUTHORISATION_ID, NOON, Authority, request
from support.retention_world import DAY, HOUR, World

OTHER_ID = "7f0c1a52-5a3e-4f4e-9d0b-0c5b7c6a9e10"
SUBJECTS = DeletedStore.DELETED_STORE_SUBJECTS
TEMPLATES = DeletedStore.DELETED_STORE_TEMPLATES


def _stores(world: World) -> list[int]:
    return [deletion.store for deletion in world.events.deletions]


def _nothing_left(world: World, authorisation_id: str = AUTHORISATION_ID) -> bool:
    photos = [key for key in world.keys(SUBJECTS_BUCKET) if key.startswith(authorisation_id)]
    return not photos and authorisation_id not in world.templates.counts


def test_an_open_authorisation_keeps_its_photos_and_templates() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.clock.move(12 * HOUR - timedelta(seconds=1))
    world.handler.step()
    assert not _nothing_left(world)
    assert world.events.sent == []


def test_closing_wipes_photos_and_templates_and_says_so() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.open(OTHER_ID)
    world.close(AUTHORISATION_ID)
    world.handler.step()
    assert _nothing_left(world)
    assert not _nothing_left(world, OTHER_ID)
    assert _stores(world) == [SUBJECTS, TEMPLATES]
    for deletion in world.events.deletions:
        assert deletion.prefix == AUTHORISATION_ID
        assert (deletion.objects_deleted, deletion.objects_remaining) == (1, 0)
        assert deletion.reason == DeletionReason.DELETION_REASON_AUTHORISATION_CLOSED
    assert world.events.of(AUTHORISATIONS) == []


def test_running_out_closes_then_wipes() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.clock.move(12 * HOUR)
    world.handler.step()
    assert _nothing_left(world)
    assert world.events.sent[0].topic is AUTHORISATIONS
    [state] = world.events.of(AUTHORISATIONS)
    assert isinstance(state, Authorisation)
    assert state.state == AuthorisationState.AUTHORISATION_STATE_CLOSED
    assert state.optional_close_reason == CloseReason.CLOSE_REASON_EXPIRED
    assert not state.HasField("optional_token")
    assert {one.reason for one in world.events.deletions} == {DeletionReason.DELETION_REASON_AUTHORISATION_EXPIRED}


def test_what_was_said_is_not_said_again() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.clock.move(12 * HOUR)
    for _ in range(3):
        world.handler.step()
        world.read_back()
        world.clock.move(2 * HOUR)
    assert len(world.events.of(AUTHORISATIONS)) == 1
    assert _stores(world) == [SUBJECTS, TEMPLATES]


def test_a_start_says_it_again_under_the_same_ids_and_only_for_a_week() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.close(AUTHORISATION_ID)
    world.handler.step()
    world.restart()
    world.handler.step()
    assert len(world.events.deletions) == 4
    assert len({one.deletion_id for one in world.events.deletions}) == 2
    world.clock.move(7 * DAY)
    world.restart()
    world.handler.step()
    assert len(world.events.deletions) == 4


def test_templates_wait_for_matching_and_photos_do_not() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.close(AUTHORISATION_ID)
    world.templates.available = False
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET) == set()
    assert _stores(world) == [SUBJECTS]
    assert world.registry.get_sample_value("homeward_retention_wipes_pending") == 1
    world.templates.available = True
    world.restart()
    world.handler.step()
    assert _nothing_left(world)
    assert _stores(world).count(TEMPLATES) == 1
    assert world.registry.get_sample_value("homeward_retention_wipes_pending") == 0


def test_templates_that_stay_are_asked_for_again_but_not_without_pause() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.close(AUTHORISATION_ID)
    world.templates.stuck = 1
    world.handler.step()
    world.handler.step()
    assert world.templates.asked == [AUTHORISATION_ID]
    world.clock.move(timedelta(seconds=31))
    world.templates.stuck = 0
    world.handler.step()
    assert world.templates.asked == [AUTHORISATION_ID] * 2
    assert [one.objects_remaining for one in world.events.deletions if one.store == TEMPLATES] == [1, 0]


def test_one_that_cannot_be_wiped_does_not_keep_the_next() -> None:
    world = World()
    for name in (AUTHORISATION_ID, OTHER_ID):
        world.open(name)
        world.close(name)
    world.templates.available = False
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET) == set()


def test_a_removed_authorisation_is_wiped() -> None:
    world = World()
    world.open(AUTHORISATION_ID)
    world.announce(AUTHORISATION_ID, None)
    world.handler.step()
    assert _nothing_left(world)


def test_a_second_signature_lengthens_what_one_began() -> None:
    world = World()
    window = (NOON - HOUR, NOON + HOUR)
    asked = request(window=window, urgent_for=HOUR)
    world.put_photos(AUTHORISATION_ID)
    world.open_with(AUTHORISATION_ID, world.authority.token(asked))
    world.clock.move(HOUR / 2)
    world.open_with(AUTHORISATION_ID, world.authority.token(request(window=window)))
    world.clock.move(HOUR)
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET)
    assert world.events.sent == []


def test_without_a_second_signature_it_stops_and_purges() -> None:
    world = World()
    asked = request(window=(NOON - HOUR, NOON + HOUR), urgent_for=HOUR)
    world.put_photos(AUTHORISATION_ID)
    world.open_with(AUTHORISATION_ID, world.authority.token(asked))
    world.clock.move(HOUR)
    world.handler.step()
    assert _nothing_left(world)
    assert len(world.events.of(AUTHORISATIONS)) == 1


def test_a_closed_authorisation_is_not_opened_by_its_old_token() -> None:
    world = World()
    token = world.open(AUTHORISATION_ID)
    world.clock.move(HOUR)
    world.close(AUTHORISATION_ID)
    world.handler.step()
    world.open_with(AUTHORISATION_ID, token)
    world.put_photos(AUTHORISATION_ID)
    world.clock.move(2 * HOUR)
    world.handler.step()
    assert _nothing_left(world)


def test_photos_that_no_authorisation_names_are_wiped_after_their_grace() -> None:
    world = World()
    world.handler.step()
    world.clock.move(timedelta(minutes=50))
    world.put_photos(AUTHORISATION_ID)
    world.clock.move(timedelta(minutes=10))
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET)
    world.clock.move(HOUR)
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET) == set()
    assert _stores(world) == [SUBJECTS]


def test_a_token_by_an_unknown_key_keeps_nothing_once_the_grace_of_a_start_is_over() -> None:
    world = World()
    stranger = Authority(world.clock)
    world.put_photos(AUTHORISATION_ID)
    world.clock.move(HOUR)
    world.open_with(AUTHORISATION_ID, stranger.token())
    world.restart()
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET)
    world.clock.move(HOUR)
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET) == set()


def test_a_token_for_another_authorisation_keeps_nothing() -> None:
    world = World()
    world.put_photos(OTHER_ID)
    world.open_with(OTHER_ID, world.authority.token())
    world.clock.move(HOUR)
    world.handler.step()
    assert world.keys(SUBJECTS_BUCKET) == set()
    assert timedelta(0) < ORPHAN_GRACE < HOUR


def test_the_first_step_sweeps_and_then_each_hour_does() -> None:
    world = World()
    world.put_clip(NOON - 31 * DAY)
    world.handler.step()
    assert world.keys(FOOTAGE_BUCKET) == set()
    world.put_clip(NOON - 31 * DAY)
    world.clock.move(HOUR - timedelta(seconds=1))
    world.handler.step()
    assert world.keys(FOOTAGE_BUCKET)
    world.clock.move(timedelta(seconds=1))
    world.handler.step()
    assert world.keys(FOOTAGE_BUCKET) == set()


def test_a_failed_sweep_is_taken_up_at_the_next_step() -> None:
    world = World()
    world.put_clip(NOON - 31 * DAY, bucket=CROPS_BUCKET)
    world.events.available = False
    with pytest.raises(DeliveryError):
        world.handler.step()
    world.events.available = True
    world.handler.step()
    assert world.keys(CROPS_BUCKET) == set()
    assert len(world.events.deletions) == 1


def _open_another(world: World, names: list[str]) -> None:
    if world.store.available:
        names.append(str(uuid4()))
        world.open(names[-1], lifetime=2 * HOUR)


def _step(world: World, _: list[str]) -> None:
    with suppress(ObjectStoreUnavailableError, DeliveryError):
        world.handler.step()


def _end(close: Callable[[World, str], None]) -> Callable[[World, list[str]], None]:
    return lambda world, names: close(world, names[-1]) if names else None


def _toggle(of: Callable[[World], Any]) -> Callable[[World, list[str]], None]:
    return lambda world, _: setattr(of(world), "available", not of(world).available)


_HAPPENINGS: dict[str, Callable[[World, list[str]], None]] = {
    "open": _open_another,
    "close": _end(lambda world, name: world.close(name)),
    "remove": _end(lambda world, name: world.announce(name, None)),
    "an hour": lambda world, _: world.clock.move(HOUR),
    "a minute": lambda world, _: world.clock.move(HOUR / 60),
    "step": _step,
    "restart": lambda world, _: world.restart(),
    "store": _toggle(lambda world: world.store),
    "events": _toggle(lambda world: world.events),
    "matching": _toggle(lambda world: world.templates),
}


@settings(max_examples=60)
@given(happenings=st.lists(st.sampled_from(sorted(_HAPPENINGS)), max_size=25))
def test_whatever_happens_an_ended_authorisation_leaves_nothing(happenings: list[str]) -> None:
    world = World()
    names: list[str] = []
    for happening in happenings:
        _HAPPENINGS[happening](world, names)
    world.store.available = world.events.available = world.templates.available = True
    world.clock.move(timedelta(minutes=1))
    world.handler.step()
    still_open = world.table.open_ids(world.clock.now())
    for name in names:
        assert _nothing_left(world, name) is (name not in still_open)
