"""How a template is made of a model's output: a face and its mirror image, averaged."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TINY = np.float32(1e-12)


def normalised(faces: NDArray[np.uint8], mean: float, scale: float) -> Floats:
    """Return `faces`, uint8 Nx112x112x3, as float32 (value - mean) / scale."""
    return (faces.astype(np.float32) - np.float32(mean)) / np.float32(scale)


def unit(rows: Floats) -> Floats:
    """Return the rows of NxD scaled to unit length."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, _TINY), dtype=np.float32)


def with_mirror(faces: Floats) -> Floats:
    """Return 2Nx112x112x3: each face of Nx112x112x3, followed by its mirror image."""
    return np.stack([faces, faces[:, :, ::-1]], axis=1).reshape(-1, *faces.shape[1:])


def averaged(rows: Floats) -> Floats:
    """Return NxD of unit length from the 2NxD that a model made of `with_mirror`; each of a pair counts the same."""
    pairs = unit(rows).reshape(-1, 2, rows.shape[1])
    return unit(pairs.sum(axis=1))


def in_batches(images: Floats, batch: int | None, run: Callable[[Floats], Floats]) -> Floats:
    """Return what `run` makes of `images`, given in batches of exactly `batch`, the last filled up, or all at once."""
    if batch is None:
        return run(images)
    short = -len(images) % batch
    filled = np.concatenate([images, np.zeros((short, *images.shape[1:]), np.float32)]) if short else images
    rows = [run(filled[start : start + batch]) for start in range(0, len(filled), batch)]
    return np.concatenate(rows)[: len(images)]
