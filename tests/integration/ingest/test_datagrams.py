"""A bad network under RTP over UDP: what is lost is told to the frame, what is only late is no loss."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from homeward.ingest.cameras.sources import SourceSpec, Transport
from support.elementary import make_marked, marks, pictures
from support.faults import FaultProxy
from support.gstreamer import GstServer, Served, require_gstreamer, running_gstreamer
from support.studio import Studio
from support.told import gaps, told

pytestmark = pytest.mark.gstreamer

FPS: Final = 25
FRAME: Final = timedelta(seconds=1 / FPS)
GROUP: Final = timedelta(seconds=1)
NOISY: Final = timedelta(seconds=0.3)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_gstreamer()
    return make_marked(tmp_path_factory.mktemp("film") / "film.mp4", fps=FPS, gop=FPS, seconds=40, sound=True)


@pytest.fixture
def server(film: Path) -> Iterator[GstServer]:
    with running_gstreamer({"/yard": Served(film, "h264", sound=True)}) as server:
        yield server


@pytest.fixture
def network(server: GstServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port, seed=3) as network:
        yield network


@pytest.fixture
def source(server: GstServer, network: FaultProxy) -> SourceSpec:
    url = network.url(server.url("/yard"))
    return SourceSpec("cam-1", url, None, timedelta(seconds=2), None, audio=True, transport=Transport.UDP)


def numbers(studio: Studio) -> list[int]:
    return [number for file in studio.files() for number in marks(file)]


def assert_as_served(studio: Studio, film: Path) -> None:
    """Nothing but whole pictures of the film stands in the clips."""
    served = set(pictures(film))
    assert [digest for file in studio.files() for digest in pictures(file) if digest not in served] == []


def test_packets_that_are_late_and_overtake_each_other_are_no_loss(
    studio: Studio, network: FaultProxy, source: SourceSpec, film: Path
) -> None:
    network.weather.delay_s, network.weather.jitter_s = 0.03, 0.05
    with studio.recording(source):
        time.sleep(9)
    assert gaps(told(studio.clips())) == []
    found = numbers(studio)
    assert len(found) > 6 * FPS
    assert found == list(range(found[0], found[0] + len(found)))
    assert_as_served(studio, film)


def test_a_lost_packet_is_a_gap_from_its_frame_to_the_next_key_frame(
    studio: Studio, network: FaultProxy, source: SourceSpec, film: Path
) -> None:
    with studio.recording(source):
        time.sleep(5)
        network.lose_burst(1)
        time.sleep(5)
    lost_at = datetime.fromtimestamp(network.lost[0].at_s, UTC)
    found = gaps(told(studio.clips()))
    assert [gap.what for gap in found] == ["PACKETS_LOST"]
    assert abs(found[0].starts_at - lost_at) < FRAME + NOISY
    assert found[0].lasts <= GROUP
    # Exactly the pictures of the gap's time are missing.
    recorded = numbers(studio)
    missing = sorted(set(range(recorded[0], recorded[-1] + 1)) - set(recorded))
    assert len(missing) * FRAME == pytest.approx(found[0].lasts, abs=FRAME / 2)
    assert missing == list(range(missing[0], missing[0] + len(missing)))
    assert (missing[-1] + 1) % FPS == 0
    assert_as_served(studio, film)


def test_a_network_that_loses_one_in_a_hundred_tells_every_gap(
    studio: Studio, network: FaultProxy, source: SourceSpec, film: Path
) -> None:
    network.lose(0.01, track=0)
    with studio.recording(source):
        time.sleep(20)
    stretches = told(studio.clips())
    found = gaps(stretches)
    assert network.lost
    assert found
    assert {gap.what for gap in found} == {"PACKETS_LOST"}
    recorded = numbers(studio)
    missing = set(range(recorded[0], recorded[-1] + 1)) - set(recorded)
    # A gap at the very end is cut short by the recording's own end, and no later picture tells what it lacks.
    inside = [gap.lasts for gap in found if gap is not stretches[-1]]
    assert len(missing) * FRAME == pytest.approx(sum(inside, timedelta(0)), abs=FRAME)
    assert_as_served(studio, film)


def test_sound_that_is_lost_is_no_gap(studio: Studio, network: FaultProxy, source: SourceSpec, film: Path) -> None:
    with studio.recording(source):
        time.sleep(3)
        network.lose(0.2, track=1)
        time.sleep(5)
    assert network.lost
    assert gaps(told(studio.clips())) == []
    assert_as_served(studio, film)


def test_a_network_that_lets_nothing_through_is_a_lost_source(
    studio: Studio, network: FaultProxy, source: SourceSpec
) -> None:
    with studio.recording(source):
        time.sleep(4)
        network.lose(1)
        at = datetime.now(UTC)
        time.sleep(5)
        network.lose(0)
        time.sleep(4)
    stretches = told(studio.clips())
    found = gaps(stretches)
    assert abs(found[0].starts_at - at) < FRAME + NOISY
    assert found[0].what == "SOURCE_LOST"
    assert stretches[-1].what == "footage"
