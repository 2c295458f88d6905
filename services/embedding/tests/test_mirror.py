import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.embedding.mirror import Floats, averaged, in_batches, normalised, unit, with_mirror


def test_values_are_shifted_and_scaled() -> None:
    faces = np.array([[[[0, 127, 255]]]], np.uint8)
    assert normalised(faces, 127.5, 127.5).ravel() == pytest.approx([-1, -0.00392157, 1])


def test_each_face_is_followed_by_its_own_mirror_image() -> None:
    faces = np.arange(2 * 1 * 3 * 1, dtype=np.float32).reshape(2, 1, 3, 1)
    assert with_mirror(faces).reshape(4, 3).tolist() == [[0, 1, 2], [2, 1, 0], [3, 4, 5], [5, 4, 3]]


def test_each_of_a_pair_counts_the_same_however_long_its_row() -> None:
    rows = np.array([[100, 0], [0, 1]], np.float32)
    assert averaged(rows) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5]]))


def test_a_row_of_zeros_stays_one() -> None:
    assert unit(np.zeros((1, 4), np.float32)).tolist() == [[0, 0, 0, 0]]


@settings(deadline=None)  # a busy machine is no failure
@given(count=st.integers(1, 9), batch=st.integers(1, 5) | st.none())
def test_batches_change_nothing_and_are_always_full(count: int, batch: int | None) -> None:
    sizes = []

    def double(images: Floats) -> Floats:
        sizes.append(len(images))
        return np.asarray(images.reshape(len(images), -1) * 2, np.float32)

    images = np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2, 1)
    assert in_batches(images, batch, double).tolist() == (images.reshape(count, -1) * 2).tolist()
    assert set(sizes) == {batch or count}
