"""Reference photos: where the subject's face is, and whether it is one that can be compared."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import Reason, RefusedError
from homeward.embedding.ports import FaceFinder
from homeward.shared.vision.alignment import AlignmentError, Landmarks, Point, align, inner
from homeward.shared.vision.blazeface import INPUT_PX, FoundFace, overlap

LONGEST_SIDE_PX: Final = 2560
"""A larger photo is made smaller first: no template needs a face of more than a few hundred pixels."""

WORTH_A_LOOK: Final = 0.55
"""What a first look is less sure of is no face."""

LEAST_SCORE: Final = 0.75
"""What a look from close by is less sure of is no usable face: it is cut off, covered, turned away or upside down."""

LEAST_WIDTH_PX: Final = 40
"""Below this the template of a face drifts (median cosine to the full-size one under 0.9)."""

COMPANION_SHARE: Final = 0.4
"""A second face at least this wide, as a share of the widest, stands beside the subject; a smaller one, behind."""

LEAST_SHARPNESS: Final = 12.0
"""Variance of the Laplacian of the aligned face, 0 to 255 grey; a blur of 2.5 px and more falls below."""

_MOST_TURNED: Final = 0.3
"""How far the nose may lie from the middle between the eyes, as a share of their distance: about 40 degrees."""

_CLEAR_PX: Final = 48
"""A face this wide in the model's input is seen as well as it can be, so nothing is gained by a closer look."""

_DEEPEST: Final = 3
"""Looks from closer by: squares of a half, a quarter and an eighth of the photo's longer side."""

_SAME_FACE: Final = 0.3
"""Boxes that share more of their union than this are one face seen in two looks."""


@dataclass(frozen=True, slots=True)
class _Square:
    """A part of a photo, in pixels; it may reach beyond the edges."""

    left: int
    top: int
    side: int


def subject_face(photo: NDArray[np.uint8], finder: FaceFinder) -> NDArray[np.uint8]:
    """Return the one usable face of `photo`, uint8 HxWx3 RGB, as the embedder's input, uint8 112x112x3.

    Raises RefusedError: NO_FACE, SEVERAL_FACES, POOR_FACE. Faces far smaller than the subject's are passed over.
    """
    photo = _reduced(photo)
    seen = [_closer(photo, face, finder) for face in find_faces(photo, finder)]
    subject = choose([face for face in seen if face is not None], photo.shape[1], photo.shape[0])
    try:
        face = inner(align(photo, subject.landmarks))
    except AlignmentError as error:
        raise RefusedError(Reason.POOR_FACE) from error
    if sharpness(face) < LEAST_SHARPNESS:
        raise RefusedError(Reason.POOR_FACE)
    return face


def choose(faces: list[FoundFace], width_px: int, height_px: int) -> FoundFace:
    """Return the one usable face of `faces`, as seen from close by in a photo of that size.

    Raises RefusedError when there is none, or more than one.
    """
    if not faces:
        raise RefusedError(Reason.NO_FACE)
    sure = sorted((face for face in faces if face.score >= LEAST_SCORE), key=lambda face: -face.width_px)
    if not sure:
        raise RefusedError(Reason.POOR_FACE)
    subject = sure[0]
    if any(face.width_px >= COMPANION_SHARE * subject.width_px for face in sure[1:]):
        raise RefusedError(Reason.SEVERAL_FACES)
    marks = subject.landmarks
    inside = all(0 <= x < width_px and 0 <= y < height_px for x, y in _points(marks))
    if not inside or subject.width_px < LEAST_WIDTH_PX or _turned(marks) > _MOST_TURNED:
        raise RefusedError(Reason.POOR_FACE)
    return subject


def find_faces(photo: NDArray[np.uint8], finder: FaceFinder) -> list[FoundFace]:
    """Return the faces of `photo`, each once, widest first, looking closer until one is seen clearly."""
    height, width = photo.shape[:2]
    found = finder.find(photo)
    if not any(face.score >= WORTH_A_LOOK for face in found):
        # A face that fills the photo is too near for the model; a grey margin takes it further away.
        margin = max(height, width) // 2
        found = _look(photo, _Square(-margin, -margin, max(height, width) + 2 * margin), finder)
    side = max(height, width)
    for _ in range(_DEEPEST):
        if _clear(found, side) or side <= INPUT_PX:
            break
        side //= 2
        for square in _squares(width, height, side):
            found += _look(photo, square, finder)
    return _distinct([face for face in found if face.score >= WORTH_A_LOOK])


def sharpness(face: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of `face`, uint8 HxWx3 RGB: the more detail, the higher."""
    return float(cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def _reduced(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = photo.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return photo
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _clear(found: list[FoundFace], side: int) -> bool:
    return any(face.score >= WORTH_A_LOOK and face.width_px * INPUT_PX / side >= _CLEAR_PX for face in found)


def _squares(width: int, height: int, side: int) -> Iterator[_Square]:
    """Yield squares that overlap by half, so that every face lies whole in one of them."""

    def starts(length: int) -> list[int]:
        if length <= side:
            return [0]
        count = math.ceil((length - side) / (side / 2)) + 1
        return [round(index * (length - side) / (count - 1)) for index in range(count)]

    for top in starts(height):
        for left in starts(width):
            yield _Square(left, top, side)


def _look(photo: NDArray[np.uint8], square: _Square, finder: FaceFinder) -> list[FoundFace]:
    """Return the faces in a square of `photo`, which may reach beyond its edges, in pixels of `photo`."""
    rows, columns = photo.shape[:2]
    left, top, right, bottom = square.left, square.top, square.left + square.side, square.top + square.side
    part = cv2.copyMakeBorder(
        photo[max(0, top) : min(rows, bottom), max(0, left) : min(columns, right)],
        max(0, -top),
        max(0, bottom - rows),
        max(0, -left),
        max(0, right - columns),
        cv2.BORDER_CONSTANT,
        value=(127, 127, 127),
    )
    return [_moved(face, left, top) for face in finder.find(np.asarray(part, dtype=np.uint8))]


def _moved(face: FoundFace, x: float, y: float) -> FoundFace:
    marks = Landmarks(*((px + x, py + y) for px, py in _points(face.landmarks)))
    return replace(face, left_px=face.left_px + x, top_px=face.top_px + y, landmarks=marks)


def _points(marks: Landmarks) -> tuple[Point, Point, Point, Point]:
    return marks.right_eye, marks.left_eye, marks.nose, marks.mouth


def _distinct(found: list[FoundFace]) -> list[FoundFace]:
    """Return each face once, as it was seen most surely, widest first."""
    kept: list[FoundFace] = []
    for face in sorted(found, key=lambda face: -face.score):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.width_px)


def _same(one: FoundFace, other: FoundFace) -> bool:
    box, boxes = _box(one), _box(other)[None]
    if float(overlap(box, boxes)[0]) > _SAME_FACE:
        return True
    # A part of a face that a square cut off lies within the whole one.
    x, y = one.left_px + one.width_px / 2, one.top_px + one.height_px / 2
    return 0 < x - other.left_px < other.width_px and 0 < y - other.top_px < other.height_px


def _box(face: FoundFace) -> NDArray[np.float64]:
    return np.array([face.left_px, face.top_px, face.width_px, face.height_px])


def _closer(photo: NDArray[np.uint8], face: FoundFace, finder: FaceFinder) -> FoundFace | None:
    """Return `face` as seen from where the model sees best, a third of the square, or None when it is not there.

    What is no face seldom looks like one twice.
    """
    side = max(1, round(3 * max(face.width_px, face.height_px)))
    left = round(face.left_px + face.width_px / 2 - side / 2)
    top = round(face.top_px + face.height_px / 2 - side / 2)
    again = _look(photo, _Square(left, top, side), finder)
    return next((other for other in again if _same(other, face)), None)


def _turned(marks: Landmarks) -> float:
    """Return how far the nose lies from the middle between the eyes along their line, as a share of their distance."""
    right, left, nose = (complex(*point) for point in (marks.right_eye, marks.left_eye, marks.nose))
    if right == left:
        return math.inf
    return abs(((nose - (right + left) / 2) / (left - right)).real)
