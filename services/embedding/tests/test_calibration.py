from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.embedding.answers import EmbedderModel
from homeward.embedding.calibration.degrade import as_seen, face_in
from homeward.embedding.calibration.fit import fit, likelihood, thresholds
from homeward.embedding.calibration.measure import Scores
from homeward.embedding.calibration.pairs import LEAST_PEOPLE, PairsError, read_pairs
from homeward.shared.calibration.calibration import RATES
from support.embedding import Marks, marked, plain_face

MODEL = EmbedderModel("own-model", "ab" * 32)


def scores(width_px: float, own: float, people: int = 102) -> Scores:
    """Return scores of strangers about 0 with a deviation of 0.15, and of people's own about `own`."""
    random = np.random.default_rng(round(width_px))
    pictures = random.normal(0, 0.15, (people, 3, people))
    person = np.arange(people)
    pictures[person, :, person] = random.normal(own, 0.1, (people, 3))
    return Scores(width_px, pictures.astype(np.float32), person)


def test_the_tables_rates_are_those_of_the_strangers() -> None:
    random = np.random.default_rng(1)
    table = thresholds(random.normal(0, 0.15, 30_000), pairs=10_000)
    fresh: NDArray[np.float64] = random.normal(0, 0.15, 4_000_000)
    for rate, score in zip(RATES, table, strict=True):
        # Beyond what the pairs bear out the tail is drawn on: within a factor of three even ten times further.
        assert rate / 3 < float((fresh >= score).mean()) < rate * 3


def test_few_pairs_still_give_a_whole_table() -> None:
    table = thresholds(np.random.default_rng(2).normal(0, 0.15, 400), pairs=380)
    assert len(table) == len(RATES)
    assert table == sorted(table)


def test_the_likelihood_ratio_is_that_of_the_two_densities() -> None:
    random = np.random.default_rng(3)
    intercept, slope = likelihood(random.normal(0.5, 0.2, 20_000), random.normal(0, 0.2, 20_000))
    # Of two normal densities of one deviation: (x - 0.25) * 0.5 / 0.04 in natural logarithms.
    assert slope == pytest.approx(12.5 / np.log(10), rel=0.05)
    assert intercept == pytest.approx(-0.25 * 12.5 / np.log(10), rel=0.07)


def test_a_calibration_has_a_band_for_every_width() -> None:
    made = fit(MODEL, [scores(80, 0.9), scores(20, 0.4)], "a test")
    assert (made.model, made.sha256, made.source) == (MODEL.name, MODEL.sha256, "a test")
    small, wide = made.bands
    assert (small.least_px, small.measured_px, wide.least_px) == (0, 20, 40)
    assert (small.support.people, small.support.same, small.support.strangers) == (102, 306, 102 * 101 * 3)
    assert small.likelihood_ratio(0.4) > wide.likelihood_ratio(0.4)


def test_pictures_without_a_face_are_counted_and_left_out() -> None:
    one = scores(32, 0.8)
    one.pictures[:5, 1] = np.nan
    assert one.missed == 5
    assert len(one.same()) == 301
    assert len(one.strangers()) == 301 * 101
    some = np.arange(102) < 10
    assert len(one.strangers(some)) == (30 - 5) * 9


def test_pairs_are_read_by_person(tmp_path: Path) -> None:
    for person in range(LEAST_PEOPLE):
        for name in ("b-smiling.jpg", "a-neutral.png", "note.txt"):
            (tmp_path / f"{person:03}-{name}").touch()
    (tmp_path / "999-alone.jpg").touch()
    people = read_pairs(tmp_path)
    assert len(people) == LEAST_PEOPLE
    assert people[0].reference.name == "000-a-neutral.png"
    assert [path.name for path in people[0].others] == ["000-b-smiling.jpg"]


def test_too_few_people_are_refused_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=f"needs {LEAST_PEOPLE} and more"):
        read_pairs(tmp_path)


def test_a_portrait_is_seen_as_small_as_asked_and_the_same_each_time() -> None:
    photo, face = marked(400, 400, (120, 130, 150)), plain_face(120, 130, 150)
    seen, again = (as_seen(photo, face, 30, np.random.default_rng(1)) for _ in range(2))
    assert seen.shape == (90, 90, 3)
    assert (seen == again).all()
    assert (seen != as_seen(photo, face, 30, np.random.default_rng(2))).any()
    # Darker than the portrait: no red is as red as it was.
    assert seen.max() < 255


def test_the_face_is_the_one_in_the_middle() -> None:
    seen = marked(90, 90, (30, 30, 30))
    assert face_in(seen, 30, Marks()) == plain_face(30, 30, 30)
    assert face_in(marked(90, 90, (0, 0, 30)), 30, Marks()) is None
