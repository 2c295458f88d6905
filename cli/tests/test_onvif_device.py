import pytest

from homeward.cli.onvif.device import (
    Device,
    Profile,
    add_command,
    name_in,
    suggested_id,
    without_secrets,
)
from homeward.shared.objectkeys import CAMERA_ID


def device(*profiles: Profile) -> Device:
    return Device("Example", "Gate 4", "1.2.3", None, profiles)


def profile(name: str, codec: str | None, width_px: int, height_px: int) -> Profile:
    return Profile(name, f"rtsp://192.0.2.7/{name}", codec, width_px, height_px)


def test_the_largest_picture_that_can_be_recorded_is_the_best() -> None:
    small, large = profile("small", "H264", 640, 360), profile("large", "H265", 3840, 2160)
    stills = profile("stills", "JPEG", 8000, 6000)
    assert device(small, large, stills).best() == large
    assert device(stills).best() is None
    assert device(profile("untold", None, 0, 0)).best() is not None


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "CAM_1.example", "x" * 100, "..."])
def test_a_suggested_id_is_a_camera_s_id(host: str) -> None:
    assert CAMERA_ID.fullmatch(suggested_id(host))


def test_the_command_quotes_what_a_shell_would_read() -> None:
    odd = Profile("main", "rtsp://192.0.2.7/a?b=1&c=$(reboot)")
    command = add_command(device(odd), odd, "192.0.2.7", credentials=False)
    assert command == (
        "homeward cameras add camera-192-0-2-7 'rtsp://192.0.2.7/a?b=1&c=$(reboot)' --name 'Example Gate 4'"
    )


def test_secrets_are_taken_out_of_urls() -> None:
    assert without_secrets("rtsp://user:p@ss@192.0.2.7:554/a?b=1") == "rtsp://192.0.2.7:554/a?b=1"
    assert without_secrets("rtsp://192.0.2.7/a") == "rtsp://192.0.2.7/a"


def test_names_are_read_out_of_scopes() -> None:
    scopes = ["onvif://www.onvif.org/type/video_encoder", "onvif://www.onvif.org/name/North gate"]
    assert name_in(scopes, "name") == "North gate"
    assert not name_in(scopes, "hardware")
