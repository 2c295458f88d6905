"""Who asks for their own footage finds it there when the answer is due (DESIGN, section 3).

The request is made through access, its hold goes out by the outbox, and retention's own sweep reads it.
"""

from datetime import timedelta

import pytest

from homeward.access.cases.model import Approval
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET
from support.access_cases import COMMANDER, DAY, HOUR, OFFICER, REASON, CasesWorld, own_footage
from support.access_world import NOON
from support.retention_world import World

TAKEN_AT = NOON
ASKED_ON = 29 * DAY
LOOKED_ON = 45 * DAY


class BothWorlds:
    """Access and retention, with one time, and holds that go from one to the other as events."""

    def __init__(self) -> None:
        self.access = CasesWorld()
        self.retention = World()
        self._read = 0
        self.wanted = self.retention.put_clip(TAKEN_AT + HOUR / 2)
        self.wanted_crops = self.retention.put_clip(TAKEN_AT + HOUR / 2, bucket=CROPS_BUCKET)
        self.before = self.retention.put_clip(TAKEN_AT - HOUR)
        self.elsewhere = self.retention.put_clip(TAKEN_AT + HOUR / 2, camera_id="hall")

    def live(self, span: timedelta) -> None:
        """Let days pass, with the sweeps and the expiry of each."""
        for _ in range(span // DAY):
            self.step()
            for clock in (self.access.clock, self.retention.clock):
                clock.move(DAY)
        self.step()

    def step(self) -> None:
        self.access.cases.expire(self.access.clock.now())
        self.access.told()
        for hold in self.access.holds()[self._read :]:
            self.retention.holds[hold.hold_id] = hold
            self.retention.hold_table.apply(hold.hold_id, hold)
            self._read += 1
        self.retention.sweeper.sweep()

    def left(self) -> set[str]:
        return self.retention.keys(FOOTAGE_BUCKET) | self.retention.keys(CROPS_BUCKET)

    def ask(self) -> str:
        return self.access.ask(own_footage(self.access.clock.now(), ago=self.access.clock.now() - TAKEN_AT)).request_id


@pytest.fixture
def worlds() -> BothWorlds:
    return BothWorlds()


def test_footage_asked_for_on_day_29_is_there_on_day_45_and_nothing_else_is(worlds: BothWorlds) -> None:
    worlds.live(ASKED_ON)
    worlds.ask()
    worlds.live(LOOKED_ON - ASKED_ON)
    assert worlds.left() == {worlds.wanted, worlds.wanted_crops}


def test_footage_that_nobody_asked_for_is_gone(worlds: BothWorlds) -> None:
    worlds.live(LOOKED_ON)
    assert worlds.left() == set()


def test_the_hold_ends_by_itself(worlds: BothWorlds) -> None:
    worlds.live(ASKED_ON)
    worlds.ask()
    worlds.live(61 * DAY)
    assert worlds.left() == set()


def test_an_approval_a_search_and_its_end_take_nothing_from_who_asked(worlds: BothWorlds) -> None:
    worlds.live(ASKED_ON)
    request_id = worlds.ask()
    worlds.access.cases.approve(COMMANDER, request_id, Approval(REASON))
    worlds.live(DAY)
    worlds.live(LOOKED_ON - ASKED_ON - DAY)
    assert worlds.left() == {worlds.wanted, worlds.wanted_crops}


def test_an_official_who_stops_or_refuses_does_not_destroy_it(worlds: BothWorlds) -> None:
    worlds.live(ASKED_ON)
    worlds.access.cases.refuse(COMMANDER, worlds.ask(), REASON)
    worlds.live(LOOKED_ON - ASKED_ON)
    assert worlds.left() == {worlds.wanted, worlds.wanted_crops}
    stopped = BothWorlds()
    stopped.live(ASKED_ON)
    stopped.access.cases.stop(OFFICER, stopped.ask(), "stop")
    stopped.live(LOOKED_ON - ASKED_ON)
    assert stopped.left() == {stopped.wanted, stopped.wanted_crops}


def test_who_withdraws_lets_it_go(worlds: BothWorlds) -> None:
    worlds.live(ASKED_ON)
    form = own_footage(worlds.access.clock.now(), ago=worlds.access.clock.now() - TAKEN_AT)
    made = worlds.access.ask(form)
    worlds.step()
    worlds.access.receipts.withdraw(made.reference, made.secret)
    worlds.live(2 * DAY)
    assert worlds.left() == set()
