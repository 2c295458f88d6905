"""A bad network between a camera and its recorder, over TCP: what is missing is told, and recording goes on."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from homeward.ingest.cameras.sources import SourceSpec
from support.faults import FaultProxy
from support.film import SMALL, cached_film
from support.load_cameras import LoadCameras
from support.studio import Studio
from support.told import gaps, told

FRAME: Final = timedelta(seconds=1 / SMALL.fps)
GROUP: Final = timedelta(seconds=SMALL.gop / SMALL.fps)
SETTLED_S: Final = 4.0
READ_TIMEOUT: Final = timedelta(seconds=2)
"""The studio's."""

NOISY: Final = timedelta(seconds=0.25)
"""What the machine may add: another process gets the core first."""


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[LoadCameras]:
    with LoadCameras(cached_film(SMALL), tmp_path, groups=1) as cameras:
        yield cameras


@pytest.fixture
def network(cameras: LoadCameras) -> Iterator[FaultProxy]:
    with FaultProxy(cameras.port) as network:
        yield network


def spec(url: str) -> SourceSpec:
    return SourceSpec("cam-1", url, None, timedelta(seconds=2), None)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_network_that_is_always_late_makes_no_gap(studio: Studio, cameras: LoadCameras, network: FaultProxy) -> None:
    network.delay_s = 0.3
    with studio.recording(spec(network.url(cameras.url(0)))):
        time.sleep(SETTLED_S + 3)
    stretches = told(studio.clips())
    assert [one.what for one in stretches if one.what != "footage"] == []
    assert sum((one.lasts for one in stretches), timedelta(0)) > timedelta(seconds=3)


def test_a_connection_that_is_half_open_is_lost_within_the_read_timeout(
    studio: Studio, cameras: LoadCameras, network: FaultProxy
) -> None:
    with studio.recording(spec(network.url(cameras.url(0)))):
        time.sleep(SETTLED_S)
        network.stall()
        stalled = now()
        deadline = time.monotonic() + 8
        while network.accepted < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        noticed = now()
        # What is sent to it from now on goes nowhere, until a new connection is let through.
        network.cut()
        time.sleep(SETTLED_S)
    lost = [gap for gap in gaps(told(studio.clips())) if gap.what in ("SOURCE_LOST", "SOURCE_UNREACHABLE")]
    assert lost[0].what == "SOURCE_LOST"
    assert abs(lost[0].starts_at - stalled) < FRAME + NOISY
    assert noticed - stalled < READ_TIMEOUT + timedelta(seconds=1)
    # Footage again after the connection: within its first group of pictures and the wait between attempts.
    assert lost[-1].ends_at - noticed < timedelta(seconds=3)


def test_a_server_that_is_started_anew_is_recorded_again(
    studio: Studio, cameras: LoadCameras, network: FaultProxy
) -> None:
    with studio.recording(spec(network.url(cameras.url(0)))):
        time.sleep(SETTLED_S)
        away = now()
        cameras.order("restart", for_s=2)
        time.sleep(2 + SETTLED_S)
        ended = now()
    stretches = told(studio.clips())
    found = gaps(stretches)
    assert abs(found[0].starts_at - away) < FRAME + NOISY
    assert {gap.what for gap in found} <= {"SOURCE_LOST", "SOURCE_UNREACHABLE"}
    length = found[-1].ends_at - found[0].starts_at
    assert timedelta(seconds=2) - NOISY < length < timedelta(seconds=2) + GROUP + timedelta(seconds=1)
    assert stretches[-1].what == "footage"
    assert ended - stretches[-1].ends_at < timedelta(seconds=1)


def test_noise_between_two_packets_is_a_gap_and_no_more(
    studio: Studio, cameras: LoadCameras, network: FaultProxy
) -> None:
    with studio.recording(spec(network.url(cameras.url(0)))):
        time.sleep(SETTLED_S)
        at = now()
        network.garbage(20_000)
        time.sleep(SETTLED_S + 2)
    stretches = told(studio.clips())
    found = gaps(stretches)
    # What came before the noise is kept, and within some seconds there is footage again.
    assert all(gap.starts_at > at - timedelta(seconds=1) for gap in found)
    assert all(gap.ends_at < at + READ_TIMEOUT + GROUP + timedelta(seconds=2) for gap in found)
    assert stretches[-1].what == "footage"


def test_packets_that_the_camera_itself_leaves_out_are_a_gap_to_the_next_key_frame(
    studio: Studio, cameras: LoadCameras
) -> None:
    with studio.recording(spec(cameras.url(0))):
        time.sleep(SETTLED_S)
        # The film has one packet a frame between its key frames: the whole frame is lost.
        at = now()
        cameras.order("lose", camera=0, packets=1)
        time.sleep(SETTLED_S)
    found = gaps(told(studio.clips()))
    assert [gap.what for gap in found] == ["PACKETS_LOST"]
    assert abs(found[0].starts_at - at) < 2 * FRAME + NOISY
    assert found[0].lasts <= GROUP
