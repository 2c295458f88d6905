"""What the use case needs of the world."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import EmbedderModel
from homeward.shared.objectstore.port import ObjectInfo
from homeward.shared.vision.blazeface import FoundFace


class ObjectReader(Protocol):
    """The part of the object store that is read here; `homeward.shared.objectstore.port` says what may be raised."""

    def get(self, bucket: str, key: str) -> bytes:
        """Return one object whole."""
        ...

    def get_range(self, bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return exactly `length_bytes` from `offset_bytes`; raise ObjectNotFoundError when the object is shorter."""
        ...

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of one object."""
        ...


class Embedder(Protocol):
    """A model that makes templates. One thread at a time calls it, and waits for as long as the model computes."""

    @property
    def model(self) -> EmbedderModel:
        """The model's name and hash."""
        ...

    @property
    def batch(self) -> int | None:
        """How many faces it takes in one go; None when it takes any number, and more at once is cheaper."""
        ...

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return NxD templates of unit length for `faces`, uint8 Nx112x112x3 RGB, N at least 1."""
        ...

    def forget(self) -> None:
        """Overwrite what the last call left in the model's own memory."""
        ...


class TemplateMaker(Protocol):
    """Makes templates for many callers at once."""

    @property
    def model(self) -> EmbedderModel:
        """The model's name and hash."""
        ...

    def submit(self, face: NDArray[np.uint8], wanted: Callable[[], bool]) -> "Future[NDArray[np.float32]]":
        """Return at once what will hold the template of unit length of one face, uint8 112x112x3 RGB.

        Any thread may call it. `wanted` is asked before the face is computed; where it says no, the future is
        cancelled. A callback of the future must be quick: the model waits for it.
        """
        ...


class FaceFinder(Protocol):
    """A model that finds faces."""

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces in one look at `image`, uint8 HxWx3 RGB, best first. Blocks; any thread may call it."""
        ...

    def forget(self) -> None:
        """Overwrite what the last look left in the model's own memory."""
        ...
