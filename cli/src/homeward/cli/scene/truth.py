"""Who was where and when: what a composed scene is known to show."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homeward.cli.scene.portrait import Box


@dataclass(frozen=True, slots=True)
class TimedFace:
    """A face in one frame: its box in pixels, and how much of it somebody nearer hides, 0 to 1."""

    at_s: float
    box: Box
    hidden_share: float


@dataclass(frozen=True, slots=True)
class TrueAppearance:
    """One person, once through one camera's picture; seconds count from the video's first frame.

    `faces` holds every frame in which the whole face is inside the picture, hidden by somebody or not.
    """

    person_id: str
    camera_id: str
    from_s: float
    to_s: float
    faces: tuple[TimedFace, ...]

    def box_at(self, at_s: float) -> Box | None:
        """Return the face's box in the frame nearest to `at_s`, or None outside the appearance."""
        if not self.faces or not self.from_s <= at_s <= self.to_s:
            return None
        return min(self.faces, key=lambda face: abs(face.at_s - at_s)).box

    @property
    def face_width_px(self) -> tuple[float, float]:
        """Return the narrowest and the widest face in pixels."""
        widths = [face.box.width for face in self.faces]
        return min(widths), max(widths)


@dataclass(frozen=True, slots=True)
class CameraTruth:
    """One camera's video: its size, its pace, and every appearance in it by time."""

    camera_id: str
    width_px: int
    height_px: int
    frames_per_s: int
    lasts_s: float
    appearances: tuple[TrueAppearance, ...]


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """Every camera of a scene."""

    cameras: tuple[CameraTruth, ...]

    def of(self, person_id: str) -> tuple[TrueAppearance, ...]:
        """Return one person's appearances, camera by camera."""
        return tuple(seen for seen in self.all() if seen.person_id == person_id)

    def all(self) -> Iterator[TrueAppearance]:
        """Yield every appearance, camera by camera."""
        for camera in self.cameras:
            yield from camera.appearances

    def to_json(self) -> str:
        """Return the truth as JSON, numbers to a thousandth."""
        return json.dumps(_rounded(asdict(self)), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "SceneTruth":
        """Return the truth that `to_json` wrote; raise ValueError for anything else."""
        try:
            return cls(tuple(_camera(camera) for camera in json.loads(text)["cameras"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no scene's truth: {error}") from error

    def save(self, path: Path) -> None:
        """Write the truth to `path`."""
        path.write_text(self.to_json() + "\n", encoding="utf-8")


def _camera(raw: dict[str, Any]) -> CameraTruth:
    return CameraTruth(**{**raw, "appearances": tuple(_appearance(seen) for seen in raw["appearances"])})


def _appearance(raw: dict[str, Any]) -> TrueAppearance:
    faces = tuple(TimedFace(face["at_s"], Box(**face["box"]), face["hidden_share"]) for face in raw["faces"])
    return TrueAppearance(**{**raw, "faces": faces})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
