from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.calibration import (
    Band,
    Calibration,
    CalibrationError,
    Calibrations,
    Support,
    read_calibration,
    write_calibration,
)
from homeward.shared.calibration.calibration import RATES
from homeward.shared.models.manifest import load_manifest


def band(least_px: float = 0, first: float = 0.2) -> Band:
    return Band(
        least_px=least_px,
        measured_px=least_px + 10,
        thresholds=tuple(first + number / 20 for number in range(len(RATES))),
        intercept=-5,
        slope=10,
        support=Support(people=30, same=30, strangers=870, missed=0),
    )


def calibration(sha256: str = "ab" * 32, *bands: Band) -> Calibration:
    return Calibration(model="own-model", sha256=sha256, source="a test", bands=bands or (band(),))


@pytest.mark.parametrize(("rate", "score"), list(zip(RATES, (0.2 + number / 20 for number in range(9)), strict=True)))
def test_a_known_rate_and_its_threshold_lead_to_one_another(rate: float, score: float) -> None:
    assert band().threshold(rate) == pytest.approx(score)
    assert band().false_match_rate(score) == pytest.approx(rate)


@given(rate=st.floats(1e-5, 1e-1))
def test_between_two_known_rates_the_threshold_lies_between_theirs(rate: float) -> None:
    score = band().threshold(rate)
    assert 0.2 <= score <= 0.6 + 1e-9
    assert band().false_match_rate(score) == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("rate", [0.0, 9e-6, 0.11, 1.0])
def test_a_rate_beyond_what_was_measured_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="lies between"):
        band().threshold(rate)


def test_a_higher_score_is_never_commoner_nor_less_telling() -> None:
    scores = [number / 100 for number in range(-100, 101)]
    rates = [band().false_match_rate(score) for score in scores]
    ratios = [band().likelihood_ratio(score) for score in scores]
    assert rates == sorted(rates, reverse=True)
    assert ratios == sorted(ratios)
    assert rates[-1] == RATES[-1]
    assert all(ratio <= 1 / rate for ratio, rate in zip(ratios, rates, strict=True))


@pytest.mark.parametrize(("width_px", "found"), [(0, 0), (29.9, 0), (30, 30), (59.9, 30), (60, 60), (4000, 60)])
def test_a_face_is_read_by_the_band_of_its_width(width_px: float, found: float) -> None:
    assert calibration("ab" * 32, band(0), band(30), band(60)).band(width_px).least_px == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands": []},
        {"bands": [band(10).model_dump()]},
        {"bands": [band(0).model_dump(), band(0).model_dump()]},
        {"bands": [band(0).model_dump() | {"thresholds": [0.5] * len(RATES)}]},
        {"bands": [band(0).model_dump() | {"thresholds": [0.5]}]},
        {"bands": [band(0).model_dump() | {"slope": -1}]},
        {"sha256": "xy"},
    ],
)
def test_what_contradicts_itself_is_no_calibration(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Calibration.model_validate(calibration().model_dump() | wrong)


def test_the_shipped_embedder_has_a_calibration() -> None:
    found = Calibrations.load().of(load_manifest().model("mobilefacenet").sha256)
    assert found is not None
    assert found.model == "mobilefacenet"
    assert all(one.support.people >= 100 for one in found.bands)
    # A smaller face scores lower against its own person, and says less at the same score.
    assert all(small.likelihood_ratio(0.5) > 1 for small, _ in pairwise(found.bands) if small.least_px < 40)


def test_the_operators_own_calibration_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    sha256 = load_manifest().model("mobilefacenet").sha256
    write_calibration(calibration(sha256), tmp_path / "own.json")
    assert Calibrations.load(tmp_path).of(sha256) == calibration(sha256)
    assert Calibrations.load(tmp_path).of("00" * 32) is None


def test_a_file_that_is_no_calibration_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text("{}")
    for load in (lambda: Calibrations.load(tmp_path), lambda: read_calibration(path)):
        with pytest.raises(CalibrationError, match=r"own\.json"):
            load()
    with pytest.raises(CalibrationError, match="no folder"):
        Calibrations.load(tmp_path / "nowhere")


def test_two_calibrations_of_one_model_are_refused(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write_calibration(calibration(), tmp_path / name)
    with pytest.raises(CalibrationError, match="second"):
        Calibrations.load(tmp_path)
