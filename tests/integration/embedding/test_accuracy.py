"""The shipped threshold keeps what docs/accuracy.json states of every group."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.calibration.measure import Scores, embed_with, measure
from homeward.embedding.calibration.pairs import read_pairs
from homeward.embedding.ports import Embedder
from homeward.matching.settings import MatchingSettings
from homeward.shared.calibration import Calibration, Calibrations
from support.data import portraits

STATED = Path(__file__).parents[3] / "docs" / "accuracy.json"
WIDTH_PX = 64.0
RATE = float(MatchingSettings.model_fields["false_match_rate"].default)


@pytest.fixture(scope="module")
def scores(finder: BlazeFaceFinder, new_engine: Callable[[], Embedder]) -> Scores:
    (found,) = measure(read_pairs(portraits()), finder, embed_with(new_engine()), widths_px=[WIDTH_PX])
    return found


@pytest.fixture(scope="module")
def calibration(new_engine: Callable[[], Embedder]) -> Calibration:
    found = Calibrations.load().of(new_engine().model.sha256)
    assert found is not None
    return found


def members(group: str) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return who of the people, in the order of their numbers, is of a group such as "gender: female"."""
    with (portraits() / "people.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["face_id"])
    kind, _, value = group.partition(": ")
    if kind == "age":
        low, _, high = value.partition(" to under ")
        return np.array([row["face_age"].isdigit() and int(low) <= float(row["face_age"]) < int(high) for row in rows])
    return np.array([row[{"gender": "face_gender", "ethnicity": "face_eth"}[kind]] == value for row in rows])


def test_no_group_is_mistaken_more_often_than_stated(scores: Scores, calibration: Calibration) -> None:
    stated = json.loads(STATED.read_text())
    assert stated["false_match_rate"] == RATE, "the shipped rate has changed: run `make accuracy`"
    assert stated["model"] == calibration.sha256
    bar = calibration.band(WIDTH_PX).threshold(RATE)
    for group, bound in stated["groups"].items():
        strangers = scores.strangers(members(group))
        assert len(strangers) > 0, group
        assert float((strangers >= bar).mean()) <= bound, f"{group}: worse than stated"


def test_strangers_reach_the_shipped_thresholds_no_oftener_than_said(scores: Scores, calibration: Calibration) -> None:
    band, strangers = calibration.band(WIDTH_PX), scores.strangers()
    for rate in (1e-1, 1e-2, 1e-3, RATE):
        assert float((strangers >= band.threshold(rate)).mean()) <= 1.1 * rate


def test_everybody_is_found_at_the_shipped_threshold(scores: Scores, calibration: Calibration) -> None:
    assert float((scores.same() >= calibration.band(WIDTH_PX).threshold(RATE)).mean()) >= 0.99


def test_a_likelihood_ratio_speaks_for_the_side_that_is_right(scores: Scores, calibration: Calibration) -> None:
    band = calibration.band(WIDTH_PX)
    for_same = np.array([band.likelihood_ratio(score) for score in scores.same()])
    for_strangers = np.array([band.likelihood_ratio(score) for score in scores.strangers()[::20]])
    assert (for_same > 1).mean() > 0.99
    assert (for_strangers < 1).mean() > 0.99
    # A ratio of R and more comes to strangers at most once in R times: what a likelihood ratio is.
    for ratio in (10, 100, 1000):
        assert (for_strangers >= ratio).mean() <= 1 / ratio
