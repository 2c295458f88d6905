"""Two people, and the one it serves (DESIGN, invariant 4): across access and retention, and with either of them down.

Access decides and tells it by events; retention reads them, and wipes photos and templates by its own clock.
"""

from datetime import timedelta

import pytest

from homeward.access.cases.model import Approval, RequestState
from homeward.access.errors import ForbiddenError
from homeward.shared.objectkeys import SUBJECTS_BUCKET
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from support.access_cases import COMMANDER, HOUR, OFFICER, REASON, SUPERVISOR, CasesWorld, missing, photo
from support.retention_world import World

MINUTE = timedelta(minutes=1)


class BothWorlds:
    """Access and retention on one object store and one time; each authorisation that opens has a template."""

    def __init__(self) -> None:
        self.retention = World()
        self.access = CasesWorld(store=self.retention.store, key=self.retention.authority.key)
        self._read = 0

    def pass_time(self, span: timedelta, *, access: bool = True, retention: bool = True) -> None:
        """Let time pass; what is down meanwhile does nothing."""
        for clock in (self.access.clock, self.retention.clock):
            clock.move(span)
        if access:
            self.access.cases.expire(self.access.clock.now())
        self.hear()
        if retention:
            self.retention.handler.step()

    def hear(self) -> None:
        """Have retention and matching read what access has told."""
        for event in self.access.told()[self._read :]:
            self._read += 1
            if isinstance(event.message, Authorisation):
                self.retention.announce(event.key, event.message)
                if event.message.HasField("optional_token"):
                    self.retention.templates.counts[event.key] = 1

    def urgent(self) -> str:
        made = self.access.ask(missing(self.access.clock.now(), urgent=True))
        self.access.cases.start(OFFICER, made.request_id)
        self.hear()
        return made.request_id

    def left(self) -> int:
        """Return how many photos and templates there are."""
        return len(self.retention.keys(SUBJECTS_BUCKET)) + sum(self.retention.templates.counts.values())


@pytest.fixture
def worlds() -> BothWorlds:
    return BothWorlds()


@pytest.mark.parametrize("access", [True, False])
def test_one_signature_carries_a_search_for_an_hour_and_then_everything_is_wiped(
    worlds: BothWorlds, *, access: bool
) -> None:
    request_id = worlds.urgent()
    worlds.pass_time(59 * MINUTE, access=access)
    assert worlds.left() == 2
    worlds.pass_time(MINUTE, access=access)
    assert worlds.left() == 0
    worlds.pass_time(MINUTE)
    assert worlds.access.state(request_id) is RequestState.EXPIRED


def test_without_retention_the_photos_are_gone_all_the_same(worlds: BothWorlds) -> None:
    worlds.urgent()
    worlds.pass_time(HOUR, retention=False)
    assert worlds.retention.keys(SUBJECTS_BUCKET) == set()
    assert len(worlds.access.searches.stopped) == 1


def test_the_second_signature_keeps_it_alive(worlds: BothWorlds) -> None:
    request_id = worlds.urgent()
    worlds.pass_time(30 * MINUTE)
    worlds.access.cases.approve(SUPERVISOR, request_id, Approval(REASON))
    worlds.pass_time(23 * HOUR)
    assert worlds.left() == 2
    worlds.pass_time(HOUR)
    assert worlds.left() == 0


def test_nobody_is_two_people(worlds: BothWorlds) -> None:
    made = worlds.access.cases.ask(COMMANDER, missing(), [photo()])
    with pytest.raises(ForbiddenError, match="own_request"):
        worlds.access.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    worlds.hear()
    assert worlds.left() == 0
    worlds.access.cases.approve(SUPERVISOR, made.request_id, Approval(REASON))
    worlds.hear()
    assert worlds.left() == 2


def test_the_one_it_serves_ends_it_with_the_receipt_alone(worlds: BothWorlds) -> None:
    made = worlds.access.approved()
    worlds.hear()
    assert worlds.left() == 2
    worlds.access.receipts.withdraw(made.reference, made.secret)
    worlds.pass_time(timedelta(seconds=1))
    assert worlds.left() == 0
    assert worlds.access.state(made.request_id) is RequestState.WITHDRAWN


def test_a_token_of_what_has_ended_opens_nothing_again(worlds: BothWorlds) -> None:
    made = worlds.access.approved()
    worlds.hear()
    opened = worlds.access.authorisations()[0]
    worlds.access.cases.stop(OFFICER, made.request_id, "stop")
    worlds.pass_time(timedelta(seconds=1))
    worlds.retention.announce(made.request_id, opened)
    worlds.retention.put_photos(made.request_id)
    worlds.retention.restart()
    worlds.pass_time(timedelta(seconds=1))
    assert worlds.left() == 0
