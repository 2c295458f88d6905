"""What a score says about two faces: how rare it is among strangers, and how much it speaks for the same person.

A cosine alone says neither: the same score is common among strangers for one model and rare for another, and a small
face scores low against its own person. So each embedder has a calibration, measured on pairs of photos, and each
calibration has a band for every width that a face may have before a camera.
"""

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

RATES: Final = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""The false match rates of a band's table: each about three times rarer than the one before."""

STRONGEST: Final = 4.0
"""Logarithm of the strongest likelihood ratio that is ever told: ten thousand strangers' pairs cannot bear out more."""

Score = Annotated[float, Field(ge=-1, le=2, allow_inf_nan=False)]
"""A cosine, or a threshold beyond 1 that no face reaches."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Support(_Part):
    """What a band was measured on: `strangers` and `same` are pairs, `missed` the pictures without a face found."""

    people: int = Field(ge=2)
    same: int = Field(ge=1)
    strangers: int = Field(ge=1)
    missed: int = Field(ge=0)


class Band(_Part):
    """Faces of `least_px` and more, up to the next band.

    `thresholds` are the scores that strangers reach at `RATES`. The decimal logarithm of the likelihood ratio is
    `intercept + slope * score`; `support` says on how many pairs all this rests.
    """

    least_px: float = Field(ge=0)
    measured_px: float = Field(gt=0)
    thresholds: tuple[Score, ...]
    intercept: float
    slope: float = Field(ge=0)
    support: Support

    @model_validator(mode="after")
    def _orderly(self) -> Self:
        if len(self.thresholds) != len(RATES):
            raise ValueError(f"a band has a threshold for each of the {len(RATES)} rates")
        if any(rarer <= commoner for commoner, rarer in pairwise(self.thresholds)):
            raise ValueError("a rarer score is a higher one")
        return self

    def threshold(self, rate: float) -> float:
        """Return the score that strangers reach at `rate`, 1e-5 to 0.1; ValueError beyond."""
        if not RATES[-1] <= rate <= RATES[0]:
            raise ValueError(f"a false match rate lies between {RATES[-1]:g} and {RATES[0]:g}")
        at = min(bisect_right([-known for known in RATES], -rate), len(RATES) - 1)
        share = math.log(RATES[at - 1] / rate) / math.log(RATES[at - 1] / RATES[at])
        return self.thresholds[at - 1] + share * (self.thresholds[at] - self.thresholds[at - 1])

    def false_match_rate(self, score: float) -> float:
        """Return the share of strangers that score as high; never below the rarest that the table knows."""
        if score >= self.thresholds[-1]:
            return RATES[-1]
        if score < self.thresholds[0]:
            # Below the table a tenth and more of all strangers score as high: no more is known, nor of use.
            return 1.0
        at = bisect_right(self.thresholds, score)
        low, high = self.thresholds[at - 1], self.thresholds[at]
        share = (score - low) / (high - low)
        return math.exp((1 - share) * math.log(RATES[at - 1]) + share * math.log(RATES[at]))

    def likelihood_ratio(self, score: float) -> float:
        """Return how many times likelier `score` is for one person's two pictures than for two people's.

        It is never said to be stronger than the score is rare among strangers.
        """
        told = float(10 ** min(max(self.intercept + self.slope * score, -STRONGEST), STRONGEST))
        return min(told, 1 / self.false_match_rate(score))


class Calibration(_Part):
    """One embedder's calibration. `model` and `sha256` name the embedder exactly; `source` says what was measured."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: str
    bands: tuple[Band, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bands[0].least_px != 0 or any(wide.least_px <= small.least_px for small, wide in pairwise(self.bands)):
            raise ValueError("the bands begin at 0 px and grow")
        return self

    def band(self, width_px: float) -> Band:
        """Return the band of a face that was `width_px` wide in its frame."""
        return self.bands[max(0, bisect_right([band.least_px for band in self.bands], width_px) - 1)]
