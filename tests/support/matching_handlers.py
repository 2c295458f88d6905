"""The use cases of matching on a test's world, for tests that hand them events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from homeward.matching.handler.live import LiveHandler
from homeward.matching.handler.planning import PlanningHandler
from homeward.matching.handler.tasks import TaskHandler
from homeward.shared.events import Event
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.topics import FACES
from homewardapi.search.v1.search_pb2 import SearchTask
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import SUBJECT, World, clip, faces_event, opened

BEFORE = NOON - timedelta(hours=1)
GATE = partition_of("gate", FACES.partitions)
HALL = partition_of("hall", FACES.partitions)


@dataclass
class Telling:
    """A handler whose answer begins with what it announced before it returned."""

    world: World
    handler: PlanningHandler | TaskHandler

    def handle(self, event: Event) -> list[Event]:
        self.world.announced.take()
        following = self.handler.handle(event)
        return [*self.world.announced.take(), *following]


def planning(
    world: World,
    ready: Callable[[], bool] = lambda: True,
    task_messages: int = 4,
    handover: timedelta = timedelta(seconds=1),
) -> Telling:
    handler = PlanningHandler(
        authorisations=world.authorisations,
        enrolment=world.enrolment,
        log=world.log,
        announcer=world.announced,
        clock=world.clock,
        task_messages=task_messages,
        handover=handover,
        ready=ready,
    )
    return Telling(world, handler)


def tasks(world: World, ready: Callable[[], bool] = lambda: True, task_faces: int = 1000) -> Telling:
    handler = TaskHandler(
        authorisations=world.authorisations,
        comparison=world.comparison,
        log=world.log,
        announcer=world.announced,
        records=world.records,
        clock=world.clock,
        meter=world.meter,
        task_faces=task_faces,
        ready=ready,
    )
    return Telling(world, handler)


def live(world: World, ready: Callable[[], bool] = lambda: True) -> LiveHandler:
    return LiveHandler(
        authorisations=world.authorisations,
        comparison=world.comparison,
        records=world.live_records,
        clock=world.clock,
        meter=world.meter,
        ready=ready,
    )


def search_task(event: Event) -> SearchTask:
    assert isinstance(event.message, SearchTask)
    return event.message


def sightings(events: object) -> list[Sighting]:
    assert isinstance(events, list | tuple)
    return [event.message for event in events if isinstance(event.message, Sighting)]


def fill(world: World) -> None:
    """Put 10 clips of the gate and 3 of the hall into the log; the subject passes the gate twice, the hall once."""
    at = [BEFORE + timedelta(seconds=10 * number) for number in range(10)]
    gate = [faces_event(clip("gate", at[number], [SUBJECT] if number in {2, 7} else [5])) for number in range(10)]
    hall = [faces_event(clip("hall", at[number], [SUBJECT] if number == 1 else [])) for number in range(3)]
    # Other cameras share their partitions.
    world.log.records = {GATE: [*gate, faces_event(clip("yard", BEFORE, [SUBJECT]))], HALL: hall}


def open_search(world: World, task_messages: int = 4) -> list[Event]:
    """Return the plan's sum and then its tasks; it is told last, when all of them are given out."""
    event = opened(AUTHORISATION_ID, world.authority.token())
    events = planning(world, task_messages=task_messages).handle(event)
    return [*events[-1:], *events[:-1]]
