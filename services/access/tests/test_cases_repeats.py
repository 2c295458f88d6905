"""A form that is sent twice makes one request, whoever or whatever sends it again."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from homeward.access.cases.repeats import request_id_of
from homeward.access.cases.tables import CaseRow, PhotoRow
from homeward.access.errors import AlreadySentError
from support.access_cases import COMMANDER, OFFICER, CasesWorld, missing, photo
from support.access_world import NOON

FORM = missing(NOON)


@pytest.fixture
def world() -> CasesWorld:
    return CasesWorld()


def kept(world: CasesWorld) -> tuple[int, int]:
    with world.database.read() as session:
        count = [session.scalar(select(func.count()).select_from(table)) for table in (CaseRow, PhotoRow)]
    return count[0] or 0, count[1] or 0


def test_the_same_form_again_is_told_what_it_made(world: CasesWorld) -> None:
    once = uuid4()
    made = world.cases.ask(OFFICER, FORM, [photo()], once)
    entries = len(world.audit.entries)
    world.clock.move(timedelta(minutes=3))
    with pytest.raises(AlreadySentError) as refused:
        world.cases.ask(OFFICER, FORM, [photo()], once)
    assert refused.value.request_id == made.request_id
    assert made.request_id in str(refused.value.reason)
    assert kept(world) == (1, 1)
    assert len(world.audit.entries) == entries


def test_what_would_be_refused_by_now_is_told_what_it_made(world: CasesWorld) -> None:
    once = uuid4()
    made = world.cases.ask(OFFICER, FORM, [photo()], once)
    world.cameras.missing.update(FORM.camera_ids)
    with pytest.raises(AlreadySentError) as refused:
        world.cases.ask(OFFICER, FORM, [photo()], once)
    assert refused.value.request_id == made.request_id


def test_a_form_that_was_changed_is_another_request(world: CasesWorld) -> None:
    # Who goes back to a form that was sent, and asks for the sister too, asks for something else.
    once = uuid4()
    world.cases.ask(OFFICER, FORM, [photo()], once)
    world.cases.ask(OFFICER, replace(FORM, case_reference="M-2026-1182"), [photo()], once)
    world.cases.ask(OFFICER, FORM, [replace(photo(), source="Father")], once)
    assert kept(world) == (3, 3)


def test_without_a_sign_every_sending_is_a_request(world: CasesWorld) -> None:
    for _ in range(2):
        world.cases.ask(OFFICER, FORM, [photo()])
    assert kept(world) == (2, 2)


def test_each_official_and_each_form_is_of_its_own() -> None:
    once = uuid4()
    ids = {
        request_id_of(OFFICER, FORM, [photo()], once),
        request_id_of(COMMANDER, FORM, [photo()], once),
        request_id_of(OFFICER, FORM, [photo()], uuid4()),
        request_id_of(OFFICER, FORM, [replace(photo(), data=photo().data + b" ")], once),
        request_id_of(OFFICER, FORM, [], once),
    }
    assert len(ids) == 5
    assert request_id_of(OFFICER, FORM, [photo()], once) in ids
