"""The use case: inside one authorisation, a reference in, a template or a refusal out, and nothing kept."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import Answer, Asked, CropAsked, PhotoAsked, Reason, RefusedError, Template
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.embedding.photo import subject_face
from homeward.embedding.ports import FaceFinder, ObjectReader, TemplateMaker
from homeward.shared.authorisation import (
    Denial,
    DenialCode,
    ReadCrops,
    ReadPhoto,
    SearchFaces,
    Use,
    VerifiedAuthorisation,
    Verifier,
)
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET
from homeward.shared.objectstore.port import ObjectNotFoundError
from homeward.shared.vision.alignment import CANVAS_PX, inner
from homeward.shared.vision.jpeg import PictureError, decode_picture

Face = NDArray[np.uint8]
"""The embedder's input: 112x112x3 RGB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is read at most; a reference beyond it is UNREADABLE."""

    crop_bytes: int = 256 << 10
    photo_bytes: int = 25 << 20
    photo_pixels: int = 40_000_000


class EmbeddingHandler:
    """Opens sessions. It keeps nothing of any of them; any thread may call it."""

    def __init__(
        self,
        *,
        verifier: Verifier,
        objects: ObjectReader,
        templates: TemplateMaker,
        finder: FaceFinder,
        metrics: EmbeddingMetrics,
        limits: Limits | None = None,
    ) -> None:
        self._verifier = verifier
        self.objects = objects
        self.templates = templates
        self.finder = finder
        self.metrics = metrics
        self.limits = limits or Limits()
        # A decoded photo may take 120 MB: one at a time, so that a few callers cannot fill the memory.
        self.one_photo = threading.Lock()

    def open(self, token: str) -> "Session":
        """Return a session under the authorisation in `token`; raise AuthorisationDeniedError when it opens none."""
        authorisation = self._verifier.verify(token)
        authorisation.permit(SearchFaces())
        return Session(self, authorisation)


class Session:
    """One authorisation's questions. Any thread may ask; each question is judged anew, by the clock and the caveats.

    A question is answered in three steps, so that reading, computing and answering of many overlap: `crops` or `photo`
    reads the pictures, `compute` has a template made of one, and `answer` judges once more before it leaves.
    """

    def __init__(self, handler: EmbeddingHandler, authorisation: VerifiedAuthorisation) -> None:
        self._service = handler
        self._authorisation = authorisation

    def over(self) -> bool:
        """Whether the authorisation no longer opens a face search."""
        return not self._authorisation.decide(SearchFaces())

    def crops(self, asked: Sequence[CropAsked]) -> Iterator[Face | Reason]:
        """Yield the picture of each of `asked`, all of one object, or the reason why there is none. Blocks.

        The object is read once, from the first of them to the last: whoever asks sees to it that they lie close
        together. Each is decoded when it is asked for, so that the first is computed while the last is decoded.
        Raises ObjectStoreError when the store fails.
        """
        denied = self._denied(ReadCrops(asked[0].key))
        if denied is not None:
            yield from [denied] * len(asked)
            return
        sensible = [crop for crop in asked if 0 < crop.length_bytes <= self._service.limits.crop_bytes]
        read = dict(zip(sensible, self._read(sensible), strict=True))
        for crop in asked:
            yield _face(read[crop]) if crop in read else Reason.UNREADABLE

    def photo(self, asked: PhotoAsked) -> Face | Reason:
        """Return the subject's face in a reference photo, or the reason why there is none. Blocks.

        Raises ObjectStoreError when the store fails.
        """
        denied = self._denied(ReadPhoto(asked.key))
        if denied is not None:
            return denied
        try:
            return self._subject(asked.key)
        except ObjectNotFoundError:
            return Reason.NOT_FOUND
        except PictureError:
            return Reason.UNREADABLE
        except RefusedError as refused:
            return refused.reason

    def compute(self, face: Face, wanted: Callable[[], bool]) -> "Future[NDArray[np.float32]]":
        """Return what will hold the template of `face`; raise StoppedError when the service stops."""
        return self._service.templates.submit(face, wanted)

    def answer(self, asked: Asked, result: NDArray[np.float32] | Reason) -> Answer:
        """Return the answer to what was `asked`, for which `result` was computed.

        Reading and computing take time, in which the authorisation may have ended: it is judged here once more.
        """
        crop = isinstance(asked, CropAsked)
        if not isinstance(result, Reason):
            result = self._denied(ReadCrops(asked.key) if crop else ReadPhoto(asked.key)) or result
        kind = "crop" if crop else "photo"
        if isinstance(result, Reason):
            self._service.metrics.refusal(kind, result.name.lower())
            return result
        self._service.metrics.template(kind)
        return Template(result, self._service.templates.model)

    def _denied(self, use: Use) -> Reason | None:
        decision = self._authorisation.decide(use)
        if not isinstance(decision, Denial):
            return None
        return Reason.EXPIRED if decision.code is DenialCode.EXPIRED else Reason.OUTSIDE_AUTHORISATION

    def _read(self, asked: Sequence[CropAsked]) -> list[bytes | Reason]:
        """Return the bytes of each of `asked`, or NOT_FOUND for those that the object does not hold."""
        if not asked:
            return []
        first = min(crop.offset_bytes for crop in asked)
        length = max(crop.offset_bytes + crop.length_bytes for crop in asked) - first
        try:
            data = memoryview(self._service.objects.get_range(CROPS_BUCKET, asked[0].key, first, length))
        except ObjectNotFoundError:
            if len(asked) == 1:
                return [Reason.NOT_FOUND]
            # One reference beyond the object's end must not take the others along.
            return [one for crop in asked for one in self._read([crop])]
        return [bytes(data[(start := crop.offset_bytes - first) : start + crop.length_bytes]) for crop in asked]

    def _subject(self, key: str) -> Face:
        with self._service.one_photo:
            if self._service.objects.stat(SUBJECTS_BUCKET, key).size_bytes > self._service.limits.photo_bytes:
                raise RefusedError(Reason.UNREADABLE)
            data = self._service.objects.get(SUBJECTS_BUCKET, key)
            photo = decode_picture(data, self._service.limits.photo_pixels)
            try:
                return subject_face(photo, self._service.finder)
            finally:
                self._service.finder.forget()


def _face(data: bytes | Reason) -> Face | Reason:
    """Return the embedder's input of a crop, a JPEG of an aligned canvas."""
    if isinstance(data, Reason):
        return data
    try:
        canvas = decode_picture(data, CANVAS_PX * CANVAS_PX)
    except PictureError:
        return Reason.UNREADABLE
    return inner(canvas) if canvas.shape[:2] == (CANVAS_PX, CANVAS_PX) else Reason.UNREADABLE
