"""How useful a picture of a face is for a comparison: one figure from 0 (useless) to 1 (a passport photo).

It is the product of four measures, each 0 to 1, so that one that fails cannot be made up for by the others. What is
measured is what ISO/IEC 29794-5 (face image quality) measures of a face: its size, its pose and its sharpness, and how
sure a detector is of it, which falls with what hides it. Sharpness is by the Laplacian (Pech-Pacheco and others,
"Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000). How the four are put together is our
own, and the README has what it means: the cosines that faces of a quality reach.
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import FoundFace
from homeward.shared.vision.alignment import Landmarks

_NO_WIDTH_PX: Final = 14.0
_FULL_WIDTH_PX: Final = 112.0
"""The embedder's input is 112 px: a wider face gains nothing, and one of 14 px holds nothing."""

_FULL_SHARPNESS: Final = 14.0
"""Root mean square of the Laplacian of a sharp face of 112 px, in grey levels."""

_NO_SCORE: Final = 0.3
_FULL_SCORE: Final = 0.85
"""BlazeFace and YuNet both give a clear, frontal face 0.85 and more."""

_EYES_TO_MOUTH: Final = 0.8
"""Distance of the eyes over their distance from the mouth: 0.87 in the embedder's template, less in a long face."""

_LEAST_EYES_PX: Final = 0.5
"""Eyes nearer to each other than this lie in one pixel: a direction taken from them is noise, its ratios overflow."""


def geometry_quality(face: FoundFace) -> float:
    """Return the part of the quality that needs no pixels: width, frontality and the detector's confidence.

    It is never below `quality` of the same face, so a face that is too poor here need not be cut out.
    """
    return _width(face.width_px) * frontality(face.landmarks) * _score(face.score)


def quality(face: FoundFace, inner: NDArray[np.uint8]) -> float:
    """Return the quality of `face` whose aligned inner square is `inner`, uint8 112x112x3 RGB."""
    return geometry_quality(face) * sharpness(inner)


def sharpness(inner: NDArray[np.uint8]) -> float:
    """Return 0 for a picture without any detail to 1 for a sharp one of 112x112.

    Enlarging a small face adds no detail, so this falls with the face's width as well as with blur. Its square root
    is taken because a blurred face loses less of its likeness than of its edges.
    """
    grey = cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY)
    edges = float(np.std(cv2.Laplacian(grey, cv2.CV_32F)))
    return min(1.0, math.sqrt(edges / _FULL_SHARPNESS))


def frontality(landmarks: Landmarks) -> float:
    """Return 1 for a face seen from the front to 0 for one in profile, read from where the nose lies.

    Turning the head moves the nose towards one eye and brings the eyes together; a tilt in the picture's plane does
    not matter, since the alignment undoes it.
    """
    right, left = complex(*landmarks.right_eye), complex(*landmarks.left_eye)
    nose, mouth = complex(*landmarks.nose), complex(*landmarks.mouth)
    eyes = left - right
    if abs(eyes) < _LEAST_EYES_PX:
        return 0.0
    middle = (right + left) / 2
    down = (mouth - middle) / eyes
    if down.imag <= 0:
        return 0.0
    # In units of the eyes' distance, with the line of the eyes as the x axis.
    off_centre = abs(((nose - middle) / eyes).real - down.real / 2)
    narrow = min(1.0, 1 / (abs(down) * _EYES_TO_MOUTH))
    centred = float(max(0.0, 1 - 2 * off_centre**1.5))
    return centred * float(narrow**2)


def _width(width_px: float) -> float:
    grown = (math.log(max(width_px, 1.0)) - math.log(_NO_WIDTH_PX)) / (
        math.log(_FULL_WIDTH_PX) - math.log(_NO_WIDTH_PX)
    )
    return min(1.0, max(0.0, grown))


def _score(score: float) -> float:
    return min(1.0, max(0.0, (score - _NO_SCORE) / (_FULL_SCORE - _NO_SCORE)))
