"""Scenes of the test data's portraits: the neutral photo is the reference, the smiling one walks."""

import csv
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from homeward.cli.scene.camera import Backdrop, Look, SceneCamera
from homeward.cli.scene.compose import ComposedScene, compose
from homeward.cli.scene.portrait import FacePoints, Portrait
from homeward.cli.scene.schedule import Person, Traffic, plan_walks
from support.data import portraits

_LOOKS = (Look(), Look(gain=0.75, noise=1.5), Look(gain=0.85, blur_px=0.8))


def person_ids() -> list[str]:
    """Return the numbers of the 102 people of the test data, or skip the test."""
    return sorted(path.name.removesuffix("-neutral.jpg") for path in portraits().glob("*-neutral.jpg"))


def reference_photo(person_id: str) -> Path:
    """Return the photo to search with, which nobody in a scene wears."""
    return portraits() / f"{person_id}-neutral.jpg"


def portrait(name: str) -> Portrait:
    """Return a photo of the test data such as "001-smiling" with the face's place, measured once and kept beside."""
    picture = cv2.imread(str(portraits() / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return Portrait(np.asarray(picture, dtype=np.uint8), _faces()[name])


def compose_people(
    person_ids: list[str],
    folder: Path,
    *,
    cameras: int = 3,
    face_width_px: tuple[float, float] = (48.0, 120.0),
    seed: int = 1,
    lasts_s: float | None = None,
) -> ComposedScene:
    """Compose videos in which each of `person_ids`, smiling, walks past each of camera-1, camera-2 and so on once.

    About 7 s of video for three people; `lasts_s` spreads them over a longer time.
    """
    people = [Person(person_id, (portrait(f"{person_id}-smiling"),)) for person_id in person_ids]
    places = list(Backdrop)
    traffic = Traffic(face_width_px=face_width_px)
    made = []
    for number in range(cameras):
        plan = plan_walks(people, width_px=1280, height_px=720, seed=seed + number, traffic=traffic, lasts_s=lasts_s)
        made.append(
            SceneCamera(
                f"camera-{number + 1}",
                plan.lasts_s,
                plan.walkers,
                backdrop=places[number % len(places)],
                look=_LOOKS[number % len(_LOOKS)],
                seed=seed + number,
            )
        )
    return compose(made, folder)


@cache
def _faces() -> dict[str, FacePoints]:
    with (Path(__file__).parent / "portrait_faces.csv").open(encoding="utf-8") as file:
        return {
            row["portrait"]: FacePoints(
                (float(row["right_eye_x"]), float(row["right_eye_y"])),
                (float(row["left_eye_x"]), float(row["left_eye_y"])),
                (float(row["mouth_x"]), float(row["mouth_y"])),
            )
            for row in csv.DictReader(file)
        }
