"""Reviewers are blind to each other: what one sees before their own answer is the same whatever others have said."""

from dataclasses import replace

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeward.access.errors import ConflictError
from homeward.access.people.principal import Principal
from homeward.access.review.model import SightingView
from homeward.access.review.verdict import QUORUM, Answer, Standing
from support.access_review import REQUEST, REQUESTER, ReviewWorld, reviewer, sighting

REVIEWERS = tuple(reviewer(name) for name in ("ada", "ben", "cyd", "dan"))
SIGHTINGS = 3


class BlindReview(RuleBasedStateMachine):
    """Reviewers answer in any order; a model says what must have become of it, and a world without answers what one
    who has not answered must see."""

    @initialize()
    def begin(self) -> None:
        self.world, self.unanswered = ReviewWorld(), ReviewWorld()
        self.given: dict[str, dict[str, Answer]] = {}
        self.final: dict[str, Standing] = {}
        for world in (self.world, self.unanswered):
            world.opened()
            for number in range(SIGHTINGS):
                self.given[world.sighted(sighting(number, likelihood_ratio=10.0 + number))] = {}

    @rule(
        who=st.sampled_from(REVIEWERS),
        number=st.integers(0, SIGHTINGS - 1),
        answer=st.sampled_from(Answer),
        observer=st.sampled_from(REVIEWERS),
    )
    def answers(self, who: Principal, number: int, answer: Answer, observer: Principal) -> None:
        self._answer(who, number, answer)
        self._check_list(observer)
        self._check_feed(observer)

    def _answer(self, who: Principal, number: int, answer: Answer) -> None:
        sighting_id = sorted(self.given)[number]
        given = self.given[sighting_id]
        taken = self._is_taken(who, sighting_id, answer)
        try:
            view = self.world.review.answering.answer(who, sighting_id, answer)
        except ConflictError:
            assert not taken
            return
        assert taken
        assert view.own_answer is answer
        given[who.official_id] = answer
        for wanted, standing in ((Answer.YES, Standing.CONFIRMED), (Answer.NO, Standing.REJECTED)):
            if list(given.values()).count(wanted) == QUORUM:
                self.final[sighting_id] = standing

    def _is_taken(self, who: Principal, sighting_id: str, answer: Answer) -> bool:
        given = self.given[sighting_id]
        own = given.get(who.official_id)
        if own is answer:
            return True
        if sighting_id in self.final:
            return False
        return own is None or len(given) == 1

    def _expected(self, who: Principal, untouched: SightingView) -> SightingView:
        given = self.given[untouched.sighting_id]
        own = given.get(who.official_id)
        if untouched.sighting_id in self.final:
            standing = self.final[untouched.sighting_id]
        elif own is None:
            # As in the world in which nobody has answered, to the last field.
            return untouched
        else:
            standing = Standing.WAITING if len(given) == 1 else Standing.DISPUTED
        may = standing is Standing.WAITING
        return replace(untouched, standing=standing, own_answer=own, may_answer=may)

    def _check_list(self, who: Principal) -> None:
        untouched = self.unanswered.review.review.sightings(who, REQUEST).sightings
        expected = tuple(self._expected(who, view) for view in untouched)
        assert self.world.review.review.sightings(who, REQUEST).sightings == expected
        asked = [view.sighting_id for view in expected if view.standing is Standing.ASKED]
        assert self.world.review.review.search(who, REQUEST).asked == len(asked)
        assert self.world.review.review.next_asked(who, REQUEST) == (asked[0] if asked else None)

    def _check_feed(self, who: Principal) -> None:
        news = self.world.review.feed.look(who, REQUEST, 0, {})
        before = self.unanswered.review.feed.look(who, REQUEST, 0, {})
        assert news.number == SIGHTINGS + len(self.final)
        assert [view.sighting_id for view in news.sightings] == [view.sighting_id for view in before.sightings]
        assert news.sightings == tuple(self._expected(who, view) for view in before.sightings)
        # Whoever has seen everything is told nothing until something that they may know of happens.
        known = {view.sighting_id: view.standing for view in news.sightings}
        assert self.world.review.feed.look(who, REQUEST, news.number, known).sightings == ()

    @invariant()
    def confirmed_is_what_two_said_yes_to(self) -> None:
        outcome = self.world.review.results.outcome(REQUESTER, REQUEST)
        confirmed = {view.sighting_id for view in outcome.confirmed}
        assert confirmed == {
            sighting_id
            for sighting_id, given in self.given.items()
            if sum(answer is Answer.YES for answer in given.values()) >= QUORUM
        }


# Not shrunk: a failure's few steps read well as they are, and making them fewer takes minutes.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
BlindReview.TestCase.settings = settings(max_examples=10, stateful_step_count=10, deadline=None, phases=_PHASES)
TestBlindReview = BlindReview.TestCase
