"""Finding a camera and asking it, on loopback alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from homeward.cli.__main__ import app
from homeward.cli.onvif.device import Device, OnvifError
from homeward.cli.onvif.discovery import discover
from homeward.cli.onvif.probing import Login, address_of, probe
from homeward.shared.clock import SystemClock
from support.onvif_device import LOOPBACK, DiscoveryAnswerer, OnvifDevice, Stream, probe_match

MAIN = Stream("main", "H264", 1920, 1080, audio_codec="AAC")
SMALL = Stream("small", "H264", 640, 360, fps=10, kbit_per_s=512)
STILLS = Stream("stills", "JPEG", 3840, 2160)
PASSWORD = "correct horse"  # noqa: S105 - the fake camera's
PATIENCE = timedelta(seconds=20)


def asked(device: OnvifDevice, password: str | None = PASSWORD) -> Device:
    login = None if password is None else Login(SecretStr("viewer"), SecretStr(password))
    return probe(address_of(f"{LOOPBACK}:{device.port}"), login, SystemClock(), patience=PATIENCE)


def test_a_camera_tells_what_it_is_and_what_it_sends() -> None:
    with OnvifDevice((SMALL, MAIN, STILLS), password=PASSWORD) as device:
        told = asked(device)
    assert (told.manufacturer, told.model, told.firmware) == ("Example", "Gate 4", "1.2.3")
    assert told.clock_offset is not None
    assert abs(told.clock_offset) < timedelta(seconds=2)
    best = told.best()
    assert best == told.profiles[1]
    assert best is not None
    assert (best.codec, best.width_px, best.height_px, best.frames_per_s, best.kbit_per_s, best.audio_codec) == (
        "H264",
        1920,
        1080,
        25,
        4096,
        "AAC",
    )
    # The camera put its password into the URL.
    assert best.url == f"rtsp://{LOOPBACK}:554/main?unicast=1"


def test_a_camera_with_a_wrong_clock_is_asked_by_its_own_time() -> None:
    with OnvifDevice((MAIN,), password=PASSWORD, ahead=timedelta(hours=-3)) as device:
        told = asked(device)
    assert told.clock_offset is not None
    assert abs(told.clock_offset + timedelta(hours=3)) < timedelta(seconds=2)


def test_a_camera_that_asks_for_nothing_is_asked_without_credentials() -> None:
    with OnvifDevice((MAIN,)) as device:
        assert asked(device, None).best() is not None


@pytest.mark.parametrize("password", ["mistaken", None])
def test_refused_credentials_are_told_and_not_repeated(password: str | None) -> None:
    with (
        OnvifDevice((MAIN,), password=PASSWORD) as device,
        pytest.raises(OnvifError, match="refuses the cred") as refused,
    ):
        asked(device, password)
    assert "mistaken" not in str(refused.value)


def test_a_camera_that_points_elsewhere_gets_no_credentials_sent_there() -> None:
    with OnvifDevice((MAIN,), password=PASSWORD, services_host="localhost") as device:
        with pytest.raises(OnvifError, match="another host"):
            asked(device)
        assert "GetProfiles" not in device.asked


def test_an_address_where_nothing_answers_is_an_error() -> None:
    with OnvifDevice(()) as device:
        port = device.port
    with pytest.raises(OnvifError, match="no ONVIF device"):
        probe(address_of(f"{LOOPBACK}:{port}"), None, SystemClock(), patience=PATIENCE)


def test_the_command_prints_how_to_record_the_camera(tmp_path: Path) -> None:
    secret = tmp_path / "north-gate"
    secret.write_text(f"viewer:{PASSWORD}\n")
    with OnvifDevice((SMALL, MAIN), password=PASSWORD) as device:
        done = CliRunner().invoke(app, ["cameras", "probe", f"{LOOPBACK}:{device.port}", "--credentials", str(secret)])
    assert done.exit_code == 0, done.output
    assert (
        f"homeward cameras add camera-127-0-0-1 'rtsp://{LOOPBACK}:554/main?unicast=1' --name 'Example Gate 4' "
        "--credentials camera-127-0-0-1"
    ) in done.output
    assert PASSWORD not in done.output


def test_cameras_that_answer_on_the_network_are_found_once_each() -> None:
    answers = (
        probe_match("1", f"http://10.1.2.3/onvif http://{LOOPBACK}:8080/onvif/device_service", "North%20gate"),
        probe_match("2", "http://10.1.2.3/onvif", "South"),
        b"not XML",
        probe_match("3", "", "Someone").replace(b"RELATES-TO", b"urn:another-question"),
        probe_match("4", "", "").replace(b"<d:MetadataVersion>1</d:MetadataVersion>", b""),
    )
    with DiscoveryAnswerer(answers) as answerer:
        found = discover(
            SystemClock(), timedelta(seconds=1.5), addresses=[LOOPBACK], group=(answerer.GROUP, answerer.port)
        )
    assert [(one.address, one.name, one.hardware) for one in found] == [
        (LOOPBACK, "South", "GATE-4"),
        (f"http://{LOOPBACK}:8080", "North gate", "GATE-4"),
    ]
    assert len(answerer.questions) == 2
    assert b"NetworkVideoTransmitter" in answerer.questions[0]


def test_where_nobody_answers_nothing_is_found() -> None:
    with DiscoveryAnswerer(()) as answerer:
        assert not discover(
            SystemClock(), timedelta(seconds=0.6), addresses=[LOOPBACK], group=(answerer.GROUP, answerer.port)
        )


def test_a_machine_without_a_network_says_so() -> None:
    with pytest.raises(OnvifError, match="no network interface"):
        discover(SystemClock(), timedelta(seconds=1), addresses=[])
