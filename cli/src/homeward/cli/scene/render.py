"""One camera's frames: the walkers pasted on the place, the nearest last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.cli.scene import body, cutout
from homeward.cli.scene.backdrop import draw_backdrop
from homeward.cli.scene.body import WARDROBE, Body, draw_body
from homeward.cli.scene.camera import SceneCamera
from homeward.cli.scene.cutout import Head, Rgba, cut_out, toned
from homeward.cli.scene.portrait import Box, Rgb
from homeward.cli.scene.truth import CameraTruth, TimedFace, TrueAppearance
from homeward.cli.scene.walk import Pose, Walker, pose_at

_NOISE_PLANES: Final = 7
"""A prime, so that the noise does not repeat in step with the key frames."""

_CLOCK_FORMAT: Final = "%Y-%m-%d %H:%M:%S"

I420 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A walker with everything that is drawn of him or her."""

    walker: Walker
    head: Head
    body: Body


class CameraRenderer:
    """Draws one camera's video, frame by frame, and knows the truth about it beforehand."""

    def __init__(self, camera: SceneCamera, heads: dict[int, Head]) -> None:
        """Take `heads` by the identity of each walker's portrait, as `heads_of` gives them."""
        self._camera = camera
        self._table = camera.look.table()
        place = draw_backdrop(camera.backdrop, camera.width_px, camera.height_px, camera.seed)
        self._place: Rgb = np.asarray(cv2.LUT(place, self._table), dtype=np.uint8)
        lit = {key: toned(head, self._table) for key, head in heads.items()}
        bodies: dict[str, Body] = {}
        for walker in camera.walkers:
            if walker.person_id not in bodies:
                bodies[walker.person_id] = self._body(len(bodies))
        self._figures = [
            Figure(walker, lit[id(walker.portrait)], bodies[walker.person_id]) for walker in camera.walkers
        ]
        self._noise = _noise(camera) if camera.look.noise > 0 else []

    @property
    def frame_count(self) -> int:
        """Return the number of frames of the whole video."""
        return round(self._camera.lasts_s * self._camera.frames_per_s)

    def truth(self) -> CameraTruth:
        """Return every appearance of the video, by time."""
        camera = self._camera
        seen: dict[int, list[TimedFace]] = {}
        for index in range(self.frame_count):
            at_s = index / camera.frames_per_s
            posed = self._posed(at_s)
            for place, (figure, pose) in enumerate(posed):
                if pose.face.inside(camera.width_px, camera.height_px):
                    hidden = _hidden_share(pose.face, [nearer.face for _, nearer in posed[place + 1 :]])
                    seen.setdefault(id(figure.walker), []).append(TimedFace(at_s, pose.face, hidden))
        appearances = [
            TrueAppearance(walker.person_id, camera.camera_id, faces[0].at_s, faces[-1].at_s, tuple(faces))
            for walker in camera.walkers
            if (faces := seen.get(id(walker)))
        ]
        appearances.sort(key=lambda appearance: (appearance.from_s, appearance.person_id))
        return CameraTruth(
            camera.camera_id,
            camera.width_px,
            camera.height_px,
            camera.frames_per_s,
            camera.lasts_s,
            tuple(appearances),
        )

    def frames(self) -> Iterator[I420]:
        """Yield every frame as I420 (uint8, 1.5 x height rows of width); the array is used again for the next."""
        height = self._camera.height_px
        planes = np.empty((height * 3 // 2, self._camera.width_px), dtype=np.uint8)
        for index in range(self.frame_count):
            cv2.cvtColor(self._frame(index / self._camera.frames_per_s), cv2.COLOR_RGB2YUV_I420, dst=planes)
            if self._noise:
                # Brighter and darker grains apart, because a byte cannot be negative.
                brighter, darker = self._noise[index % _NOISE_PLANES]
                light = planes[:height]
                cv2.add(light, brighter, dst=light)
                cv2.subtract(light, darker, dst=light)
            yield planes

    def _frame(self, at_s: float) -> Rgb:
        frame = self._place.copy()
        for figure, pose in self._posed(at_s):
            self._paste_body(frame, figure, pose)
            self._paste_head(frame, figure, pose)
        if self._camera.clock_starts_at is not None:
            shown = (self._camera.clock_starts_at + timedelta(seconds=at_s)).strftime(_CLOCK_FORMAT)
            _burn(frame, f"{self._camera.camera_id}  {shown}")
        return frame

    def _posed(self, at_s: float) -> list[tuple[Figure, Pose]]:
        """Return who is under way at `at_s`, the farthest first: the wider face is the nearer one."""
        posed = [(figure, pose) for figure in self._figures if (pose := pose_at(figure.walker.walk, at_s))]
        return sorted(posed, key=lambda item: item[1].face.width)

    def _paste_head(self, frame: Rgb, figure: Figure, pose: Pose) -> None:
        level, unit = figure.head.level_for(pose.face.width)
        scale = pose.face.width / unit
        source = ((cutout.FACE_LEFT + 0.5) * unit, (cutout.FACE_TOP + cutout.CHIN) / 2 * unit)
        matrix = np.asarray(cv2.getRotationMatrix2D(source, pose.roll_degrees, scale), dtype=np.float64)
        matrix[:, 2] += np.array(pose.face.centre) - np.array(source)
        _paste(frame, level, matrix, self._camera.look.blur_px)

    @staticmethod
    def _paste_body(frame: Rgb, figure: Figure, pose: Pose) -> None:
        scale = pose.face.width / body.UNIT_PX
        chin = pose.face.top + pose.face.height
        left = pose.face.centre[0] - body.WIDTH / 2 * pose.face.width
        matrix = np.array([[scale, 0, left], [0, scale, chin + body.BELOW_CHIN * pose.face.width]])
        _paste(frame, figure.body.at(pose.strides), matrix, 0)

    def _body(self, number: int) -> Body:
        drawn = draw_body(WARDROBE[(self._camera.seed + number) % len(WARDROBE)])
        phases = []
        for phase in drawn.phases:
            lit = phase.copy()
            lit[..., :3] = np.minimum(cv2.LUT(phase[..., :3], self._table), phase[..., 3:])
            phases.append(lit)
        return Body(tuple(phases))


def heads_of(walkers: tuple[Walker, ...], known: dict[int, Head]) -> dict[int, Head]:
    """Return the head of each walker's portrait by the portrait's identity; cut out once, kept in `known`."""
    for walker in walkers:
        if id(walker.portrait) not in known:
            known[id(walker.portrait)] = cut_out(walker.portrait)
    return {id(walker.portrait): known[id(walker.portrait)] for walker in walkers}


def _paste(frame: Rgb, picture: Rgba, matrix: NDArray[np.float64], blur_px: float) -> None:
    """Lay `picture` on `frame` under the 2x3 `matrix`, touching only the rectangle that it reaches."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    left, top = (max(0, int(np.floor(edge))) for edge in corners.min(axis=0))
    right, bottom = (
        min(size, int(np.ceil(edge)) + 1)
        for edge, size in zip(corners.max(axis=0), (frame.shape[1], frame.shape[0]), strict=True)
    )
    if left >= right or top >= bottom:
        return
    moved = matrix.copy()
    moved[:, 2] -= (left, top)
    patch = cv2.warpAffine(picture, moved, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    if blur_px > 0:
        patch = cv2.GaussianBlur(patch, (0, 0), blur_px)
    through = cv2.bitwise_not(cv2.cvtColor(patch[..., 3], cv2.COLOR_GRAY2RGB))
    part = frame[top:bottom, left:right]
    behind = cv2.multiply(part, through, scale=1 / 255)
    frame[top:bottom, left:right] = cv2.add(behind, cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB))


def _hidden_share(face: Box, nearer: list[Box]) -> float:
    """Return how much of `face` the heads and bodies of the `nearer` hide at the most, each counted by itself."""
    area = face.width * face.height
    hidden = 0.0
    for other in nearer:
        crown = 0.45 * other.width
        head = Box(other.left, other.top - crown, other.width, other.height + crown)
        shoulders = other.top + other.height + (body.BELOW_CHIN + 0.3) * other.width
        torso = Box(other.centre[0] - 1.35 * other.width, shoulders, 2.7 * other.width, 10 * other.width)
        hidden += (face.overlap(head) + face.overlap(torso)) / area
    return min(1.0, hidden)


def _noise(camera: SceneCamera) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    dice = np.random.default_rng(camera.seed + 1)
    planes = []
    for _ in range(_NOISE_PLANES):
        grains = np.round(dice.normal(0, camera.look.noise, (camera.height_px, camera.width_px))).astype(np.int16)
        planes.append((np.maximum(grains, 0).astype(np.uint8), np.maximum(-grains, 0).astype(np.uint8)))
    return planes


def _burn(frame: Rgb, text: str) -> None:
    """Write `text` into the upper left corner, as recorders do."""
    unit = frame.shape[0] / 720
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.75 * unit, 1)
    spot = (round(16 * unit), round(16 * unit) + height)
    corner = (spot[0] + width + round(4 * unit), spot[1] + below)
    cv2.rectangle(frame, (round(12 * unit), round(12 * unit)), corner, (24, 24, 24), -1)
    cv2.putText(frame, text, spot, cv2.FONT_HERSHEY_SIMPLEX, 0.75 * unit, (236, 236, 236), 1, cv2.LINE_AA)
