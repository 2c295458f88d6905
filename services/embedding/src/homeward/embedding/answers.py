"""What the service answers to one reference: a template or the reason why there is none."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from homewardapi.embedding.v1 import embedding_service_pb2 as pb


class Reason(Enum):
    """Why a reference has no template; the values are those of the contract."""

    OUTSIDE_AUTHORISATION = pb.REFUSAL_REASON_OUTSIDE_AUTHORISATION
    EXPIRED = pb.REFUSAL_REASON_EXPIRED
    NOT_FOUND = pb.REFUSAL_REASON_NOT_FOUND
    UNREADABLE = pb.REFUSAL_REASON_UNREADABLE
    NO_FACE = pb.REFUSAL_REASON_NO_FACE
    SEVERAL_FACES = pb.REFUSAL_REASON_SEVERAL_FACES
    POOR_FACE = pb.REFUSAL_REASON_POOR_FACE


class RefusedError(Exception):
    """There is no template for the reference."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name.lower())
        self.reason = reason


class EngineError(Exception):
    """The file is not a model that this service can run."""


@dataclass(frozen=True, slots=True)
class EmbedderModel:
    """The model that made a template: its name, and the SHA-256 of its file in lower-case hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A face template: `values` is float32 of unit length. It has no text form, so that no log can show it."""

    values: NDArray[np.float32]
    model: EmbedderModel


@dataclass(frozen=True, slots=True)
class CropAsked:
    """A reference to one crop: a JPEG of `length_bytes` at `offset_bytes` of an object in the bucket crops."""

    key: str
    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class PhotoAsked:
    """A reference to one photo: an object in the bucket subjects."""

    key: str


Asked = CropAsked | PhotoAsked
Answer = Template | Reason
