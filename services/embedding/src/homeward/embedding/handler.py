"""The use case: inside one authorisation, a reference in, a template or a refusal out, and nothing kept."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import Answer, Asked, CropAsked, PhotoAsked, Reason, RefusedError, Template
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.embedding.photo import subject_face
from homeward.embedding.ports import FaceFinder, ObjectReader, TemplateMaker
from homeward.shared.authorisation import (
    AuthorisationDeniedError,
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
    """One authorisation's questions. Any thread may ask; each question is judged anew, by the clock and the caveats."""

    def __init__(self, handler: EmbeddingHandler, authorisation: VerifiedAuthorisation) -> None:
        self._service = handler
        self._authorisation = authorisation

    def over(self) -> bool:
        """Whether the authorisation no longer opens a face search."""
        return not self._authorisation.decide(SearchFaces())

    def answer(self, asked: Asked) -> Answer:
        """Return the template of what is `asked`, or the reason why there is none. Blocks.

        Raises ObjectStoreError when the store fails, StoppedError when the service stops.
        """
        kind = "crop" if isinstance(asked, CropAsked) else "photo"
        try:
            template = self._template(asked)
        except RefusedError as refused:
            self._service.metrics.refusal(kind, refused.reason.name.lower())
            return refused.reason
        self._service.metrics.template(kind)
        return template

    def _template(self, asked: Asked) -> Template:
        use: Use = ReadCrops(asked.key) if isinstance(asked, CropAsked) else ReadPhoto(asked.key)
        self._permit(use)
        try:
            face = self._crop(asked) if isinstance(asked, CropAsked) else self._photo(asked)
        except ObjectNotFoundError as error:
            raise RefusedError(Reason.NOT_FOUND) from error
        except PictureError as error:
            raise RefusedError(Reason.UNREADABLE) from error
        values = self._service.templates.template(face)
        # Reading and computing take time, in which the authorisation may have ended.
        self._permit(use)
        return Template(values, self._service.templates.model)

    def _permit(self, use: Use) -> None:
        try:
            self._authorisation.permit(use)
        except AuthorisationDeniedError as error:
            ended = error.denial.code is DenialCode.EXPIRED
            raise RefusedError(Reason.EXPIRED if ended else Reason.OUTSIDE_AUTHORISATION) from error

    def _crop(self, asked: CropAsked) -> NDArray[np.uint8]:
        if not 0 < asked.length_bytes <= self._service.limits.crop_bytes:
            raise RefusedError(Reason.UNREADABLE)
        data = self._service.objects.get_range(CROPS_BUCKET, asked.key, asked.offset_bytes, asked.length_bytes)
        canvas = decode_picture(data, CANVAS_PX * CANVAS_PX)
        if canvas.shape[:2] != (CANVAS_PX, CANVAS_PX):
            raise RefusedError(Reason.UNREADABLE)
        return inner(canvas)

    def _photo(self, asked: PhotoAsked) -> NDArray[np.uint8]:
        with self._service.one_photo:
            if self._service.objects.stat(SUBJECTS_BUCKET, asked.key).size_bytes > self._service.limits.photo_bytes:
                raise RefusedError(Reason.UNREADABLE)
            data = self._service.objects.get(SUBJECTS_BUCKET, asked.key)
            photo = decode_picture(data, self._service.limits.photo_pixels)
            try:
                return subject_face(photo, self._service.finder)
            finally:
                self._service.finder.forget()
