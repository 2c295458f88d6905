"""The searching itself: a trace that is there is found, whatever form it has."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from support.traces import files_below, name_needles, search, template_needles


@pytest.fixture
def template() -> NDArray[np.float32]:
    values = np.random.default_rng(7).normal(size=192).astype(np.float32)
    return values / np.float32(np.linalg.norm(values))


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_a_template_is_found_in_any_form(template: NDArray[np.float32], kind: str, offset: int) -> None:
    data = b"\x00" * offset + b"around it" + template.astype(kind).tobytes() + b"and after"
    assert search([("place", data)], template_needles({"somebody": template}))


def test_a_pickled_template_is_found(template: NDArray[np.float32]) -> None:
    data = pickle.dumps({"vector": template.tolist()})
    assert search([("place", data)], template_needles({"somebody": template}))


def test_a_part_of_a_template_is_found(template: NDArray[np.float32]) -> None:
    assert search([("place", template[64:80].tobytes())], template_needles({"somebody": template}))


def test_a_template_as_text_is_found(template: NDArray[np.float32]) -> None:
    text = ",".join(str(value) for value in template).encode()
    assert search([("place", text)], template_needles({"somebody": template}))


def test_another_template_is_not_taken_for_it(template: NDArray[np.float32]) -> None:
    other = np.roll(template, 1) * np.float32(0.5)
    assert search([("place", other.tobytes())], template_needles({"somebody": template})) == []


def test_a_name_is_found_in_a_file_and_in_a_path(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "wilhelmina.txt").write_bytes("Wilhelmina Testcase".encode("utf-16-le"))
    found = search(files_below(tmp_path), name_needles(["Wilhelmina Testcase"]))
    assert any("in file" in line for line in found)
    assert any("in path" in line for line in found)
