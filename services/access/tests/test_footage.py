from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.access.database.database import Database
from homeward.access.errors import ForbiddenError, InvalidError, NotFoundError
from homeward.access.footage.cameras import CameraTable
from homeward.access.footage.footage import Footage
from homeward.access.footage.grants import FootageGate, Grants
from homeward.access.footage.runs import Coverage, RunFold
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.coverage import window_coverage
from homeward.shared.events import new_event
from homeward.shared.topics import CLIPS
from homewardapi.audit.v1 import audit_pb2
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from homewardapi.clip.v1.clip_pb2 import (
    GAP_CAUSE_RECORDER_DOWN,
    GAP_CAUSE_SOURCE_LOST,
    Clip,
    GapCause,
)
from support.access_recorded import told
from support.access_world import NOON, MovableClock, RecordedAudit, database, principal

S = timedelta(seconds=1)
H = timedelta(hours=1)
CAMERA = "north-gate"


class World:
    def __init__(self) -> None:
        self.clock = MovableClock(NOON)
        self.database: Database = database()
        self.audit = RecordedAudit()
        self.cameras = CameraTable()
        self.cameras.apply(
            CAMERA,
            Camera(camera_id=CAMERA, display_name="North gate", source=Source(url="rtsp://192.0.2.1/"), enabled=True),
        )
        self.fold = RunFold(self.database, self.clock)
        self.gate = FootageGate(self.database, self.audit, self.clock)
        self.footage = Footage(self.cameras, Coverage(self.database), self.gate, self.clock)
        self.officer = principal(Role.REQUESTER, name="officer")

    def tell(self, *clips: Clip) -> None:
        for clip in clips:
            assert self.fold.handle(new_event(CLIPS, clip.clip_id, "homeward/ingest", NOON, clip)) == []

    def give(
        self, to: Principal, *, unredacted: bool = False, request_id: str = "r", until: datetime = NOON + H
    ) -> None:
        with self.database.begin() as session:
            Grants().give(
                session,
                request_id=request_id,
                official_id=to.official_id,
                camera_ids=[CAMERA],
                starts_at=NOON - 2 * H,
                ends_at=NOON - H,
                until=until,
                unredacted=unredacted,
                now=NOON,
            )


@pytest.fixture
def world() -> World:
    return World()


def test_a_day_of_clips_is_one_stretch_and_its_gap_another(world: World) -> None:
    clips = [told(CAMERA, NOON - H + 10 * number * S, 10 * S) for number in range(360) if number not in {100, 101}]
    world.tell(*clips, told(CAMERA, NOON - H + 1000 * S, 20 * S, GAP_CAUSE_SOURCE_LOST))
    found = world.footage.coverage(world.officer, CAMERA, NOON - H, NOON)
    assert [one.length for one in found.coverage.footage] == [1000 * S, 2580 * S]
    assert [(gap.length, gap.cause) for gap in found.coverage.gaps] == [(20 * S, GAP_CAUSE_SOURCE_LOST)]
    assert found.coverage.hundredths_of_percent == 9944


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(1, 20),
            st.sampled_from([None, None, GAP_CAUSE_SOURCE_LOST, GAP_CAUSE_RECORDER_DOWN]),
            st.integers(1, 3),
        ),
        max_size=12,
    ),
    st.data(),
)
def test_what_is_folded_says_of_every_moment_what_the_log_says(
    stretches: list[tuple[int, int, GapCause.ValueType | None, int]], data: st.DataObject
) -> None:
    """Whether it is footage, a gap or untold; in any order, and however often it is told."""
    clips = [told(CAMERA, NOON - H + at * S, length * S, cause, epoch) for at, length, cause, epoch in stretches]
    world = World()
    world.tell(*data.draw(st.permutations(clips)), *clips[:3])
    since, until = NOON - H, NOON - H + 90 * S
    found = Coverage(world.database).of(CAMERA, since, until)
    expected = window_coverage(clips, since, until)
    assert found.footage == expected.footage
    assert found.untold == expected.untold
    tiled = sorted((*found.footage, *found.gaps, *found.untold), key=lambda one: one.starts_at)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(tiled))


def test_what_is_older_than_footage_lives_is_forgotten(world: World) -> None:
    world.tell(told(CAMERA, NOON - timedelta(days=29), H))
    world.clock.move(timedelta(days=3))
    world.tell(told(CAMERA, NOON + timedelta(days=3) - H, H))
    assert Coverage(world.database).of(CAMERA, NOON - timedelta(days=29), NOON).footage == ()


@pytest.mark.parametrize(
    ("since", "until"),
    [(NOON, NOON), (NOON, NOON - S), (NOON - timedelta(days=32), NOON), (NOON.replace(tzinfo=None), NOON)],
)
def test_a_window_that_is_none_is_refused_with_a_reason(world: World, since: datetime, until: datetime) -> None:
    with pytest.raises(InvalidError):
        world.footage.coverage(world.officer, CAMERA, since, until)


def test_a_camera_that_is_none_is_not_found_and_one_that_was_removed_neither(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.footage.coverage(world.officer, "yard")
    world.cameras.apply(CAMERA, None)
    with pytest.raises(NotFoundError):
        world.footage.coverage(world.officer, CAMERA)
    assert world.cameras.unknown([CAMERA]) == [CAMERA]


def test_cameras_are_found_by_words_of_name_and_id(world: World) -> None:
    assert [camera.camera_id for camera in world.footage.cameras(world.officer, "GATE north")] == [CAMERA]
    assert world.footage.cameras(world.officer, "south") == []
    assert not hasattr(world.footage.cameras(world.officer)[0], "source")


def test_without_a_grant_nothing_is_open_and_the_refusal_is_recorded(world: World) -> None:
    with pytest.raises(ForbiddenError):
        world.footage.permit(world.officer, CAMERA, NOON - 2 * H, NOON - H)
    (entry,) = world.audit.of(audit_pb2.AUDIT_ACTION_FOOTAGE_VIEWED)
    assert entry.outcome == audit_pb2.AUDIT_OUTCOME_DENIED
    assert (entry.actor_id, entry.camera_id) == (world.officer.official_id, CAMERA)


@pytest.mark.parametrize(
    ("camera", "starts_at", "ends_at", "opened"),
    [
        (CAMERA, NOON - 2 * H, NOON - H, True),
        (CAMERA, NOON - 1.5 * H, NOON - H, True),
        (CAMERA, NOON - 2 * H - S, NOON - H, False),
        (CAMERA, NOON - 2 * H, NOON - H + S, False),
        (CAMERA, NOON - H, NOON - H, False),
        ("yard", NOON - 2 * H, NOON - H, False),
    ],
)
def test_a_grant_opens_its_camera_and_window_and_no_more(
    world: World, camera: str, starts_at: datetime, ends_at: datetime, *, opened: bool
) -> None:
    world.give(world.officer)
    if opened:
        assert world.footage.permit(world.officer, camera, starts_at, ends_at).unredacted is False
        (entry,) = world.audit.of(audit_pb2.AUDIT_ACTION_FOOTAGE_VIEWED)
        assert (entry.outcome, entry.request_id, entry.code) == (audit_pb2.AUDIT_OUTCOME_ALLOWED, "r", "redacted")
    else:
        with pytest.raises(ForbiddenError):
            world.footage.permit(world.officer, camera, starts_at, ends_at)


def test_a_grant_is_one_persons_and_ends_with_its_time_and_its_request(world: World) -> None:
    world.give(world.officer)
    somebody = principal(Role.REQUESTER, name="somebody else")
    with pytest.raises(ForbiddenError):
        world.footage.permit(somebody, CAMERA, NOON - 2 * H, NOON - H)
    world.clock.move(H)
    with pytest.raises(ForbiddenError):
        world.footage.permit(world.officer, CAMERA, NOON - 2 * H, NOON - H)
    world.clock.move(-H)
    with world.database.begin() as session:
        Grants().end(session, "r", NOON)
        Grants().end(session, "another", NOON)
    assert world.footage.grants(world.officer) == []
    with pytest.raises(ForbiddenError):
        world.footage.permit(world.officer, CAMERA, NOON - 2 * H, NOON - H)


def test_of_two_grants_the_one_that_shows_the_most_is_named(world: World) -> None:
    world.give(world.officer, request_id="covered")
    world.give(world.officer, request_id="shown", unredacted=True)
    grant = world.footage.permit(world.officer, CAMERA, NOON - 2 * H, NOON - H)
    assert (grant.request_id, grant.unredacted) == ("shown", True)


def test_what_cannot_be_recorded_is_not_opened(world: World) -> None:
    world.give(world.officer)
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.footage.permit(world.officer, CAMERA, NOON - 2 * H, NOON - H)
