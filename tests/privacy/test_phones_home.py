"""Nothing of Homeward, nor any part it brings, tries to reach an address that its configuration does not name."""

import sys
from pathlib import Path

import pytest

from support.data import portraits, videos
from support.isolation import require_isolation, run_isolated
from support.models import model_folder


@pytest.fixture(autouse=True)
def _isolation() -> None:
    require_isolation()


DATAGRAM = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('203.0.113.9', 53))"
CONNECTION = """
import socket
with socket.socket() as client:
    client.settimeout(0.5)
    try:
        client.connect(("198.51.100.7", 443))
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("code", "reached"), [(DATAGRAM, "203.0.113.9"), (CONNECTION, "198.51.100.7")], ids=["datagram", "connection"]
)
def test_an_attempt_is_seen(code: str, reached: str) -> None:
    ended = run_isolated([sys.executable, "-c", code], 30, {})
    assert ended.status == 0, ended.output
    assert ended.attempts == [reached]


def test_loopback_is_no_attempt() -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    ended = run_isolated([sys.executable, "-c", code], 30, {})
    assert (ended.status, ended.attempts) == (0, []), ended.output


def test_the_whole_pipeline_reaches_nothing_outside(tmp_path: Path) -> None:
    """Every service, the broker, the object store and the command, from the first frame to the wiped template."""
    homeward = Path(sys.executable).with_name("homeward")
    command = [homeward, "demo", "--models", model_folder(), "--out", tmp_path / "out"]
    own = ["--video", videos() / "doorbell-person.mkv", "--photo", portraits() / "001-neutral.jpg"]
    ended = run_isolated([str(part) for part in [*command, *own]], 280, {})
    assert ended.status == 0, ended.output
    assert "0 · 1 · 0" in ended.output
    assert ended.attempts == []


OWN_EMBEDDER = """
import time
from homeward.embedding.adapters.onnx_embedder import OnnxEmbedder
from homeward.embedding.answers import EmbedderModel
from support.tiny_onnx import halves
OnnxEmbedder(halves(), EmbedderModel("own", "ab" * 32))
time.sleep(40)
"""


@pytest.mark.slow
def test_an_operators_own_embedder_reports_nothing() -> None:
    """The library behind it reports its use half a minute after it is loaded, unless it is told not to."""
    # The library keeps silent where CI is set, and an operator's machine has none.
    python = ["env", "-u", "CI", sys.executable, "-c"]
    plain = run_isolated([*python, "import onnxruntime, time; time.sleep(40)"], 60, {})
    assert plain.attempts, "the library reports nothing any more: what keeps it from it can go"
    tests = str(Path(__file__).parents[1])
    ours = run_isolated([*python, OWN_EMBEDDER], 60, {"PYTHONPATH": tests})
    assert (ours.status, ours.attempts) == (0, []), ours.output
