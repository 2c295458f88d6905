import random
from datetime import timedelta

import pytest

from homeward.ingest.media.clockdrift import ClockAlarm, ClockDrift, ClockLimits, Reading


def measured(ppm: float, *, seconds: int, offset_s: float = 0.3, jitter_s: float = 0.01, seed: int = 1) -> ClockDrift:
    """Follow a camera whose packets are late by up to `jitter_s`, and now and then by two seconds."""
    network = random.Random(seed)  # noqa: S311 - a network, no secret
    drift = ClockDrift()
    for at_s in range(0, seconds, 2):
        late_s = network.random() * jitter_s + (2 if network.random() < 0.02 else 0)
        drift.add(at_s, offset_s + at_s * ppm / 1e6 - late_s, told=True)
    return drift


@pytest.mark.parametrize("ppm", [0, 50, -50, 300])
def test_an_hour_gives_the_drift_to_a_few_ppm(ppm: float) -> None:
    reading = measured(ppm, seconds=4000).reading()
    assert reading.drift_ppm == pytest.approx(ppm, abs=3)
    assert reading.offset is not None
    assert reading.offset.total_seconds() == pytest.approx(0.3 + 4000 * ppm / 1e6, abs=0.02)


def test_a_quarter_of_delayed_points_does_not_move_the_drift() -> None:
    network = random.Random(3)  # noqa: S311 - a network, no secret
    drift = ClockDrift()
    for at_s in range(0, 3600, 10):
        drift.add(at_s, at_s * 100e-6 - (0.08 if network.random() < 0.2 else 0), told=True)
    assert drift.reading().drift_ppm == pytest.approx(100, abs=10)


def test_too_short_a_time_tells_no_drift() -> None:
    reading = measured(50, seconds=100).reading()
    assert reading.drift_ppm is None
    assert reading.offset is not None


def test_a_clock_that_was_set_is_measured_anew() -> None:
    drift = measured(100, seconds=2000)
    for at_s in range(2000, 3000, 2):
        drift.add(at_s, 5 + at_s * 100 / 1e6, told=True)
    reading = drift.reading()
    assert reading.drift_ppm == pytest.approx(100, abs=5)
    assert reading.offset is not None
    assert reading.offset > timedelta(seconds=5)


def test_one_choked_point_is_no_set_clock() -> None:
    drift = measured(20, seconds=2000, jitter_s=0)
    for at_s in range(2000, 2400, 2):
        drift.add(at_s, 0.3 + at_s * 20 / 1e6 - (1.5 if 2100 <= at_s < 2110 else 0), told=True)
    assert drift.reading().drift_ppm == pytest.approx(20, abs=1)


def test_a_camera_that_does_not_tell_its_time_has_a_drift_and_no_offset() -> None:
    drift = ClockDrift()
    for at_s in range(0, 1000, 5):
        drift.add(at_s, at_s * 70 / 1e6, told=False)
    reading = drift.reading()
    assert reading.offset is None
    assert reading.drift_ppm == pytest.approx(70, abs=1)
    drift.add(1000, 0.5, told=True)
    assert drift.reading() == Reading(timedelta(seconds=0.5), None)


def test_memory_is_bounded() -> None:
    drift = measured(10, seconds=20_000)
    assert len(drift._points) <= 361


def test_past_either_limit_there_is_an_alarm() -> None:
    limits = ClockLimits()
    assert limits.alarms(Reading(timedelta(seconds=-0.9), 199.0)) == frozenset()
    assert limits.alarms(Reading(timedelta(seconds=-1.1), -201.0)) == {ClockAlarm.OFFSET, ClockAlarm.DRIFT}
    assert limits.alarms(Reading(None, None)) == frozenset()
