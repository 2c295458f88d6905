"""Retention as a part: it waits for its tables and for what is away, and for nothing else."""

import threading
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from homeward.retention.metrics import RetentionMetrics
from homeward.retention.part import RetentionPart
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.runtime.backoff import Backoff
from support.authorisations import NOON
from support.retention_world import DAY, World


class _Table:
    def __init__(self) -> None:
        self.read = threading.Event()

    def caught_up(self, timeout: timedelta) -> bool:
        return self.read.wait(min(0.01, timeout.total_seconds()))


def _part(world: World, *tables: _Table) -> RetentionPart:
    soon = timedelta(milliseconds=10)
    return RetentionPart(
        world.handler,
        world.backstop,
        tables,
        metrics=RetentionMetrics(CollectorRegistry()),
        step_every=soon,
        backoff=Backoff(soon, soon),
    )


def test_nothing_is_deleted_before_every_table_is_read() -> None:
    world = World()
    world.put_clip(NOON - 31 * DAY)
    read, unread = _Table(), _Table()
    read.read.set()
    part, stop = _part(world, read, unread), threading.Event()
    thread = threading.Thread(target=part.run, args=(stop,), daemon=True)
    thread.start()
    assert not stop.wait(0.1)
    assert world.keys(FOOTAGE_BUCKET)
    assert not part.ready()
    unread.read.set()
    while not part.ready():
        assert not stop.wait(0.01)
    assert not world.keys(FOOTAGE_BUCKET)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("away", ["store", "audit"])
def test_what_is_away_is_waited_for(away: str) -> None:
    world = World()
    world.put_clip(NOON - 31 * DAY)
    world.store.available = away != "store"
    world.audit.away = away == "audit"
    part, stop = _part(world), threading.Event()
    thread = threading.Thread(target=part.run, args=(stop,), daemon=True)
    thread.start()
    assert not stop.wait(0.1)
    assert not part.ready()
    world.store.available = True
    world.audit.away = False
    while not part.ready():
        assert not stop.wait(0.01)
    assert not world.keys(FOOTAGE_BUCKET)
    stop.set()
    thread.join(10)


def test_it_stops_while_it_waits_for_a_table() -> None:
    part, stop = _part(World(), _Table()), threading.Event()
    stop.set()
    part.run(stop)
