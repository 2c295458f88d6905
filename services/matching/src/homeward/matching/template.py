"""Face templates in memory, and the arithmetic on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from homewardapi.model.v1.model_pb2 import ModelRef

Vector = NDArray[np.float32]

_LEAST_WEIGHT = 1e-3
"""The weight of a crop of quality 0, so that a face of such crops alone still has a mean."""


class UnusableTemplateError(ValueError):
    """Components that no comparison can use: not finite, or all zero."""


class DifferentModelsError(ValueError):
    """Templates of different models, which are never put together."""


@dataclass(frozen=True, slots=True)
class Model:
    """One embedder exactly: the name in the manifest and the SHA-256 of its file in lower-case hexadecimal."""

    name: str
    sha256: str

    @classmethod
    def read(cls, reference: ModelRef) -> Self:
        """Return the model that a message names."""
        return cls(reference.name, reference.sha256)

    def to_message(self) -> ModelRef:
        """Return the model as a message."""
        return ModelRef(name=self.name, sha256=self.sha256)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One face template: `values` are float32 components of unit length together. Its text never shows them."""

    values: Vector = field(repr=False)
    model: Model

    @classmethod
    def of(cls, values: Sequence[float] | Vector, model: Model) -> Self:
        """Return the template of `values` brought to unit length; raise UnusableTemplateError when they have none."""
        vector = np.asarray(values, dtype=np.float32)
        length = float(np.linalg.norm(vector)) if vector.ndim == 1 and vector.size else 0.0
        if not np.isfinite(length) or length < np.finfo(np.float32).tiny:
            raise UnusableTemplateError("a template of the embedder has no direction")
        return cls(vector / np.float32(length), model)


def combine(templates: Sequence[Template], weights: Sequence[float]) -> Template:
    """Return the weighted mean of templates of one face, of unit length.

    `weights` are qualities, 0 to 1. Averaging the pictures of one face cancels what is particular to each.
    Raises DifferentModelsError, or UnusableTemplateError when the templates cancel out.
    """
    model = templates[0].model
    if any(template.model != model for template in templates):
        raise DifferentModelsError("templates of different models are never put together")
    factors = np.maximum(np.asarray(weights, dtype=np.float32), np.float32(_LEAST_WEIGHT))
    stacked = np.stack([template.values for template in templates])
    return Template.of((stacked * factors[:, np.newaxis]).sum(axis=0), model)


def least_similarity(templates: Sequence[Template]) -> float:
    """Return the lowest cosine similarity of any two of `templates`; 1 for a single one."""
    pairs = combinations(templates, 2)
    return min((float(one.values @ other.values) for one, other in pairs), default=1.0)
