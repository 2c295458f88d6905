"""Stand-ins for models, for tests of embedding that need none."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import Answer, Asked, CropAsked, EmbedderModel, Reason
from homeward.embedding.handler import Session
from homeward.shared.vision.alignment import Landmarks
from homeward.shared.vision.blazeface import FoundFace

MODEL = EmbedderModel("mean-colour", "ab" * 32)


def mean_colour(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the template of `MeanColour` for one face."""
    row = face.reshape(-1, 3).mean(axis=0).astype(np.float32) + np.float32(1)
    return np.asarray(row / np.linalg.norm(row), np.float32)


@dataclass
class MeanColour:
    """An embedder whose template is a face's mean colour; it waits for `gate`, and fails on a black face."""

    batch: int | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[int] = field(default_factory=list)
    forgotten: threading.Event = field(default_factory=threading.Event)
    model: EmbedderModel = MODEL

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert self.gate.wait(10)
        self.batches.append(len(faces))
        if faces.max() == 0:
            raise RuntimeError("the engine broke")
        return np.stack([mean_colour(face) for face in faces])

    def forget(self) -> None:
        self.forgotten.set()


@dataclass
class Templates:
    """A template maker without threads; `before` is called first."""

    model: EmbedderModel = MODEL
    asked: int = 0

    def before(self) -> None:
        """Do nothing; a test puts something else here."""

    def submit(self, face: NDArray[np.uint8], wanted: Callable[[], bool]) -> "Future[NDArray[np.float32]]":
        answer: Future[NDArray[np.float32]] = Future()
        self.asked += 1
        self.before()
        assert wanted()
        answer.set_result(mean_colour(face))
        return answer


def answer_of(session: Session, asked: Asked) -> Answer:
    """Return the answer to one question, as a stream comes to it."""
    found = next(session.crops([asked])) if isinstance(asked, CropAsked) else session.photo(asked)
    result = found if isinstance(found, Reason) else session.compute(found, lambda: True).result()
    return session.answer(asked, result)


def plain_face(left: float, top: float, width: float, score: float = 0.95) -> FoundFace:
    """Return an upright face with its landmarks where a face has them."""

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * width, top + y * width

    return FoundFace(
        left, top, width, width, score, Landmarks(at(0.3, 0.35), at(0.7, 0.35), at(0.5, 0.55), at(0.5, 0.75))
    )


class Marks:
    """A finder of squares whose red is 255, as faces: it sees those that it is shown whole and wide enough."""

    def __init__(self, least_share: float = 0.06, most_share: float = 0.7) -> None:
        self.shares = least_share, most_share
        self.shown: list[tuple[int, int]] = []
        self.forgets = 0

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        self.shown.append((image.shape[1], image.shape[0]))
        red: NDArray[np.bool_] = np.equal(image[:, :, 0], 255)
        columns: NDArray[np.bool_] = np.any(red, axis=0)
        found = []
        for left in np.flatnonzero(columns & ~np.append(np.array([False]), columns[:-1])):
            rows = np.flatnonzero(red[:, left])
            width = int(np.argmin(np.append(red[rows[0], left:], np.array([False]))))
            share = width / max(image.shape[:2])
            if self.shares[0] <= share <= self.shares[1] and len(rows) == width:
                found.append(plain_face(float(left), float(rows[0]), float(width)))
        return found

    def forget(self) -> None:
        self.forgets += 1


def marked(height: int, width: int, *squares: tuple[int, int, int], detail: bool = True) -> NDArray[np.uint8]:
    """Return a photo with a face for `Marks` at each (left, top, side), its skin plain or with detail."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :, 0] = 254
    if detail:
        picture[:, :, 1:] = np.random.default_rng(5).integers(0, 255, (height, width, 2))
    for left, top, side in squares:
        picture[top : top + side, left : left + side, 0] = 255
    return picture
