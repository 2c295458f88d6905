"""What scores are worth: thresholds by the rate at which strangers reach them, by embedder and by face width."""

from dataclasses import dataclass
from typing import Final

from homeward.matching.template import Model
from homeward.shared.calibration import Calibration, Calibrations

GLANCE_RATE: Final = 0.1
"""A face whose best picture scores no higher than a tenth of all strangers' do is not looked at again: of the faces
that three pictures would have found at 32 px, docs/accuracy.md says how many this loses."""


class UncalibratedModelError(Exception):
    """Nobody has measured what the scores of the embedder are worth; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one score is worth.

    `false_match_rate` is the share of strangers that score as high, `likelihood_ratio` how many times likelier the
    score is for one person than for two.
    """

    threshold: float
    false_match_rate: float
    likelihood_ratio: float


@dataclass(frozen=True, slots=True)
class Scale:
    """The calibration of one embedder, read at the rate of strangers that the operator allows."""

    calibration: Calibration
    false_match_rate: float

    def threshold(self, width_px: float) -> float:
        """Return the score from which a face of that width is shown."""
        return self.calibration.band(width_px).threshold(self.false_match_rate)

    def dismisses(self, score: float, width_px: float) -> bool:
        """Return whether the best picture alone says that a face is not worth another look."""
        return score < self.calibration.band(width_px).threshold(GLANCE_RATE)

    def weigh(self, score: float, width_px: float) -> Weight:
        """Return what `score` of a face of that width is worth."""
        band = self.calibration.band(width_px)
        return Weight(self.threshold(width_px), band.false_match_rate(score), band.likelihood_ratio(score))


class Scales:
    """The scale of each embedder."""

    def __init__(self, calibrations: Calibrations, false_match_rate: float) -> None:
        """`false_match_rate` is the share of strangers that may be shown, 1e-5 to 0.1."""
        self._calibrations = calibrations
        self.false_match_rate = false_match_rate

    def of(self, model: Model) -> Scale:
        """Return the scale of `model`; raise UncalibratedModelError when there is none."""
        found = self._calibrations.of(model.sha256)
        if found is None:
            raise UncalibratedModelError(
                f"the embedder {model.name} has no calibration, so no score of it means anything: measure it with "
                "`homeward models calibrate` and put the file into HOMEWARD_CALIBRATIONS_FOLDER"
            )
        return Scale(found, self.false_match_rate)
