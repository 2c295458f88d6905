"""What the handler needs of the outside."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import FoundFace
from homeward.detection.motion import Activity
from homeward.detection.sampling import SamplingPlan


class UnreadableClipError(Exception):
    """Nothing of the clip can be decoded. It says what is wrong with the video, never what it shows."""


class FinderError(RuntimeError):
    """The detector could not be made or failed on a picture. It says why, never what the picture shows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One sampled frame, good until the next is asked for.

    `at_s` are seconds since the clip's first packet. `due` is False for a frame in which no face need be looked for,
    and which only shows where those that were found are going. `luma` is uint8 HxW. `rgb` makes the picture, uint8
    HxWx3, when it is called: most frames are still and need none.
    """

    at_s: float
    due: bool
    luma: NDArray[np.uint8]
    rgb: Callable[[], NDArray[np.uint8]]


class OpenClip(Protocol):
    """A clip being read."""

    @property
    def damaged(self) -> int:
        """How many packets or frames could not be decoded so far."""
        ...

    @property
    def packets(self) -> int:
        """How many packets of video the clip held, as far as it was read."""
        ...

    @property
    def calm(self) -> int:
        """How many samples were passed over so far without being decoded, since nothing had moved before them."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the sampled frames in order of time; called once. Blocks while it decodes.

        Raises UnreadableClipError when the video ends without a single frame.
        """
        ...


class ClipReader(Protocol):
    """Decodes clips."""

    def open(self, video: BinaryIO, plan: SamplingPlan) -> AbstractContextManager[OpenClip]:
        """Open the MP4 in `video`, which must be seekable; raise UnreadableClipError when it is none."""
        ...


class FaceFinder(Protocol):
    """Finds faces in pictures. Called by one thread at a time."""

    @property
    def name(self) -> str:
        """The model's name in the manifest."""
        ...

    @property
    def sha256(self) -> str:
        """The SHA-256 of the model's file, lower-case hexadecimal."""
        ...

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB, once each, surest first; blocks while it searches.

        It may pass over what `activity` says is unchanged.
        """
        ...

    def close(self) -> None:
        """Give back what the finder holds; it is not used afterwards."""
        ...
