"""Several people who decide at the same moment."""

import threading
from collections.abc import Callable, Sequence
from uuid import uuid4

from homeward.access.cases.model import Approval, RequestFilter
from homeward.access.errors import AccessError, AlreadySentError
from support.access_cases import COMMANDER, OFFICER, REASON, SUPERVISOR, CasesWorld, missing, photo


def at_once(acts: Sequence[Callable[[], object]]) -> list[AccessError | None]:
    """Do everything at the same moment; return what each raised, in order."""
    outcomes: list[AccessError | None] = [None] * len(acts)
    line = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], object]) -> None:
        line.wait()
        try:
            act()
        except AccessError as error:
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def race_for_the_last_search(world: CasesWorld, limit: int) -> None:
    """Have more requests approved at once than may run: exactly as many run."""
    made = [world.ask() for _ in range(limit + 3)]

    def approval(request_id: str) -> Callable[[], object]:
        return lambda: world.cases.approve(COMMANDER, request_id, Approval(REASON))

    outcomes = at_once([approval(one.request_id) for one in made])
    assert outcomes.count(None) == limit
    assert {error.code for error in outcomes if error is not None} == {"live_searches"}
    running = [one.request_id for one in made if world.state(one.request_id).runs]
    assert len(running) == limit
    assert world.photos() == {f"{request_id}/0.jpg" for request_id in running}
    assert len(world.authorisations()) == limit


def race_for_one_request(world: CasesWorld) -> None:
    """Have one request approved, refused, stopped and withdrawn at once: one thing happens, or one and its end."""
    made = world.ask()
    outcomes = at_once(
        [
            lambda: world.cases.approve(COMMANDER, made.request_id, Approval(REASON)),
            lambda: world.cases.approve(SUPERVISOR, made.request_id, Approval(REASON)),
            lambda: world.cases.refuse(SUPERVISOR, made.request_id, REASON),
            lambda: world.receipts.withdraw(made.reference, made.secret),
        ]
    )
    approved, ended = outcomes[:2].count(None), outcomes[2:].count(None)
    assert approved <= 1
    assert ended == 1
    assert world.state(made.request_id).ended
    assert world.photos() == set()
    assert len(world.signer.signed) == approved
    assert len(world.authorisations()) == 2 * approved


def race_of_one_form(world: CasesWorld) -> None:
    """Have one form sent several times at once: one request is made, and everybody else is told which."""
    form, once = missing(world.clock.now()), uuid4()
    outcomes = at_once([lambda: world.cases.ask(OFFICER, form, [photo()], once)] * 4)
    (made,) = world.cases.requests(OFFICER, RequestFilter()).items
    assert outcomes.count(None) == 1
    told = [error.request_id for error in outcomes if isinstance(error, AlreadySentError)]
    assert told == [made.request_id] * 3
