from datetime import timedelta

from homeward.ingest.cameras.roster import CameraRoster
from homeward.ingest.status.report import OwnedCamera, Standing
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1.camera_pb2 import Camera, Pace, Recording, Source
from support.recording import NOON


class Table:
    def __init__(self) -> None:
        self.is_read = False

    def caught_up(self, timeout: timedelta) -> bool:
        assert not timeout, "nobody may wait here"
        return self.is_read


def camera(url: str = "rtsp://camera.test/1", *, enabled: bool = True, clip_s: float = 10) -> Camera:
    length = to_duration(timedelta(seconds=clip_s))
    return Camera(camera_id="cam-1", source=Source(url=url), clip_length=length, enabled=enabled)


def test_a_camera_is_told_as_it_is_described() -> None:
    roster = CameraRoster(lambda _: True, lambda _: 7)
    recording = camera("file:///a.mp4")
    starts_at = to_timestamp(NOON)
    recording.source.optional_recording.CopyFrom(Recording(starts_at=starts_at, pace=Pace.PACE_LIVE))
    scheduled = camera()
    scheduled.optional_schedule.time_zone = "Asia/Taipei"
    for name, message in {
        "live": camera(),
        "off": camera(enabled=False),
        "refused": camera(clip_s=1),
        "recording": recording,
        "scheduled": scheduled,
    }.items():
        roster.change(name, message)
    told = roster.cameras()
    assert {name: one.standing for name, one in told.items()} == {
        "live": Standing.WANTED,
        "off": Standing.DISABLED,
        "refused": Standing.REFUSED,
        "recording": Standing.WANTED,
        "scheduled": Standing.WANTED,
    }
    assert told["live"] == OwnedCamera(Standing.WANTED, epoch=7)
    assert not told["recording"].live
    assert told["scheduled"].schedule is not None


def test_only_the_owner_tells_of_a_camera() -> None:
    roster = CameraRoster(lambda camera_id: camera_id == "own")
    for name in ("own", "anothers"):
        roster.change(name, camera())
    assert list(roster.cameras()) == ["own"]


def test_a_camera_is_removed_only_once_the_table_is_read() -> None:
    roster, table = CameraRoster(lambda _: True), Table()
    assert not roster.is_removed("cam-1")
    roster.follow(table)
    assert not roster.is_removed("cam-1")
    table.is_read = True
    assert roster.is_removed("cam-1")
    roster.change("cam-1", camera())
    assert not roster.is_removed("cam-1")
    roster.change("cam-1", None)
    assert roster.is_removed("cam-1")
