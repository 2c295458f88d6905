"""Cameras over HTTP: pictures one after the other, and MPEG-TS."""

import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.sources import Sources
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.ports import SourceUnreachableError
from homeward.shared.clock import SystemClock
from homewardapi.clip.v1.clip_pb2 import Clip
from support.elementary import make_marked
from support.studio import Studio
from support.video import packet_hashes

Sender = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(send: Sender) -> Iterator[str]:
    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                send(self)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


def spec(url: str, *, audio: bool = False) -> SourceSpec:
    return SourceSpec("cam-1", url, None, timedelta(seconds=2), None, audio=audio)


def jpegs(count: int) -> list[bytes]:
    found: list[bytes] = []
    for index in range(count):
        file = io.BytesIO()
        with av.open(file, "w", format="mjpeg") as container:
            stream: Any = container.add_stream("mjpeg", rate=10)
            stream.width, stream.height, stream.pix_fmt = 192, 108, "yuvj420p"
            picture = np.full((108, 192, 3), index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode())
        found.append(file.getvalue())
    return found


def footage(studio: Studio) -> list[Clip]:
    return [clip for clip in studio.clips() if clip.HasField("stored")]


def test_motion_jpeg_is_recorded_as_it_came(studio: Studio) -> None:
    pictures = jpegs(60)

    def send(camera: BaseHTTPRequestHandler) -> None:
        camera.send_response(200)
        camera.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        camera.end_headers()
        for picture in pictures:
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            camera.wfile.write(head.encode() + picture + b"\r\n")
            time.sleep(0.1)

    with served(send) as url, studio.recording(spec(url)):
        studio.clock.sleep(5)
    assert footage(studio)
    recorded = [digest for file in studio.files() for digest in packet_hashes(file)]
    sent = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    first = sent.index(recorded[0])
    assert first <= 1
    assert recorded == sent[first : first + len(recorded)]
    # Pictures that bear no time are timed by when they came.
    lasts = sum((c.ends_at.ToDatetime() - c.starts_at.ToDatetime() for c in footage(studio)), timedelta(0))
    assert abs(lasts.total_seconds() - len(recorded) / 10) < 0.6


def test_mpeg_ts_is_recorded_with_its_sound(studio: Studio, tmp_path: Path) -> None:
    video = make_marked(tmp_path / "source.mp4", seconds=20, sound=True)
    stream = tmp_path / "source.ts"
    with av.open(str(video)) as source, av.open(str(stream), "w") as target:
        copies = {one: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream]
                target.mux(packet)
    data = stream.read_bytes()

    def send(camera: BaseHTTPRequestHandler) -> None:
        camera.send_response(200)
        camera.send_header("Content-Type", "video/mp2t")
        camera.end_headers()
        pieces = 200
        size = len(data) // pieces
        for at in range(pieces):
            camera.wfile.write(data[at * size : (at + 1) * size])
            time.sleep(20 / pieces)

    with served(send) as url, studio.recording(spec(url, audio=True)):
        studio.clock.sleep(9)
    files = studio.files()
    assert len(files) >= 2
    with av.open(str(files[-1])) as container:
        assert [one.type for one in container.streams] == ["video", "audio"]
    assert {clip.stored.optional_audio_codec for clip in footage(studio)} >= {"aac"}


def test_a_camera_that_sends_elsewhere_is_not_followed() -> None:
    asked: list[str] = []

    def send(camera: BaseHTTPRequestHandler) -> None:
        asked.append(camera.path)
        camera.send_response(302)
        camera.send_header("Location", "/elsewhere")
        camera.end_headers()

    clients = Sources(
        CredentialFiles(None),
        open_timeout=timedelta(seconds=2),
        read_timeout=timedelta(seconds=2),
        clock=SystemClock(),
    )
    with served(send) as url, pytest.raises(SourceUnreachableError):
        clients.open(spec(url))
    assert asked == ["/video"]
