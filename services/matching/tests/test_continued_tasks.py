"""A task with faces enough leaves the rest of its stretch to another, which any replica takes."""

import pytest

from homeward.matching import messages
from homeward.matching.plan import Stretch
from homeward.shared.topics import SEARCH_TASKS
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import RATE, World
from support.matching_handlers import GATE, fill, open_search, search_task, sightings, tasks


def test_a_task_with_faces_enough_leaves_the_rest_to_another(world: World) -> None:
    fill(world)
    _, *waiting = open_search(world, task_messages=500)
    handler = tasks(world, task_faces=4)
    found, done, given_out = [], [], 0
    while waiting:
        events = handler.handle(waiting.pop())
        assert [event.event_id for event in handler.handle(events[-1])] == []
        found += [one.sighting_id for one in sightings(list(events))]
        given = [event for event in events if event.topic is SEARCH_TASKS and search_task(event).HasField("assigned")]
        completed = search_task(events[-1]).completed
        assert [search_task(event).task_id for event in given] == (
            [completed.optional_continued_by] if completed.HasField("optional_continued_by") else []
        )
        waiting += given
        given_out += len(given)
        done.append(completed)
    # 10 faces of the gate in fours, 1 of the hall.
    assert (given_out, len(done)) == (2, 4)
    assert sorted(one.faces_compared for one in done) == [1, 2, 4, 4]
    assert len(set(found)) == len(found) == 3
    assert sum(one.optional_expected_false_candidates for one in done) == pytest.approx(11 * RATE)


def test_a_task_done_twice_is_continued_once(world: World) -> None:
    fill(world)
    _, *assigned = open_search(world, task_messages=500)
    handler = tasks(world, task_faces=3)
    first, again = ([event.event_id for event in handler.handle(assigned[0])] for _ in range(2))
    assert first == again


def test_a_task_given_out_again_with_another_end_is_continued_once(world: World) -> None:
    fill(world)
    _, *assigned = open_search(world, task_messages=500)
    (whole,) = (event for event in assigned if search_task(event).assigned.faces_partition == GATE)
    handler = tasks(world, task_faces=3)
    # A plan that broke off is made again when the log has grown, and one that was made before saw less of it.
    short = messages.assigned(AUTHORISATION_ID, search_task(whole).task_id, Stretch(GATE, 0, 8), NOON)
    ways: list[list[str]] = []
    for given in (whole, short):
        ids, waiting = [], [given]
        while waiting:
            events = handler.handle(waiting.pop())
            ids.append(search_task(events[-1]).task_id)
            waiting += [one for one in events if one.topic is SEARCH_TASKS and search_task(one).HasField("assigned")]
        ways.append(ids)
    # 10 faces in threes, and 8: whoever adds up by task counts none of them twice.
    assert [len(ids) for ids in ways] == [4, 3]
    assert ways[0][:3] == ways[1]
