"""Footage and crops past their time go, and nothing else does."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.retention.sweep import MARKER
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.runtime.producer import DeliveryError
from homewardapi.deletion.v1.deletion_pb2 import DeletedStore, DeletionReason
from homewardapi.hold.v1.hold_pb2 import HoldState
from support.authorisations import NOON
from support.retention_world import DAY, HOUR, World

OLD = NOON - 40 * DAY
US = timedelta(microseconds=1)


def test_thirty_days_are_kept_to_the_microsecond() -> None:
    world = World()
    kept = world.put_clip(NOON - 30 * DAY)
    world.put_clip(NOON - 30 * DAY - US, "hall")
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == {kept}
    world.clock.move(US)
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == set()


@pytest.mark.parametrize("bucket", [FOOTAGE_BUCKET, CROPS_BUCKET])
def test_a_day_that_is_gone_is_announced_by_listing(bucket: str) -> None:
    world = World()
    for minute in range(3):
        world.put_clip(OLD + minute * timedelta(minutes=1), bucket=bucket)
    world.sweeper.sweep()
    [deletion] = world.events.deletions
    assert deletion.reason == DeletionReason.DELETION_REASON_RETENTION
    footage = bucket == FOOTAGE_BUCKET
    assert deletion.store == (DeletedStore.DELETED_STORE_FOOTAGE if footage else DeletedStore.DELETED_STORE_CROPS)
    assert deletion.prefix == f"{OLD.date()}/"
    assert (deletion.objects_deleted, deletion.bytes_deleted, deletion.objects_remaining) == (3, 24, 0)


def test_a_day_goes_in_parts_and_each_part_is_announced_once() -> None:
    world = World()
    for hour in range(24):
        world.put_clip(NOON.replace(hour=0) - 30 * DAY + hour * HOUR)
    world.sweeper.sweep()
    world.sweeper.sweep()
    assert [(one.objects_deleted, one.objects_remaining) for one in world.events.deletions] == [(12, 12)]
    world.clock.move(13 * HOUR)
    world.sweeper.sweep()
    assert [(one.objects_deleted, one.objects_remaining) for one in world.events.deletions] == [(12, 12), (12, 0)]
    assert len({one.deletion_id for one in world.events.deletions}) == 2


def test_nothing_due_is_nothing_to_announce() -> None:
    world = World()
    world.put_clip(NOON)
    world.put_clip(NOON - 30 * DAY + HOUR)
    world.sweeper.sweep()
    assert world.events.deletions == []
    assert len(world.keys(FOOTAGE_BUCKET)) == 2


def test_a_hold_keeps_its_cameras_and_window() -> None:
    world = World()
    world.hold(OLD, OLD + HOUR, ["gate"])
    held = {world.put_clip(OLD), world.put_clip(OLD + HOUR - US), world.put_clip(OLD - timedelta(seconds=119))}
    world.put_clip(OLD, "hall")
    world.put_clip(OLD + HOUR)
    world.put_clip(OLD - timedelta(seconds=120))
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == held
    assert world.events.deletions[-1].objects_remaining == 3


@pytest.mark.parametrize("end", ["expires", "is released", "is removed"])
def test_a_hold_that_ends_keeps_nothing(end: str) -> None:
    world = World()
    world.put_clip(OLD)
    world.hold(OLD, OLD + HOUR, expires_at=NOON + HOUR)
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET)
    if end == "expires":
        world.clock.move(HOUR)
    elif end == "is released":
        world.hold(OLD, OLD + HOUR, state=HoldState.HOLD_STATE_RELEASED)
    else:
        world.hold_table.apply("5c7c8a0e-4d0c-4a5b-8a53-0f6f5b8a1f10", None)
    world.sweeper.sweep()
    assert not world.keys(FOOTAGE_BUCKET)


def test_what_is_no_clip_goes_with_its_day_or_by_its_age() -> None:
    world = World()
    world.store.put(FOOTAGE_BUCKET, f"{OLD.date()}/gate/stray.tmp", b"x")
    world.store.put(FOOTAGE_BUCKET, f"{NOON.date()}/gate/stray.tmp", b"x")
    world.store.put(FOOTAGE_BUCKET, "lost/found", b"x")
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == {f"{NOON.date()}/gate/stray.tmp", "lost/found"}
    world.clock.move(32 * DAY)
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == set()


def test_a_deletion_that_a_crash_left_unannounced_is_announced_by_the_next_sweep() -> None:
    world = World()
    world.put_clip(OLD)
    world.events.available = False
    with pytest.raises(DeliveryError):
        world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == {f"{OLD.date()}/{MARKER}"}
    world.restart()
    world.events.available = True
    world.sweeper.sweep()
    [deletion] = world.events.deletions
    assert (deletion.prefix, deletion.objects_remaining) == (f"{OLD.date()}/", 0)
    assert world.keys(FOOTAGE_BUCKET) == set()
    world.sweeper.sweep()
    assert len(world.events.deletions) == 1


def test_a_store_that_is_away_is_no_deletion() -> None:
    world = World()
    world.put_clip(OLD)
    world.store.available = False
    with pytest.raises(ObjectStoreUnavailableError):
        world.sweeper.sweep()
    assert world.events.deletions == []
    world.store.available = True
    world.sweeper.sweep()
    assert [one.objects_deleted for one in world.events.deletions] == [1]


_AGES = st.timedeltas(timedelta(days=25), timedelta(days=36))
_CAMERAS = st.sampled_from(["gate", "hall"])
_HOLDS = st.tuples(_AGES, st.timedeltas(timedelta(0), timedelta(days=4)), st.sets(_CAMERAS))


@given(clips=st.lists(st.tuples(_CAMERAS, _AGES), max_size=12), holds=st.lists(_HOLDS, max_size=3))
def test_nothing_held_or_young_goes_and_nothing_old_unheld_stays(
    clips: list[tuple[str, timedelta]], holds: list[tuple[timedelta, timedelta, set[str]]]
) -> None:
    world = World()
    windows = []
    for number, (age, length, cameras) in enumerate(holds):
        world.hold(NOON - age, NOON - age + length, sorted(cameras), hold_id=str(number))
        windows.append((NOON - age, NOON - age + length, cameras))
    taken: dict[str, tuple[str, datetime]] = {}
    for camera, age in clips:
        taken[world.put_clip(NOON - age, camera)] = (camera, NOON - age)
    world.sweeper.sweep()
    left = world.keys(FOOTAGE_BUCKET)
    for key, (camera, at) in taken.items():
        surely_held = any(camera in cameras and start <= at < end for start, end, cameras in windows)
        maybe_held = any(
            camera in cameras and start - timedelta(minutes=2) < at < end for start, end, cameras in windows
        )
        if at >= NOON - timedelta(days=30) or surely_held:
            assert key in left
        elif not maybe_held:
            assert key not in left
    assert left <= set(taken)
    for deletion in world.events.deletions:
        assert deletion.objects_remaining == len([key for key in left if key.startswith(deletion.prefix)])


@given(
    clips=st.lists(st.timedeltas(timedelta(days=28), timedelta(days=33)), min_size=1, max_size=8, unique=True),
    failures=st.lists(st.sampled_from(["store", "events", "restart", "time"]), max_size=6),
)
def test_whatever_fails_on_the_way_every_old_clip_goes_and_every_gone_day_is_announced(
    clips: list[timedelta], failures: list[str]
) -> None:
    world = World()
    for age in clips:
        world.put_clip(NOON - age)
    for failure in failures:
        world.store.available = failure != "store"
        world.events.available = failure != "events"
        if failure == "restart":
            world.restart()
        if failure == "time":
            world.clock.move(HOUR)
        try:
            world.sweeper.sweep()
        except (ObjectStoreUnavailableError, DeliveryError):
            continue
    world.store.available = world.events.available = True
    world.clock.move(10 * DAY)
    world.sweeper.sweep()
    assert world.keys(FOOTAGE_BUCKET) == set()
    gone = {one.prefix for one in world.events.deletions if one.objects_remaining == 0}
    assert gone == {f"{(NOON - age).date()}/" for age in clips}
