"""The demo's scene: two cameras past which the cast walks, in a few minutes of video with known truth."""

from datetime import datetime
from pathlib import Path
from typing import Final

from homeward.cli.demo.portraits import DemoCast
from homeward.cli.scene.camera import Backdrop, Look, SceneCamera
from homeward.cli.scene.compose import ComposedScene, compose
from homeward.cli.scene.schedule import Traffic, plan_walks

LASTS_S: Final = 90.0
_SIZE_PX: Final = (960, 540)
_PLACES: Final = (("entrance", Backdrop.HALL, Look(gain=0.92)), ("street", Backdrop.STREET, Look(gain=0.85, noise=1.3)))
_TRAFFIC: Final = Traffic(face_width_px=(48.0, 100.0), walk_s=(6.0, 9.0), at_once=3, walks_each=4)

CAMERA_IDS: Final = tuple(place for place, _, _ in _PLACES)


def film(
    cast: DemoCast, folder: Path, *, starts_at: datetime, lasts_s: float = LASTS_S, seed: int = 7
) -> ComposedScene:
    """Compose the demo's videos, one for each of `CAMERA_IDS`, into `folder`.

    `starts_at` is the time burnt into the first frame. Everybody walks past each camera several times, the more the
    longer the video lasts (20 s at the least). Blocks for about a fifth of `lasts_s` on two cores.
    """
    rounds = max(1, int(_TRAFFIC.walks_each * lasts_s / LASTS_S))
    traffic = Traffic(_TRAFFIC.face_width_px, _TRAFFIC.walk_s, _TRAFFIC.at_once, rounds)
    cameras = []
    for number, (camera_id, backdrop, look) in enumerate(_PLACES):
        plan = plan_walks(
            cast.people,
            width_px=_SIZE_PX[0],
            height_px=_SIZE_PX[1],
            seed=seed + number,
            traffic=traffic,
            lasts_s=lasts_s,
        )
        cameras.append(
            SceneCamera(
                camera_id,
                plan.lasts_s,
                plan.walkers,
                *_SIZE_PX,
                backdrop=backdrop,
                look=look,
                seed=seed + number,
                clock_starts_at=starts_at,
            )
        )
    return compose(cameras, folder)
