"""BlazeFace full range through MediaPipe's FaceDetector."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.adapters.offline_thread import OfflineThread
from homeward.detection.faces import Box, FoundFace, without_repeats
from homeward.detection.motion import Activity
from homeward.detection.ports import FinderError
from homeward.detection.tiles import Level, plan_levels
from homeward.shared.models.mediapipe_metadata import with_normalisation
from homeward.shared.vision.alignment import Landmarks

_INPUT_PX: Final = 192
"""Side of the model's square input."""

_NEEDED_PX: Final = 16
"""Face width in the input from which on the model finds nearly every clear face; the README has the figures."""

_FACE_OF_BOX: Final = 0.84
"""Face width over the width of BlazeFace's box, which reaches beyond the ears."""

_EDGE_PX: Final = 2
"""A box this close to the edge of a tile, in the input, is a face cut off; the next tile has it whole."""

_AROUND_PX: Final = 32
"""How far beyond what changed is searched: of a head that turns, half may look as before.

A face that is cut off there is made whole by the close look, which sees all of the frame.
"""

_CLOSE_BOXES: Final = 3.0
"""Side of the square that is looked at closely, in widths of the box: the face is then 54 px wide in the input."""

_AFAR: Final = 0.7
"""Share of the least score that is enough from afar, since whatever is found is looked at closely."""

_FIRST_POINTS: Final = 4
"""Right eye, left eye, nose, mouth; the two ears after them are not needed."""


class MediapipeFinder:
    """Searches a frame at several sizes with one FaceDetector.

    MediaPipe runs on a thread of its own that has no network, because it reports its use to its maker otherwise.
    """

    def __init__(self, model: bytes, *, name: str, sha256: str, least_score: float, least_face_px: int) -> None:
        """Load `model`, a TFLite file without metadata, which the manifest calls `name` with `sha256`.

        Faces from about `least_face_px` wide are found; half of it quadruples the work. Raises FinderError or
        OfflineUnavailableError when MediaPipe cannot be used.
        """
        self.name = name
        self.sha256 = sha256
        self._least_face_px = least_face_px
        self._least_score = least_score
        self._thread = OfflineThread("mediapipe")
        try:
            self._mediapipe = self._thread.call(partial(_load, with_normalisation(model), least_score * _AFAR))
        except Exception as error:
            self._thread.close()
            raise FinderError(f"MediaPipe cannot load the model {name}: {type(error).__name__}") from error

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB; where nothing changed is passed over."""
        areas = activity.areas()
        return self._thread.call(lambda: self._confirmed(picture, self._search(picture, areas)))

    def close(self) -> None:
        """Close the detector and its thread."""
        try:
            self._thread.call(partial(_silently, self._mediapipe.detector.close))
        finally:
            self._thread.close()

    def _search(self, picture: NDArray[np.uint8], areas: Iterable[Box]) -> Iterator[FoundFace]:
        for area in areas:
            height, width = picture.shape[:2]
            left, top = max(0, int(area.left) - _AROUND_PX), max(0, int(area.top) - _AROUND_PX)
            right, bottom = min(width, int(area.right) + _AROUND_PX), min(height, int(area.bottom) + _AROUND_PX)
            part = picture[top:bottom, left:right]
            for level in plan_levels(
                right - left, bottom - top, input_px=_INPUT_PX, needed_px=_NEEDED_PX, least_face_px=self._least_face_px
            ):
                yield from self._search_level(part, left, top, level)

    def _search_level(self, part: NDArray[np.uint8], left: int, top: int, level: Level) -> Iterator[FoundFace]:
        # Shrunk by area once a level: MediaPipe's own bilinear scaling would skip pixels of a large frame.
        sized = np.asarray(cv2.resize(part, (level.width, level.height), interpolation=cv2.INTER_AREA), np.uint8)
        for tile in level.tiles:
            right, bottom = tile.left + tile.width, tile.top + tile.height
            open_edges = (tile.left > 0, tile.top > 0, right < level.width, bottom < level.height)
            view = _View(left + tile.left / level.scale, top + tile.top / level.scale, level.scale, open_edges)
            yield from self._detect(sized[tile.top : bottom, tile.left : right], view)

    def _confirmed(self, picture: NDArray[np.uint8], found: Iterable[FoundFace]) -> list[FoundFace]:
        """Return the faces that are found again when each is looked at closely, as they are seen there.

        What looks like a face only from afar is dropped, and the landmarks come from more detail.
        """
        near = (self._look_closely(picture, face.box) for face in without_repeats(found))
        return without_repeats(face for face in near if face is not None and face.score >= self._least_score)

    def _look_closely(self, picture: NDArray[np.uint8], box: Box) -> FoundFace | None:
        height, width = picture.shape[:2]
        side = min(round(max(box.width, box.height) * _CLOSE_BOXES), width, height)
        left = min(max(0, round(box.centre[0] - side / 2)), width - side)
        top = min(max(0, round(box.centre[1] - side / 2)), height - side)
        scale = _INPUT_PX / side
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = picture[top : top + side, left : left + side]
        sized = np.asarray(cv2.resize(part, (_INPUT_PX, _INPUT_PX), interpolation=interpolation), np.uint8)
        seen = list(self._detect(sized, _View(left, top, scale)))
        face = max(seen, key=lambda one: one.box.common_area(box), default=None)
        return face if face is not None and face.box.common_area(box) > 0 else None

    def _detect(self, part: NDArray[np.uint8], view: "_View") -> Iterator[FoundFace]:
        """Yield the faces of `part`, in pixels of the frame, but those that an open edge cuts off."""
        height, width = part.shape[:2]
        try:
            image = self._mediapipe.image(data=np.ascontiguousarray(part))
            detections = self._mediapipe.detector.detect(image).detections
        except (RuntimeError, ValueError) as error:
            raise FinderError(f"MediaPipe failed on a picture: {type(error).__name__}") from error
        for detection in detections:
            box = detection.bounding_box
            points = detection.keypoints[:_FIRST_POINTS]
            if len(points) != _FIRST_POINTS or box.width <= 0 or box.height <= 0 or view.cuts(box, width, height):
                continue
            marks = [
                # A keypoint is a share of the picture; a landmark counts from the centre of the first pixel.
                (view.left + point.x * width / view.scale - 0.5, view.top + point.y * height / view.scale - 0.5)
                for point in points
            ]
            yield FoundFace(
                Box(
                    view.left + box.origin_x / view.scale,
                    view.top + box.origin_y / view.scale,
                    box.width / view.scale,
                    box.height / view.scale,
                ),
                min(1.0, max(0.0, float(detection.categories[0].score))),
                Landmarks(*marks),
                box.width / view.scale * _FACE_OF_BOX,
            )


@dataclass(frozen=True, slots=True)
class _View:
    """Where a part of the frame lies, in pixels of the frame, how it was scaled, and where it is cut into tiles.

    `open_edges` are left, top, right, bottom: an edge is open where another tile goes on beyond it.
    """

    left: float
    top: float
    scale: float
    open_edges: tuple[bool, bool, bool, bool] = (False, False, False, False)

    def cuts(self, box: Any, width: int, height: int) -> bool:
        """Whether `box`, in the part of `width` by `height` px, reaches over an open edge."""
        left, top, right, bottom = self.open_edges
        return bool(
            (left and box.origin_x < _EDGE_PX)
            or (top and box.origin_y < _EDGE_PX)
            or (right and box.origin_x + box.width > width - _EDGE_PX)
            or (bottom and box.origin_y + box.height > height - _EDGE_PX)
        )


def _load(model: bytes, least_score: float) -> SimpleNamespace:
    """Return the detector and what makes its pictures; called on the thread that has no network."""
    # Here and not above: importing MediaPipe loads its library, which starts threads.
    import mediapipe  # noqa: PLC0415 - see above
    from mediapipe.tasks.python import BaseOptions, vision  # noqa: PLC0415 - see above

    options = vision.FaceDetectorOptions(
        base_options=BaseOptions(model_asset_buffer=model, delegate=BaseOptions.Delegate.CPU),
        running_mode=vision.RunningMode.IMAGE,
        min_detection_confidence=least_score,
    )
    image = partial(mediapipe.Image, image_format=mediapipe.ImageFormat.SRGB)

    def make() -> Any:
        detector = vision.FaceDetector.create_from_options(options)
        # The first call reports on itself too.
        detector.detect(image(data=np.zeros((_INPUT_PX, _INPUT_PX, 3), dtype=np.uint8)))
        return detector

    return SimpleNamespace(detector=_silently(make), image=image)


def _silently(work: Callable[[], Any]) -> Any:
    """Run `work` while what native code prints to standard error is thrown away.

    MediaPipe prints a dozen lines when a detector is made and closed, and has no setting for it. The process's
    standard error is gone for these moments, so this is for starting and stopping alone.
    """
    with _no_stderr():
        return work()


@contextmanager
def _no_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
