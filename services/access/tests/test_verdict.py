from hypothesis import given
from hypothesis import strategies as st

from homeward.access.review.verdict import QUORUM, Answer, Standing, Verdict, standing_of, verdict_of

ANSWERS = st.lists(st.sampled_from(Answer), max_size=6)


def _given(answers: list[Answer]) -> list[Answer]:
    """Return the answers that are taken before the verdict is final: nobody can answer after it."""
    taken: list[Answer] = []
    for answer in answers:
        if verdict_of(taken).final:
            break
        taken.append(answer)
    return taken


@given(ANSWERS)
def test_confirmed_is_what_two_said_yes_to_and_rejected_what_two_said_no_to(answers: list[Answer]) -> None:
    taken = _given(answers)
    verdict = verdict_of(taken)
    assert (verdict is Verdict.CONFIRMED) == (taken.count(Answer.YES) == QUORUM)
    assert (verdict is Verdict.REJECTED) == (taken.count(Answer.NO) == QUORUM)


@given(ANSWERS)
def test_two_that_differ_are_disputed_until_somebody_agrees_with_one(answers: list[Answer]) -> None:
    taken = _given(answers)
    if not verdict_of(taken).final:
        assert verdict_of(taken) is (Verdict.OPEN if len(taken) < QUORUM else Verdict.DISPUTED)


@given(st.lists(st.just(Answer.UNSURE), max_size=6))
def test_unsure_decides_nothing(answers: list[Answer]) -> None:
    assert not verdict_of(answers).final


@given(st.sampled_from([verdict for verdict in Verdict if not verdict.final]))
def test_before_ones_own_answer_every_undecided_sighting_stands_alike(verdict: Verdict) -> None:
    assert standing_of(verdict, None) is Standing.ASKED


def test_after_it_one_sees_what_the_answers_came_to() -> None:
    assert standing_of(Verdict.OPEN, Answer.NO) is Standing.WAITING
    assert standing_of(Verdict.DISPUTED, Answer.NO) is Standing.DISPUTED
    assert standing_of(Verdict.CONFIRMED, None) is Standing.CONFIRMED
