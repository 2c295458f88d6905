from collections import deque

from homeward.embedding.answers import Asked, CropAsked, PhotoAsked
from homeward.embedding.runs import SPAN_BYTES, Question, take_run


def runs_of(*asked: Asked) -> list[list[int]]:
    """Return the numbers of the questions, run by run."""
    waiting = deque(Question(number, one) for number, one in enumerate(asked))
    runs = []
    while waiting:
        runs.append([question.request_id for question in take_run(waiting)])
    return runs


def test_crops_of_one_object_are_one_run_whatever_their_order() -> None:
    assert runs_of(CropAsked("a", 500, 10), CropAsked("a", 0, 10), CropAsked("a", 700, 10)) == [[0, 1, 2]]


def test_another_object_and_a_photo_begin_another_run() -> None:
    crop, photo = CropAsked("a", 0, 1), PhotoAsked("p")
    assert runs_of(crop, CropAsked("b", 0, 1), photo, photo, crop) == [[0], [1], [2], [3], [4]]


def test_a_run_spans_no_more_than_one_read_may() -> None:
    near, far = CropAsked("a", SPAN_BYTES - 10, 10), CropAsked("a", SPAN_BYTES - 10, 11)
    assert runs_of(CropAsked("a", 0, 10), near) == [[0, 1]]
    assert runs_of(CropAsked("a", 0, 10), far, CropAsked("a", 3 * SPAN_BYTES, 10)) == [[0], [1], [2]]
    assert runs_of(CropAsked("a", 2**63, 2**62), CropAsked("a", 0, 1)) == [[0], [1]]
