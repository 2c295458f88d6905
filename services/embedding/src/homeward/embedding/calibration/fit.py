"""From scores to a calibration."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import EmbedderModel
from homeward.embedding.calibration.measure import Scores
from homeward.shared.calibration import Band, Calibration, Support
from homeward.shared.calibration.calibration import RATES

Numbers = NDArray[np.float64]

_BORNE_OUT: Final = 10
"""Pairs of strangers that must score as high before a rate is read from them: with fewer, chance decides."""

_BULK: Final = 3e-3
"""Read from the scores however few pairs there are: with 20 people it rests on one pair."""

_STEPS: Final = 50
_LONGEST_STEP: Final = 5.0
_TINY: Final = 1e-12
_RIDGE: Final = 1e-6
"""Keeps the slope finite where no stranger scores as high as any pair of one person."""

_LEAST_STEP: Final = 1e-4


def fit(model: EmbedderModel, scores: Sequence[Scores], source: str) -> Calibration:
    """Return the calibration of `model` by the scores of each width."""
    ordered = sorted(scores, key=lambda one: one.width_px)
    # A face belongs to the width measured next to it, the distance taken on the scale of sizes.
    edges = [0.0, *(float(np.sqrt(small.width_px * wide.width_px)) for small, wide in pairwise(ordered))]
    return Calibration(
        model=model.name,
        sha256=model.sha256,
        source=source,
        bands=tuple(_band(one, edge) for one, edge in zip(ordered, edges, strict=True)),
    )


def _band(scores: Scores, least_px: float) -> Band:
    same, strangers = scores.same().astype(np.float64), scores.strangers().astype(np.float64)
    pairs = scores.pictures.shape[0] * (scores.pictures.shape[2] - 1)
    intercept, slope = likelihood(same, strangers)
    return Band(
        least_px=round(least_px, 1),
        measured_px=scores.width_px,
        thresholds=tuple(round(score, 4) for score in thresholds(strangers, pairs)),
        intercept=round(intercept, 4),
        slope=round(slope, 4),
        support=Support(
            people=int(scores.pictures.shape[2]), same=len(same), strangers=len(strangers), missed=scores.missed
        ),
    )


def thresholds(strangers: Numbers, pairs: int) -> list[float]:
    """Return the score that strangers reach at each of RATES; `pairs` of them are independent of one another.

    Where too few pairs score as high to tell, the scores are taken to grow on with the rarity of a normal variable, as
    they do from one in a hundred to the rarest that is borne out. Of the shipped calibration's pictures fewer score
    so high than that says.
    """
    known = [rate for rate in RATES if rate * pairs >= _BORNE_OUT]
    if len(known) <= RATES.index(_BULK):
        known = list(RATES[: RATES.index(_BULK) + 1])
    found = [float(np.quantile(strangers, 1 - rate)) for rate in known]
    last, bulk = _rarity(known[-1]), _rarity(known[RATES.index(_BULK) - 1])
    growth = (found[-1] - found[RATES.index(_BULK) - 1]) / (last - bulk)
    found += [found[-1] + growth * (_rarity(rate) - last) for rate in RATES[len(known) :]]
    return [float(one) for one in np.maximum.accumulate(np.array(found) + _LEAST_STEP * np.arange(len(found)))]


def _rarity(rate: float) -> float:
    """Return how many standard deviations a normal variable exceeds at `rate`."""
    return NormalDist().inv_cdf(1 - rate)


def likelihood(same: Numbers, strangers: Numbers) -> tuple[float, float]:
    """Return intercept and slope of the decimal logarithm of the likelihood ratio, by logistic regression.

    Both kinds of pairs weigh the same together, so that the odds are the likelihood ratio itself.
    """
    scores = np.concatenate([same, strangers])
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(strangers))])
    weights = np.concatenate([np.full(len(same), 0.5 / len(same)), np.full(len(strangers), 0.5 / len(strangers))])
    design = np.stack([np.ones_like(scores), scores], axis=1)
    parameters = np.zeros(2)
    ridge = np.array([0.0, _RIDGE])
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(design @ parameters, -50, 50)))
        gradient = design.T @ (weights * (said - truth)) + ridge * parameters
        curvature = (design * (weights * said * (1 - said))[:, None]).T @ design + np.diag(ridge + _TINY)
        step = np.linalg.solve(curvature, gradient)
        # Far from the answer the curvature is next to nothing, and a whole step would overshoot.
        parameters -= step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), _TINY))
    intercept, slope = (float(one / np.log(10)) for one in parameters)
    return intercept, max(0.0, slope)
