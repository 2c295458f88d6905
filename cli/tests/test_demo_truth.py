"""Sightings judged against the truth."""

from datetime import UTC, datetime, timedelta

import pytest

from homeward.cli.demo.truth import Score, Seen, Verdict, judge
from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import CameraTruth, SceneTruth, TimedFace, TrueAppearance

_START = datetime(2026, 11, 23, 12, tzinfo=UTC)
_STARTS = {"gate": _START, "hall": _START + timedelta(minutes=1)}


def _appearance(person: str, camera: str, first: int, last: int, left: float) -> TrueAppearance:
    faces = tuple(TimedFace(at / 10, Box(left + at, 100, 50, 56), 0.0) for at in range(first * 10, last * 10 + 1))
    return TrueAppearance(person, camera, float(first), float(last), faces)


_GATE = (_appearance("person-1", "gate", 5, 10, 0), _appearance("person-2", "gate", 4, 11, 300))
_HALL = (_appearance("person-1", "hall", 20, 25, 0),)
_TRUTH = SceneTruth(
    (CameraTruth("gate", 640, 480, 10, 60, _GATE), CameraTruth("hall", 640, 480, 10, 60, _HALL)),
)


def _seen(name: str, camera: str, first: float, last: float, box: Box | None, *, score: float = 0.7) -> Seen:
    start = _STARTS[camera]
    at = start + timedelta(seconds=(first + last) / 2)
    first_at, last_at = start + timedelta(seconds=first), start + timedelta(seconds=last)
    return Seen(name, camera, first_at, last_at, score, at if box else None, box)


def _judge(*seen: Seen) -> Score:
    return judge(_TRUTH, seen, "person-1", _STARTS)


def test_a_sighting_in_time_and_place_finds_its_appearance() -> None:
    score = _judge(_seen("a", "gate", 6, 8, Box(67, 95, 58, 58)))
    assert [judged.verdict for judged in score.judged] == [Verdict.SUBJECT]
    assert (score.found, score.appearances, score.recall, score.precision) == (1, 2, 0.5, 1.0)
    (missed,) = score.missed
    assert (missed.camera_id, missed.from_at) == ("hall", _STARTS["hall"] + timedelta(seconds=20))


def test_a_sighting_at_another_persons_place_is_of_that_person() -> None:
    score = _judge(_seen("a", "gate", 6, 8, Box(370, 100, 50, 56)))
    assert score.judged[0].verdict is Verdict.OTHER
    assert score.judged[0].appearance is _GATE[1]
    assert score.found == 0
    assert score.precision == 0


@pytest.mark.parametrize(
    "seen",
    [
        _seen("late", "gate", 13, 15, Box(140, 100, 50, 56)),
        _seen("elsewhere", "gate", 6, 8, Box(200, 300, 50, 56)),
        _seen("other camera", "hall", 6, 8, Box(70, 100, 50, 56)),
    ],
)
def test_a_sighting_out_of_time_or_place_shows_nobody(seen: Seen) -> None:
    score = _judge(seen)
    assert score.judged[0].verdict is Verdict.NOBODY
    assert score.found == 0


def test_a_face_half_in_the_picture_counts_a_little_early() -> None:
    assert _judge(_seen("a", "gate", 4.2, 4.4, Box(50, 100, 50, 56))).found == 1


@pytest.mark.parametrize(("at_s", "left"), [(4.6, -120.0), (6.3, 560.0)])
def test_a_fast_face_half_in_the_picture_is_the_walkers(at_s: float, left: float) -> None:
    # 400 px a second: the whole of it is in the picture from 5 to 6 s.
    faces = tuple(TimedFace(5 + at / 10, Box(40.0 * (at + 1), 100, 50, 56), 0.0) for at in range(11))
    walk = TrueAppearance("person-1", "gate", 5.0, 6.0, faces)
    truth = SceneTruth((CameraTruth("gate", 640, 480, 10, 60, (walk,)),))
    seen = _seen("a", "gate", at_s, at_s, Box(left, 100, 50, 56))
    assert judge(truth, [seen], "person-1", _STARTS).judged[0].verdict is Verdict.SUBJECT


def test_two_sightings_of_one_appearance_find_it_once() -> None:
    box = Box(70, 100, 50, 56)
    score = _judge(_seen("a", "gate", 6, 8, box), _seen("b", "gate", 6.5, 7.5, box))
    assert (score.found, len(score.judged), score.precision) == (1, 2, 1.0)


def test_without_a_place_time_decides_for_the_subject() -> None:
    assert _judge(_seen("a", "gate", 6, 8, None)).judged[0].verdict is Verdict.SUBJECT
    assert _judge(_seen("a", "gate", 11.5, 12, None)).judged[0].verdict is Verdict.OTHER


def test_ranks_go_by_score() -> None:
    right = _seen("right", "gate", 6, 8, Box(70, 100, 50, 56), score=0.8)
    wrong = _seen("wrong", "gate", 6, 8, Box(370, 100, 50, 56), score=0.6)
    score = _judge(wrong, right)
    assert score.first_wrong_rank == 2
    assert not score.wrong_among_first(1)
    assert score.wrong_among_first(2)


def test_a_search_for_somebody_who_is_not_there_is_perfect_when_empty() -> None:
    score = judge(_TRUTH, [], "person-9", _STARTS)
    assert (score.recall, score.precision, score.first_wrong_rank) == (1.0, 1.0, None)
