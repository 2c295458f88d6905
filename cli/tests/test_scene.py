"""Composed scenes: walks, schedules, the truth and the video."""

from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.cli.scene.backdrop import draw_backdrop
from homeward.cli.scene.camera import Backdrop, Look, SceneCamera
from homeward.cli.scene.compose import ComposedScene, compose
from homeward.cli.scene.cutout import CANVAS_HEIGHT, CANVAS_WIDTH, FACE_PX, cut_out
from homeward.cli.scene.portrait import Box, FacePoints, Portrait
from homeward.cli.scene.schedule import Person, Traffic, plan_walks
from homeward.cli.scene.truth import SceneTruth
from homeward.cli.scene.walk import Walk, Walker, pose_at

_POINTS = FacePoints((180, 200), (260, 200), (220, 283))


def _portrait(shade: int = 0) -> Portrait:
    """Return a face of plain shapes: skin, eyes and a mouth on a bright wall."""
    y, x = np.mgrid[0:480, 0:440]
    photo = np.full((480, 440, 3), (214, 218, 222), dtype=np.uint8)
    photo[((x - 220) / 88) ** 2 + ((y - 225) / 125) ** 2 < 1] = (190 - shade, 140 - shade, 110 - shade)
    photo[(y > 330) & (abs(x - 220) < 45)] = (190 - shade, 140 - shade, 110 - shade)
    for eye in (180, 260):
        photo[(x - eye) ** 2 + (y - 200) ** 2 < 80] = (30, 20, 20)
    photo[(abs(x - 220) < 28) & (abs(y - 283) < 7)] = (150, 40, 40)
    return Portrait(photo, _POINTS)


def _camera(*walkers: Walker, lasts_s: float = 4.0, **changes: object) -> SceneCamera:
    values = {"width_px": 320, "height_px": 240, "kbit_per_s": 600, **changes}
    return SceneCamera("gate", lasts_s, walkers, **values)  # type: ignore[arg-type]


def _across(person_id: str, *, enters: float = 0.0, lasts: float = 4.0, width: float = 40, y: float = 100) -> Walker:
    return Walker(person_id, _portrait(), Walk(enters, lasts, (-60, y), (380, y), (width, width)))


def test_a_face_is_as_wide_as_its_eyes_tell() -> None:
    box = _POINTS.box()
    assert box.width == pytest.approx(2.2 * 80, rel=0.01)
    assert box.centre[0] == pytest.approx(220)
    assert box.top < 200
    assert box.top + box.height > 283


def test_a_turned_head_is_measured_by_its_height() -> None:
    turned = FacePoints((200, 200), (230, 200), (215, 283))
    assert turned.box().width == pytest.approx(_POINTS.box().width, rel=0.01)


def test_points_that_are_no_face_are_refused() -> None:
    with pytest.raises(ValueError, match="one face"):
        FacePoints((180, 200), (260, 200), (220, 150)).box()


def test_iou_is_symmetric_and_knows_strangers() -> None:
    box = Box(0, 0, 10, 10)
    assert box.iou(box) == 1
    assert box.iou(Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box.iou(Box(20, 0, 10, 10)) == 0


def test_a_cutout_holds_the_face_and_not_the_wall() -> None:
    head = cut_out(_portrait())
    top = head.levels[0]
    assert top.shape == (round(CANVAS_HEIGHT * FACE_PX), round(CANVAS_WIDTH * FACE_PX), 4)
    height, width = top.shape[:2]
    assert top[round(0.5 * height), width // 2, 3] == 255
    assert top[3, 3, 3] == 0
    assert top[round(0.5 * height), 5, 3] == 0
    assert (top[..., :3].max(axis=-1) <= top[..., 3]).all()


def test_a_cutout_is_the_same_twice() -> None:
    assert np.array_equal(cut_out(_portrait()).levels[0], cut_out(_portrait()).levels[0])


def test_the_smallest_sufficient_level_of_a_head_is_taken() -> None:
    head = cut_out(_portrait())
    assert [head.level_for(width)[1] for width in (160, 81, 80, 40, 12)] == [160, 160, 80, 40, 40]


@given(at=st.floats(0, 10), pause=st.floats(0, 3))
def test_a_walk_stays_between_its_ends(at: float, pause: float) -> None:
    walk = Walk(2, 6, (0, 100), (300, 160), (40, 80), pause)
    pose = pose_at(walk, at)
    if not 2 <= at <= 8:
        assert pose is None
        return
    assert pose is not None
    sway = 0.06 * pose.face.width
    assert 40 - 1e-9 <= pose.face.width <= 80 + 1e-9
    assert -sway <= pose.face.centre[0] <= 300 + sway
    assert 100 - sway <= pose.face.centre[1] <= 160 + sway


def test_a_pause_is_spent_on_one_spot() -> None:
    walk = Walk(0, 6, (0, 100), (300, 100), (40, 40), pauses_s=2)
    early, late = pose_at(walk, 2.1), pose_at(walk, 3.9)
    assert early is not None
    assert late is not None
    assert early.face == late.face


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), people=st.integers(1, 12), each=st.integers(1, 3), at_once=st.integers(1, 4))
def test_a_plan_shows_everybody_and_never_more_at_once_than_asked(
    seed: int, people: int, each: int, at_once: int
) -> None:
    cast = [Person(f"person-{number}", (_PLAIN,)) for number in range(people)]
    traffic = Traffic(face_width_px=(48, 120), at_once=at_once, walks_each=each)
    plan = plan_walks(cast, width_px=1280, height_px=720, seed=seed, traffic=traffic)
    counts = [sum(walker.person_id == person.person_id for walker in plan.walkers) for person in cast]
    assert counts == [each] * people
    walks = [walker.walk for walker in plan.walkers]
    assert all(48 <= width <= 120 for walk in walks for width in walk.face_width_px)
    assert all(walk.leaves_at_s <= plan.lasts_s for walk in walks)
    for walk in walks:
        assert sum(other.enters_at_s <= walk.enters_at_s < other.leaves_at_s for other in walks) <= at_once


def test_a_plan_spreads_over_the_time_given() -> None:
    cast = [Person(f"person-{number}", (_PLAIN,)) for number in range(6)]
    plan = plan_walks(cast, width_px=1280, height_px=720, seed=3, lasts_s=90)
    assert plan.lasts_s == 90
    assert max(walker.walk.leaves_at_s for walker in plan.walkers) > 30


def test_a_plan_that_does_not_fit_is_refused() -> None:
    cast = [Person(f"person-{number}", (_PLAIN,)) for number in range(9)]
    with pytest.raises(ValueError, match="let more walk at once"):
        plan_walks(cast, width_px=1280, height_px=720, seed=3, lasts_s=12)


def test_portraits_of_a_person_take_turns() -> None:
    cast = [Person("person-1", (_PLAIN, _portrait(20)))]
    plan = plan_walks(cast, width_px=1280, height_px=720, seed=1, traffic=Traffic(walks_each=4))
    worn = [walker.portrait for walker in sorted(plan.walkers, key=lambda walker: walker.walk.enters_at_s)]
    assert len({id(portrait) for portrait in worn}) == 2


@pytest.mark.parametrize("kind", list(Backdrop))
def test_a_backdrop_is_the_same_for_the_same_seed(kind: Backdrop) -> None:
    one, same = (draw_backdrop(kind, 320, 180, 5) for _ in range(2))
    assert one.shape == (180, 320, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, draw_backdrop(kind, 320, 180, 6))


def test_a_look_darkens() -> None:
    table = Look(gain=0.5).table()
    assert table[0] == 0
    assert table[200] == 100


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> ComposedScene:
    nearer = _across("person-2", enters=0.5, lasts=3.4, width=60, y=108)
    camera = _camera(_across("person-1"), nearer)
    return compose([camera], tmp_path_factory.mktemp("scene"))


def test_a_video_has_a_key_frame_each_second_and_no_frame_out_of_order(composed: ComposedScene) -> None:
    with av.open(str(composed.videos["gate"])) as container:
        packets = [(packet, packet.pts) for packet in container.demux(video=0) if packet.pts is not None]
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 240)
        assert [float(pts * packet.time_base) for packet, pts in packets if packet.is_keyframe] == [0, 1, 2, 3]
        assert all(pts == packet.dts for packet, pts in packets)
        assert len(packets) == 40


def test_the_truth_names_every_frame_with_the_whole_face_inside(composed: ComposedScene) -> None:
    (first,) = composed.truth.of("person-1")
    assert all(face.box.inside(320, 240) for face in first.faces)
    assert 0.5 < first.from_s < 1.0
    assert 3.0 < first.to_s < 3.5
    assert len(first.faces) == round((first.to_s - first.from_s) * 10) + 1
    assert first.box_at(first.to_s + 1) is None


def test_the_truth_says_when_somebody_nearer_hides_a_face(composed: ComposedScene) -> None:
    (farther,) = composed.truth.of("person-1")
    (nearer,) = composed.truth.of("person-2")
    assert max(face.hidden_share for face in farther.faces) > 0.5
    assert all(face.hidden_share == 0 for face in nearer.faces)


def test_the_picture_shows_a_face_where_the_truth_has_it(composed: ComposedScene) -> None:
    (nearer,) = composed.truth.of("person-2")
    wanted = nearer.faces[len(nearer.faces) // 2]
    with av.open(str(composed.videos["gate"])) as container:
        frames = {round(frame.time or 0, 1): frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)}
    with_face, empty = frames[round(wanted.at_s, 1)], frames[0.0]
    box = wanted.box
    rows, columns = (slice(round(at), round(at + size)) for at, size in ((box.top, box.height), (box.left, box.width)))
    inside = np.abs(with_face[rows, columns].astype(int) - empty[rows, columns]).mean()
    assert inside > 15
    # Skin, which is redder than blue; nothing of the place is.
    assert with_face[rows, columns][..., 0].mean() > with_face[rows, columns][..., 2].mean() + 20


def test_the_same_scene_twice_gives_the_same_bytes(composed: ComposedScene, tmp_path: Path) -> None:
    nearer = _across("person-2", enters=0.5, lasts=3.4, width=60, y=108)
    again = compose([_camera(_across("person-1"), nearer)], tmp_path)
    assert again.truth == composed.truth
    assert again.videos["gate"].read_bytes() == composed.videos["gate"].read_bytes()


def test_the_truth_survives_the_disk(composed: ComposedScene) -> None:
    text = (composed.videos["gate"].parent / "truth.json").read_text(encoding="utf-8")
    read = SceneTruth.from_json(text)
    assert read.to_json() == composed.truth.to_json()
    assert len(list(read.all())) == 2
    with pytest.raises(ValueError, match="no scene's truth"):
        SceneTruth.from_json('{"cameras": [{"camera_id": "gate"}]}')


def test_the_clock_is_burnt_in(tmp_path: Path) -> None:
    plain = _camera(lasts_s=1.0, look=Look(noise=0))
    clocked = _camera(lasts_s=1.0, look=Look(noise=0), clock_starts_at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    pictures = []
    for number, camera in enumerate((plain, clocked)):
        scene = compose([camera], tmp_path / str(number))
        with av.open(str(scene.videos["gate"])) as container:
            pictures.append(next(container.decode(video=0)).to_ndarray(format="gray").astype(int))
    changed = np.abs(pictures[0] - pictures[1]) > 25
    assert changed[:20, :160].mean() > 0.2
    assert not changed[40:].any()


def test_two_cameras_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same id"):
        compose([_camera(), _camera()], tmp_path)


_PLAIN = _portrait()
