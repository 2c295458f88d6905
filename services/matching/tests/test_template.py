"""The arithmetic on templates, and that they show themselves nowhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.matching.template import (
    DifferentModelsError,
    Template,
    UnusableTemplateError,
    combine,
    least_similarity,
)
from support.matching import MODEL, OTHER_MODEL, vector


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5))
@settings(deadline=None)  # a busy machine is no failure
def test_a_mean_has_unit_length_whatever_the_qualities(weights: list[float]) -> None:
    mean = combine([Template(vector(1, index), MODEL) for index in range(len(weights))], weights)
    assert np.linalg.norm(mean.values) == pytest.approx(1, abs=1e-5)


def test_a_mean_is_nearer_to_the_person_than_its_parts() -> None:
    person = vector(1, likeness=1.0)
    parts = [Template(vector(1, index), MODEL) for index in range(4)]
    mean = combine(parts, [0.5] * 4)
    assert float(mean.values @ person) > max(float(part.values @ person) for part in parts)


def test_a_better_picture_weighs_more() -> None:
    good, poor = (Template(vector(1, index), MODEL) for index in (0, 1))
    mean = combine([good, poor], [0.9, 0.1])
    assert float(mean.values @ good.values) > float(mean.values @ poor.values)


def test_templates_of_different_models_are_never_put_together() -> None:
    with pytest.raises(DifferentModelsError):
        combine([Template(vector(1), MODEL), Template(vector(1), OTHER_MODEL)], [1, 1])


@pytest.mark.parametrize("values", [[0.0] * 4, [float("nan")] * 4, [float("inf"), 1.0], []])
def test_a_template_without_direction_is_refused(values: list[float]) -> None:
    with pytest.raises(UnusableTemplateError):
        Template.of(values, MODEL)


def test_least_similarity_is_that_of_the_two_furthest_apart() -> None:
    same = [Template(vector(1, index, likeness=0.95), MODEL) for index in range(2)]
    assert least_similarity(same[:1]) == 1.0
    assert least_similarity(same) > 0.7
    assert least_similarity([*same, Template(vector(2), MODEL)]) < 0.4


def test_a_template_never_shows_its_values() -> None:
    template = Template(vector(1), MODEL)
    assert "values" not in repr(template)
    assert str(float(template.values[0]))[:6] not in f"{template} {template!r}"
