"""The best few pictures of each face, and how they lie in the clip's object."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.shared.vision.jpeg import encode_jpeg

_SPREAD_S: Final = 0.5
"""Pictures closer together than this show the same moment: the better one of them is enough."""

_SPARE: Final = 2
"""How many times the wanted number is held while the clip is read, since the best ones may be close together."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture of a face: `canvas` is uint8 176x176x3 RGB, aligned; `width_px` is the face's width in the frame."""

    at_s: float
    quality: float
    width_px: float
    canvas: NDArray[np.uint8] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PlacedCrop:
    """A crop and where its JPEG lies in the clip's object."""

    candidate: Candidate
    offset_bytes: int
    length_bytes: int


class CropKeeper:
    """The best pictures of one face so far; it holds a bounded number of them."""

    def __init__(self, most: int) -> None:
        """Keep `most` pictures in the end."""
        self._most = most
        self._held: list[Candidate] = []

    def offer(self, candidate: Candidate) -> None:
        """Hold `candidate` when it is among the best, apart in time from each better one."""
        self._held = _spread([*self._held, candidate])[: self._most * _SPARE]

    def best(self) -> list[Candidate]:
        """Return the best pictures, best first."""
        return self._held[: self._most]


def pack(faces: Iterable[Sequence[Candidate]]) -> tuple[bytes, list[list[PlacedCrop]]]:
    """Return the object that holds the JPEGs of all faces one after the other, and where each lies."""
    parts: list[bytes] = []
    offset = 0
    placed: list[list[PlacedCrop]] = []
    for candidates in faces:
        placed.append([])
        for candidate in candidates:
            data = encode_jpeg(candidate.canvas)
            placed[-1].append(PlacedCrop(candidate, offset, len(data)))
            parts.append(data)
            offset += len(data)
    return b"".join(parts), placed


def _spread(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates, best first, without those that a better one makes needless."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (-one.quality, one.at_s)):
        if all(abs(candidate.at_s - better.at_s) >= _SPREAD_S for better in kept):
            kept.append(candidate)
    return kept
