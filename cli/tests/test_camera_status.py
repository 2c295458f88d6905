from datetime import UTC, datetime, timedelta

from rich.console import Console

from homeward.cli.camera_status import alarms, seen, status_table
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1.camera_status_pb2 import (
    CAMERA_ALARM_NOT_RECORDED,
    CAMERA_ALARM_SPOOL_FILLING,
    CAMERA_STATE_CONNECTING,
    CAMERA_STATE_RECORDING,
    CameraStatus,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RECORDED = CameraStatus(
    camera_id="south",
    measured_at=to_timestamp(NOON - timedelta(seconds=30)),
    state=CAMERA_STATE_RECORDING,
    bits_per_s=4_100_000,
    frames_per_s=24.96,
    optional_codec="h264",
    optional_width_px=1920,
    optional_height_px=1080,
    optional_clock_offset=to_duration(timedelta(milliseconds=-1250)),
    packets_lost=3,
    spool_stretches=2,
    spool_bytes=3 << 20,
    optional_through=to_timestamp(NOON - timedelta(seconds=12)),
)
SILENT = CameraStatus(
    camera_id="north",
    measured_at=to_timestamp(NOON - timedelta(minutes=5)),
    state=CAMERA_STATE_CONNECTING,
    alarms=[CAMERA_ALARM_NOT_RECORDED, CAMERA_ALARM_SPOOL_FILLING],
)


def shown(*camera_ids: str) -> list[str]:
    console = Console(width=200, force_terminal=False)
    cameras = seen(camera_ids, {"south": RECORDED, "north": SILENT})
    with console.capture() as captured:
        console.print(status_table(cameras, NOON))
    return captured.get().splitlines()


def test_a_camera_that_is_well_needs_no_look() -> None:
    row = next(line for line in shown("south") if "south" in line)
    told = ("recording", "h264 1920x1080, 25.0 frames/s, 4100 kbit/s", "-1.250 s", "3", "2 (3.0 MiB)", "12 s ago")
    assert all(text in row for text in told)
    assert row.rstrip("│ ").endswith("12 s ago")


def test_what_needs_a_look_is_told_in_words() -> None:
    one, other = seen(["west", "north"], {"north": SILENT})
    assert alarms(one, NOON) == ["not recorded", "spool filling", "told 5 min ago"]
    assert alarms(other, NOON) == ["no recorder tells of it"]


def test_cameras_are_in_order() -> None:
    rows = [line for line in shown("west", "south", "north") if "│" in line]
    assert [next(word for word in row.split() if word.isalpha()) for row in rows if row[2].isalpha()] == [
        "north",
        "south",
        "west",
    ]
