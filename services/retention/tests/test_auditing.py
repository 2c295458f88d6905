"""What is deleted is recorded first; what cannot be recorded is not deleted."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET
from homewardapi.audit.v1 import audit_pb2
from support.authorisations import AUTHORISATION_ID, NOON
from support.retention_world import DAY, HOUR, World

OLD = NOON - 40 * DAY


def watched(world: World, look: Callable[[], object]) -> list[tuple[str | None, object]]:
    """Note with each record what `look` saw when it was told."""
    seen: list[tuple[str | None, object]] = []
    record = world.audit.record

    def recording(*entries: Entry) -> None:
        record(*entries)
        seen.extend((entry.code, look()) for entry in entries)

    world.audit.record = recording  # type: ignore[method-assign]
    return seen


def test_a_day_is_recorded_before_it_goes_and_when_it_is_gone() -> None:
    world = World()
    for minute in range(3):
        world.put_clip(OLD + minute * timedelta(minutes=1))
    seen = watched(world, lambda: len(world.keys(FOOTAGE_BUCKET)))
    world.sweeper.sweep()
    assert seen == [("footage_due", 3), ("footage_gone", 0)]
    due, gone = world.audit.entries
    assert due.action == gone.action == audit_pb2.AUDIT_ACTION_DELETED
    assert due.day == gone.day == OLD.date().isoformat()
    assert (due.objects, gone.objects) == (None, 3)
    assert due.actor_id == "homeward/retention"


def test_a_day_that_cannot_be_recorded_stays() -> None:
    world = World()
    kept = {world.put_clip(OLD), world.put_clip(OLD + HOUR)}
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == kept
    assert world.events.deletions == []
    world.audit.away = False
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == set()


def test_nothing_due_is_nothing_to_record() -> None:
    world = World()
    world.put_clip(NOON)
    world.sweeper.sweep()
    assert world.audit.entries == []


def test_a_day_of_many_cameras_with_limits_of_their_own_is_recorded_once() -> None:
    world = World()
    for number in range(5):
        world.camera(f"camera-{number}", timedelta(hours=1))
        world.put_clip(NOON - 3 * HOUR, f"camera-{number}")
        world.put_clip(NOON - 3 * HOUR, f"camera-{number}", CROPS_BUCKET)
    world.clock.move(HOUR)
    world.handler.step()
    sweeping = [entry for entry in world.audit.entries if entry.day is not None]
    assert [(entry.code, entry.objects) for entry in sweeping] == [
        ("footage_due", None),
        ("footage_gone", 5),
        ("crops_due", None),
        ("crops_gone", 5),
    ]


def ended(world: World) -> None:
    world.open(AUTHORISATION_ID)
    world.close(AUTHORISATION_ID)


def test_a_subject_is_recorded_before_anything_of_it_goes() -> None:
    world = World()
    ended(world)
    seen = watched(world, lambda: (len(world.keys(SUBJECTS_BUCKET)), world.templates.counts.get(AUTHORISATION_ID, 0)))
    world.handler.step()
    assert seen == [
        ("subjects_due", (1, 1)),
        ("subjects_gone", (0, 1)),
        ("templates_due", (0, 1)),
        ("templates_gone", (0, 0)),
    ]
    assert {entry.authorisation_id for entry in world.audit.entries} == {AUTHORISATION_ID}
    assert [entry.objects for entry in world.audit.entries] == [1, 1, None, 1]


def test_a_subject_whose_wiping_cannot_be_recorded_waits() -> None:
    world = World()
    ended(world)
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.handler.step()
    assert world.keys(SUBJECTS_BUCKET)
    assert world.templates.asked == []
    assert world.events.deletions == []
    world.audit.away = False
    world.handler.step()
    assert not world.keys(SUBJECTS_BUCKET)
    assert world.templates.counts == {}
    assert len(world.events.deletions) == 2


def test_photos_that_stay_are_recorded_so() -> None:
    world = World()
    ended(world)
    world.templates.stuck = 1
    world.handler.step()
    assert world.audit.codes[-1] == "templates_left"


def test_a_restart_tells_the_same_again() -> None:
    world = World()
    ended(world)
    world.handler.step()
    world.restart()
    before = len(world.audit.entries)
    world.clock.move(HOUR)
    world.handler.step()
    again = world.audit.entries[before:]
    assert [entry.code for entry in again] == ["subjects_gone", "templates_due", "templates_gone"]
    # One that says that something was deleted is another record; these are told under the same ids each time.
    assert all(entry.nonce is not None for entry in again)
