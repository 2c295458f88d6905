"""A clip as it is stored plays in a browser, with its sound."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from homeward.ingest.cameras.sources import Pacing, RecordingSpec, SourceSpec
from homeward.shared.clock import SystemClock
from support.chromium import play, require_chromium
from support.elementary import make_marked
from support.film import FilmSpec, cached_film
from support.load_cameras import LoadCameras
from support.studio import Studio

pytestmark = pytest.mark.chromium


@pytest.fixture(autouse=True)
def _browser() -> None:
    require_chromium()


def one_clip(studio: Studio) -> bytes:
    clip = next(clip for clip in studio.clips() if clip.HasField("stored"))
    return studio.store.get("footage", clip.stored.object_key)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_with_sound(studio: Studio, tmp_path: Path, b_frames: int) -> None:
    film = make_marked(tmp_path / "film.mp4", seconds=6, b_frames=b_frames, sound=True)
    recording = RecordingSpec(SystemClock().now(), Pacing.IMPORT)
    studio.record(SourceSpec("cam-1", film.as_uri(), None, timedelta(seconds=4), recording, audio=True))
    played = play(one_clip(studio), tmp_path)
    assert played.error is None
    assert played.ready_state >= 2
    assert played.current_time_s > 1
    assert (played.width, played.height) == (192, 108)
    assert played.frames > 10
    assert played.audio_bytes > 0


def test_a_clip_of_a_camera(studio: Studio, tmp_path: Path) -> None:
    film = cached_film(FilmSpec(640, 360, 25, 600_000, 25, 8))
    with LoadCameras(film, tmp_path, groups=1) as cameras:
        spec = SourceSpec("cam-1", cameras.url(0), None, timedelta(seconds=2), None)
        with studio.recording(spec):
            time.sleep(6)
    played = play(one_clip(studio), tmp_path)
    assert played.error is None
    assert played.current_time_s > 1
    assert (played.width, played.height) == (640, 360)
    assert played.frames > 10
    assert played.audio_bytes == 0
