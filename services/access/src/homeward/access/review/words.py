"""Figures in words: how good a picture is, and what a score is worth. Codes for programs; pages translate them."""

from enum import StrEnum
from typing import Final


class Quality(StrEnum):
    """How much of a face a picture shows; the bounds are those that detection's README was measured at."""

    VERY_POOR = "very_poor"
    POOR = "poor"
    FAIR = "fair"
    GOOD = "good"
    VERY_GOOD = "very_good"


class Support(StrEnum):
    """How strongly a score speaks for one person rather than two.

    This is the scale of likelihood ratios that forensic laboratories use (ENFSI, 2015). It ends at "strong", since no
    calibration of ours bears out more than 10,000.
    """

    UNKNOWN = "unknown"
    AGAINST = "against"
    NONE = "none"
    WEAK = "weak"
    MODERATE = "moderate"
    MODERATELY_STRONG = "moderately_strong"
    STRONG = "strong"


_QUALITIES: Final = (
    (0.15, Quality.VERY_POOR),  # faces of 24 px: 7 % are found
    (0.27, Quality.POOR),  # 32 px: 86 %
    (0.43, Quality.FAIR),  # 40 px: 96 %
    (0.70, Quality.GOOD),  # 64 px
)
_SUPPORTS: Final = (
    (0.5, Support.AGAINST),
    (2.0, Support.NONE),
    (10.0, Support.WEAK),
    (100.0, Support.MODERATE),
    (1000.0, Support.MODERATELY_STRONG),
)


def quality_of(quality: float) -> Quality:
    """Return the word for a crop's quality, 0 to 1."""
    return next((word for bound, word in _QUALITIES if quality < bound), Quality.VERY_GOOD)


def support_of(likelihood_ratio: float | None) -> Support:
    """Return the word for a likelihood ratio, None for one that was not told."""
    if likelihood_ratio is None:
        return Support.UNKNOWN
    return next((word for bound, word in _SUPPORTS if likelihood_ratio < bound), Support.STRONG)
