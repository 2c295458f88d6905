"""A camera's own limit is never passed, whatever becomes of the camera."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.retention.limit_table import LIMITS_PREFIX
from homeward.retention.limits import CEILING, CameraLimits, UnreadableLimitsError
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from support.authorisations import NOON
from support.retention_world import DAY, HOUR, World

US = timedelta(microseconds=1)


def footage(world: World) -> set[str]:
    return {key for key in world.keys(FOOTAGE_BUCKET) if not key.startswith(LIMITS_PREFIX)}


def swept(world: World) -> set[str]:
    world.clock.move(HOUR)
    world.handler.step()
    return footage(world)


@pytest.mark.parametrize("bucket", [FOOTAGE_BUCKET, CROPS_BUCKET])
def test_a_cameras_own_limit_is_kept_to_the_microsecond_and_its_neighbours_are_left_alone(bucket: str) -> None:
    world = World()
    world.camera(retention=2 * DAY)
    world.camera("gate-2")
    world.camera("hall", retention=3 * DAY)
    kept = {
        world.put_clip(NOON - 2 * DAY, bucket=bucket),
        world.put_clip(NOON - 2 * DAY - US, "gate-2", bucket),
        world.put_clip(NOON - 3 * DAY, "hall", bucket),
        world.put_clip(NOON - 3 * DAY, "stranger", bucket),
    }
    for _ in range(2):
        world.put_clip(NOON - 2 * DAY - US, bucket=bucket)
        world.handler.step()
        world.sweeper.sweep()
        assert {key for key in world.keys(bucket) if not key.startswith(LIMITS_PREFIX)} == kept


def test_a_cameras_day_is_announced_by_its_own_prefix() -> None:
    world = World()
    world.camera(retention=DAY)
    day = NOON.replace(hour=0) - 2 * DAY
    for hour in range(24):
        world.put_clip(day + hour * HOUR)
        world.put_clip(day + hour * HOUR, "hall")
    world.handler.step()
    gone = world.events.deletions[-1]
    assert (gone.prefix, gone.objects_deleted, gone.objects_remaining) == (f"{day.date()}/gate/", 24, 0)
    late = world.put_clip(NOON - 30 * HOUR)
    swept(world)
    assert late not in footage(world)
    assert len(world.events.deletions) == 2


def test_a_day_is_told_as_gone_only_when_nothing_of_it_can_come() -> None:
    world = World()
    world.camera(retention=DAY)
    world.put_clip(NOON - DAY - HOUR)
    world.handler.step()
    world.clock.move(6 * HOUR)
    world.put_clip(NOON - DAY + HOUR)
    world.handler.step()
    ids = {one.deletion_id for one in world.events.deletions}
    assert [one.objects_remaining for one in world.events.deletions] == [0, 0]
    assert len(ids) == 2


def test_a_hold_keeps_what_a_cameras_own_limit_would_take() -> None:
    world = World()
    world.camera(retention=HOUR)
    world.hold(NOON - 5 * HOUR, NOON - 4 * HOUR, ["gate"], expires_at=NOON + 3 * HOUR)
    held = world.put_clip(NOON - 5 * HOUR)
    world.put_clip(NOON - 3 * HOUR)
    assert swept(world) == {held}
    world.clock.move(2 * HOUR)
    assert swept(world) == set()


def test_a_limit_that_is_shortened_holds_for_all_that_stands() -> None:
    world = World()
    world.camera(retention=10 * DAY)
    world.put_clip(NOON - 5 * DAY)
    assert swept(world)
    world.camera(retention=4 * DAY)
    assert not swept(world)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("longer", [None, 20 * DAY])
def test_a_limit_that_is_lengthened_holds_for_what_is_taken_from_then_on(
    longer: timedelta | None, *, restarted: bool
) -> None:
    world = World()
    world.camera(retention=2 * DAY)
    world.put_clip(NOON - HOUR)
    world.handler.step()
    world.clock.move(US)
    world.camera(retention=longer)
    later = world.put_clip(NOON + HOUR)
    if restarted:
        world.compact_cameras()
        world.restart()
    world.clock.move(2 * DAY)
    assert swept(world) == {later}
    world.clock.move(17 * DAY)
    assert swept(world) == {later}


@pytest.mark.parametrize("happening", ["nothing", "restart", "compaction while it stands still"])
def test_a_removed_camera_keeps_the_limit_that_it_had(happening: str) -> None:
    world = World()
    world.camera(retention=2 * DAY)
    world.handler.step()
    world.remove_camera()
    spooled = world.put_clip(NOON + HOUR)
    if happening != "nothing":
        if happening.startswith("compaction"):
            world.compact_cameras()
        world.restart()
    world.clock.move(2 * DAY)
    assert swept(world) == {spooled}
    assert swept(world) == set()


def test_what_was_written_down_goes_when_it_holds_for_nothing_any_more() -> None:
    world = World()
    world.camera(retention=2 * DAY)
    world.camera("hall")
    world.handler.step()
    assert world.keys(FOOTAGE_BUCKET) == {f"{LIMITS_PREFIX}gate.json"}
    # While it holds, it is younger than what the store itself would take.
    for _ in range(60):
        world.clock.move(DAY)
        world.handler.step()
        [kept] = world.store.list(FOOTAGE_BUCKET, LIMITS_PREFIX)
        assert world.clock.now() - kept.modified_at < 10 * DAY
    world.remove_camera()
    for _ in range(33):
        world.clock.move(DAY)
        world.handler.step()
    assert world.keys(FOOTAGE_BUCKET) == set()


def test_nothing_is_deleted_before_the_limits_are_written_down() -> None:
    world = World()
    world.camera(retention=DAY)
    clip = world.put_clip(NOON - 2 * DAY)
    world.store.available = False
    with pytest.raises(ObjectStoreUnavailableError):
        world.handler.step()
    world.store.available = True
    assert footage(world) == {clip}
    world.handler.step()
    assert world.keys(FOOTAGE_BUCKET) == {f"{LIMITS_PREFIX}gate.json"}


@pytest.mark.parametrize("asked", [HOUR - US, CEILING + US])
def test_a_limit_that_nobody_can_keep_changes_nothing(asked: timedelta) -> None:
    world = World()
    world.camera(retention=2 * DAY)
    world.clock.move(US)
    world.camera(retention=asked)
    kept = world.put_clip(NOON - DAY)
    world.put_clip(NOON - 3 * DAY)
    assert swept(world) == {kept}


def test_no_limit_outlives_the_ceiling() -> None:
    world = World()
    world.camera(retention=CEILING)
    world.put_clip(NOON - CEILING)
    assert swept(world) == set()
    assert world.keys(FOOTAGE_BUCKET) == set()


@pytest.mark.parametrize("data", [b"", b"{}", b'{"promises": [[1, 2]], "removed_at": null}', b"\xff"])
def test_limits_that_cannot_be_read_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableLimitsError):
        CameraLimits.from_json(data)


def test_limits_that_cannot_be_read_stop_nothing() -> None:
    world = World()
    world.store.put(FOOTAGE_BUCKET, f"{LIMITS_PREFIX}gate.json", b"?")
    world.camera(retention=DAY)
    world.put_clip(NOON - 2 * DAY)
    assert swept(world) == set()


_HAPPENINGS: dict[str, Callable[[World], None]] = {
    "an hour": lambda world: world.camera(retention=HOUR),
    "a day": lambda world: world.camera(retention=DAY),
    "three days": lambda world: world.camera(retention=3 * DAY),
    "thirty days": lambda world: world.camera(),
    "removed": lambda world: world.remove_camera(),
    "compacted": lambda world: world.compact_cameras(),
    "restart": lambda world: world.restart(),
    "wait": lambda world: world.clock.move(7 * HOUR),
}


@settings(max_examples=60, deadline=None)
@given(happenings=st.lists(st.sampled_from(sorted(_HAPPENINGS)), max_size=20))
def test_no_clip_outlives_any_limit_that_was_in_force_since_it_was_taken(happenings: list[str]) -> None:
    world = World()
    in_force = CEILING
    limits: dict[str, timedelta] = {}
    taken = {}
    for happening in happenings:
        world.clock.move(US)
        _HAPPENINGS[happening](world)
        told = {"an hour": HOUR, "a day": DAY, "three days": 3 * DAY, "thirty days": CEILING}.get(happening)
        in_force = told or in_force
        limits = {key: min(limit, in_force) for key, limit in limits.items()}
        # What a step sees survives; what nobody ever saw cannot.
        world.handler.step()
        world.clock.move(timedelta(minutes=61))
        key = world.put_clip(world.clock.now())
        taken[key], limits[key] = world.clock.now(), in_force
        world.handler.step()
        stands = footage(world)
        now = world.clock.now()
        for clip, at in taken.items():
            assert (clip in stands) == (now - at <= limits[clip])
