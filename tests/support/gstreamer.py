"""GStreamer's RTSP server on loopback: a peer whose RTSP, RTP and RTCP are none of ours."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

_SYSTEM_PYTHON: Final = "/usr/bin/python3"
_SERVER: Final = Path(__file__).with_name("gst_server.py")
_HOST: Final = "127.0.0.1"
_STOP_S: Final = 10.0
_PROBE: Final = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
wanted = "qtdemux h264parse h265parse aacparse rtph264pay rtph265pay rtpmp4gpay"
print(" ".join(name for name in wanted.split() if Gst.ElementFactory.find(name) is None))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """One file to serve: MP4 with H.264 or H.265 ("h264", "h265"), and with AAC where `sound`."""

    file: Path
    codec: str
    sound: bool = False


@dataclass(frozen=True, slots=True)
class GstServer:
    """A running server."""

    port: int
    tls: bool

    def url(self, path: str) -> str:
        """Return the URL of a stream, by its path."""
        return f"rtsp{'s' if self.tls else ''}://{_HOST}:{self.port}{path}"


def require_gstreamer() -> None:
    """Skip the test where GStreamer's RTSP server is not installed, and fail it in CI."""
    if not Path(_SYSTEM_PYTHON).exists():
        missing = "the system's own Python"
    else:
        probe = subprocess.run([_SYSTEM_PYTHON, "-c", _PROBE], check=False, capture_output=True, text=True)
        missing = probe.stdout.strip() if probe.returncode == 0 else "its Python bindings"
    if not missing:
        return
    reason = (
        f"GStreamer's RTSP server lacks {missing}: on Debian, apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi "
        "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad glib-networking"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_gstreamer(
    streams: Mapping[str, Served], *, login: str | None = None, digest: bool = False, certificate: Path | None = None
) -> Iterator[GstServer]:
    """Serve `streams`, by path, until the block ends. `certificate` (PEM, with its key) makes it RTSP over TLS."""
    require_gstreamer()
    wanted = {
        "streams": {
            path: {"file": str(stream.file), "codec": stream.codec, "sound": stream.sound}
            for path, stream in streams.items()
        },
        "login": login,
        "digest": digest,
        "certificate": None if certificate is None else str(certificate),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.Popen(
        [_SYSTEM_PYTHON, str(_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        assert answer.isdigit(), "GStreamer's RTSP server did not start"
        yield GstServer(int(answer), tls=certificate is not None)
    finally:
        process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
