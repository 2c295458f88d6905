import heapq
import random
import threading
from datetime import timedelta

import pytest

from homeward.ingest.turnstile import SPACING_S, Turnstile
from homeward.shared.runtime.backoff import Backoff
from support.recording import ManualClock, ManualStop

OPEN_TIMEOUT_S = 10.0
CAMERAS = 2_000


def test_each_caller_has_a_turn_of_its_own_and_a_single_one_does_not_wait() -> None:
    clock = ManualClock()
    turnstile = Turnstile(clock)
    stop = ManualStop(clock)
    turnstile.wait(stop)
    assert clock.monotonic() == 0
    clock.sleep(5)
    passed = []
    for _ in range(50):
        turnstile.wait(stop)
        passed.append(clock.monotonic())
    # Some dozens that move together are through within half a second.
    assert passed == pytest.approx([5 + index * SPACING_S for index in range(50)])
    assert passed[-1] - passed[0] < 0.5


def test_a_stop_ends_the_wait() -> None:
    clock = ManualClock()
    turnstile = Turnstile(clock, spacing_s=3600)
    stop = threading.Event()
    turnstile.wait(stop)
    stop.set()
    turnstile.wait(stop)


@pytest.mark.parametrize("replicas", [1, 4])
def test_two_thousand_cameras_behind_a_switch_that_restarts_do_not_come_in_step(replicas: int) -> None:
    """Every attempt while the switch is away takes the open timeout; each replica has a turnstile of its own."""
    draw = random.Random(7)  # noqa: S311 - a simulation
    backoff = Backoff(timedelta(seconds=1), timedelta(seconds=30), draw.random)
    back_s = 90.0
    turns = [0.0] * replicas
    due = [(backoff.wait_s(1), camera, 1) for camera in range(CAMERAS)]
    heapq.heapify(due)
    attempts: list[float] = []
    connected: list[float] = []
    while due:
        at_s, camera, attempt = heapq.heappop(due)
        at_s = max(at_s, turns[camera % replicas])
        turns[camera % replicas] = at_s + SPACING_S
        attempts.append(at_s)
        if at_s >= back_s:
            connected.append(at_s)
        else:
            heapq.heappush(due, (at_s + OPEN_TIMEOUT_S + backoff.wait_s(attempt + 1), camera, attempt + 1))
    assert len(connected) == CAMERAS
    # No second sees more than the turnstiles let through, and nobody waits much longer than the longest back-off.
    for seen in (attempts, connected):
        worst = max(sum(second <= at_s < second + 1 for at_s in seen) for second in range(int(max(seen)) + 1))
        assert worst <= replicas / SPACING_S + replicas
    assert max(connected) - back_s < 30 + OPEN_TIMEOUT_S + CAMERAS * SPACING_S / replicas
