"""How many cameras one core keeps up with: camera-seconds of video searched for faces in a second of CPU.

`make bench-detection`. A busy camera has three people walking at any time, a quiet one nobody; the peer is the same
detector on the whole of every frame.
"""

import io
import tempfile
import time
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from pydantic import SecretStr

from homeward.cli.scene.camera import SceneCamera
from homeward.cli.scene.compose import compose
from homeward.detection.adapters.pyav_clip import PyavClipReader
from homeward.detection.bootstrap import make_finder, rules
from homeward.detection.motion import Activity
from homeward.detection.ports import FaceFinder
from homeward.detection.sampling import SamplingPlan
from homeward.detection.search import search_clip
from homeward.detection.settings import DetectionSettings
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from measure import figure, publish, repeated
from support.models import model_folder
from support.scenes import compose_people, person_ids

_LASTS_S = 15.0


def settings() -> DetectionSettings:
    """Return the shipped settings; neither broker nor store is asked."""
    nowhere = ObjectStoreSettings(endpoint="none", access_key=SecretStr("none"), secret_key=SecretStr("none"))
    return DetectionSettings(
        kafka=KafkaSettings(bootstrap_servers="none"), object_store=nowhere, models_folder=model_folder()
    )


def cameras_per_core(video: bytes, finder: FaceFinder, shipped: DetectionSettings) -> float:
    """Return camera-seconds searched in a second of CPU."""
    found = rules(shipped)
    plan = SamplingPlan(key_frames_only=False, interval_s=found.interval_s)
    begun = time.process_time()
    with PyavClipReader(most_pixels=shipped.most_frame_pixels).open(io.BytesIO(video), plan) as clip:
        search_clip(clip.frames(), finder, found)
    return _LASTS_S / (time.process_time() - begun)


def every_frame_per_core(video: bytes, finder: FaceFinder) -> float:
    """Return camera-seconds in a second of CPU when the finder looks at the whole of every frame."""
    everywhere = Activity.everywhere(1280, 720)
    begun = time.process_time()
    with av.open(io.BytesIO(video), "r") as container:
        for frame in container.decode(video=0):
            finder.find(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), everywhere)
    return _LASTS_S / (time.process_time() - begun)


def main() -> None:
    """Measure and publish."""
    shipped = settings()
    with tempfile.TemporaryDirectory() as folder, closing(make_finder(shipped)) as finder:
        busy = next(iter(compose_people(person_ids()[:3], Path(folder), cameras=1, lasts_s=_LASTS_S).videos.values()))
        quiet = compose([SceneCamera("quiet", _LASTS_S)], Path(folder) / "quiet").videos["quiet"]
        videos = {"busy": (busy.read_bytes(), 20.0), "quiet": (quiet.read_bytes(), 80.0)}
        peer = every_frame_per_core(videos["busy"][0], finder)
        publish(
            *(
                figure(
                    f"detection.{name}_cameras_per_core",
                    repeated(lambda video=video: cameras_per_core(video, finder, shipped)),  # type: ignore[misc]
                    unit="cameras",
                    at_least=ask,
                    against=f"the same finder on every frame of the busy camera ({peer:.2f} cameras)",
                    source="1280x720, 10 frames/s, composed; 4 samples/s",
                )
                for name, (video, ask) in videos.items()
            )
        )


if __name__ == "__main__":
    main()
