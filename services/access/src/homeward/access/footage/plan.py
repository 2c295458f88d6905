"""The operator's own plan of the site, and where on it each camera stands."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homeward.shared.objectkeys import CAMERA_ID

_PICTURE_BYTES_MAX: Final = 16 << 20
_KINDS: Final[Mapping[str, bytes]] = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

Share = Annotated[float, Field(ge=0, le=1)]


class PlanError(ValueError):
    """A plan that cannot be used; it names the file and what to do."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    picture: str
    cameras: dict[str, tuple[Share, Share]]


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A picture, and for each camera on it how far from its left and from its top, as shares of 1."""

    picture: bytes
    media_type: str
    places: Mapping[str, tuple[float, float]]

    @classmethod
    def load(cls, path: Path) -> "SitePlan":
        """Return the plan that the TOML file at `path` describes; its picture (PNG or JPEG) lies beside it.

        `picture = "plan.png"`, then `[cameras]` with `north-gate = [0.25, 0.6]` for each. An SVG is refused: it could
        carry a program. Raises PlanError.
        """
        try:
            document = _Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")), strict=False)
        except OSError as error:
            raise PlanError(f"{path} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PlanError(f"{path} is not TOML: {error}") from error
        except ValidationError as error:
            places = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
            raise PlanError(f"{path}: missing or malformed: {places}; places are two shares of 1, [x, y]") from error
        wrong = sorted(camera for camera in document.cameras if CAMERA_ID.fullmatch(camera) is None)
        if wrong:
            raise PlanError(f"{path}: these are no ids of cameras: {', '.join(wrong)}")
        if Path(document.picture).name != document.picture:
            raise PlanError(f"{path}: the picture lies beside the file and is named without a folder")
        picture_path = path.parent / document.picture
        try:
            picture = picture_path.read_bytes()
        except OSError as error:
            raise PlanError(f"{picture_path} cannot be read: {error.strerror}") from error
        media_type = next((kind for kind, magic in _KINDS.items() if picture.startswith(magic)), None)
        if media_type is None or len(picture) > _PICTURE_BYTES_MAX:
            raise PlanError(f"{picture_path} must be a PNG or JPEG of 16 MiB at the most")
        return cls(picture, media_type, dict(document.cameras))
