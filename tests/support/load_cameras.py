"""Many cameras of our own on loopback, in a process of their own: see load_server.py for what they can do."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

_SERVER: Final = Path(__file__).with_name("load_server.py")
_STOP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A stretch of time over which a camera sent one viewer every frame, from a key frame on.

    `clock_ahead` is how much later the camera's own clock said that it was.
    """

    starts_at: datetime
    ends_at: datetime
    clock_ahead: timedelta


class LoadCameras:
    """Serves `film` (H.264 without B-frames, in MP4) as cameras 0, 1, 2 ...; `groups` of them stand apart in it."""

    def __init__(self, film: Path, folder: Path, *, groups: int = 20) -> None:
        self._command = [sys.executable, "-I", str(_SERVER), str(film), str(groups), str(folder / "sent.jsonl")]
        self._sent = folder / "sent.jsonl"
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._sent.unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._port = int(self._read())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def url(self, camera: int) -> str:
        """Return the URL of one camera."""
        return f"rtsp://127.0.0.1:{self._port}/cam-{camera}"

    def order(self, do: str, **details: float) -> Mapping[str, Any]:
        """Have something done, such as `order("cut", camera=3)`, and return the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._read()))

    def stop(self) -> None:
        """End the server; what it sent stays known."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def sent(self) -> dict[int, list[Sent]]:
        """Return what each camera sent, by its number; whole only once stopped."""
        runs: dict[int, list[Sent]] = {}
        for line in self._sent.read_text().splitlines():
            run = json.loads(line)
            starts_at, ends_at = (datetime.fromtimestamp(run[name], UTC) for name in ("from_s", "to_s"))
            one = Sent(starts_at, ends_at, timedelta(seconds=run["clock_s"]))
            runs.setdefault(run["camera"], []).append(one)
        return {camera: sorted(each, key=lambda one: one.starts_at) for camera, each in runs.items()}

    def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the load server ended"
        return line
