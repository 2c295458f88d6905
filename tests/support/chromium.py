"""A headless Chromium: for a test to drive, or to play a clip from loopback and say how it went."""

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, sync_playwright

_HOST: Final = "127.0.0.1"
_PATIENCE_S: Final = 60.0
_PLAYS_S: Final = 1.0
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")

_PAGE: Final = """<!doctype html><video id="clip" muted autoplay src="/clip.mp4"></video><script>
const clip = document.getElementById("clip");
let told = false;
function tell(error) {
  if (told) return;
  told = true;
  fetch("/told", {method: "POST", body: JSON.stringify({
    error: error, readyState: clip.readyState, currentTime: clip.currentTime, width: clip.videoWidth,
    height: clip.videoHeight, frames: clip.getVideoPlaybackQuality().totalVideoFrames,
    audioBytes: clip.webkitAudioDecodedByteCount || 0})});
}
clip.addEventListener("error", () => tell(clip.error.message || "error " + clip.error.code));
clip.addEventListener("timeupdate", () => { if (clip.currentTime > PLAYS_S) tell(null); });
clip.addEventListener("ended", () => tell(null));
</script>""".replace("PLAYS_S", str(_PLAYS_S))


@dataclass(frozen=True, slots=True)
class Played:
    """What the browser says of the clip once it has played for a second, or has failed with `error`.

    `ready_state` is HTMLMediaElement's, 2 and more with a picture; `audio_bytes` is how much sound it decoded.
    """

    error: str | None
    ready_state: int
    current_time_s: float
    width: int
    height: int
    frames: int
    audio_bytes: int


def require_chromium() -> str:
    """Return the browser; skip the test where there is none, and fail it in CI."""
    for program in _PROGRAMS:
        if (found := shutil.which(program)) is not None:
            return found
    reason = "a browser is missing: on Debian, apt-get install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a browser to drive; Playwright refuses a second one in a process."""
    program = require_chromium()
    with sync_playwright() as playwright:
        # Tests may run as root, which the sandbox refuses; the pages are our own.
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()


def play(clip: bytes, folder: Path) -> Played:
    """Play `clip`, with the browser's own data in `folder`."""
    program = require_chromium()
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    server = ThreadingHTTPServer((_HOST, 0), _handler(clip, told))
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    browser = subprocess.Popen(
        [
            program,
            "--headless=new",
            "--no-sandbox",  # tests may run as root, which the sandbox refuses; the page is our own
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={folder / 'browser'}",
            f"http://{_HOST}:{server.server_address[1]}/",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = told.get(timeout=_PATIENCE_S)
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        server.shutdown()
        serving.join()
        server.server_close()
    return Played(
        said["error"],
        said["readyState"],
        said["currentTime"],
        said["width"],
        said["height"],
        said["frames"],
        said["audioBytes"],
    )


def _handler(clip: bytes, told: "queue.Queue[dict[str, Any]]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._answer("text/html", _PAGE.encode())
            elif self.path == "/clip.mp4":
                self._answer("video/mp4", clip)
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("text/plain", b"")

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
