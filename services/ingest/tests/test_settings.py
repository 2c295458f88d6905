from pathlib import Path

import pytest
from pydantic import ValidationError

from homeward.ingest.__main__ import main
from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.ports import SourceUnreachableError
from homeward.ingest.settings import IngestSettings
from homeward.shared.settings import UnknownSettingError, variables

NEEDED = {
    "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "HOMEWARD_OBJECT_STORE__ENDPOINT": "127.0.0.1:8333",
    "HOMEWARD_OBJECT_STORE__ACCESS_KEY": "key",
    "HOMEWARD_OBJECT_STORE__SECRET_KEY": "secret",
    "HOMEWARD_SPOOL_FOLDER": "spool",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_what_is_needed_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config"]) == 0
    assert set(NEEDED) <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}


def test_every_setting_is_described() -> None:
    assert [name for name, description in variables(IngestSettings).items() if not description] == []


def test_another_command_is_refused() -> None:
    assert main(["record"]) == 2


@pytest.mark.parametrize("command", ["run", "check-config"])
def test_wrong_settings_end_the_service_in_a_sentence_without_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setenv("HOMEWARD_SPOOL_MAX_BYTES", "few")
    assert main([command]) == 2
    told = capsys.readouterr().err
    assert "spool_max_bytes" in told
    assert "few" not in told
    monkeypatch.setenv("HOMEWARD_SPOOL", "x")
    assert main([command]) == 2
    assert "no such setting: HOMEWARD_SPOOL;" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOMEWARD_CAMERA_CLOCK_LIMIT_S", "0"),
        ("HOMEWARD_DECODE_CHECK_INTERVAL_S", "-1"),
        ("HOMEWARD_RECONNECT_FIRST_S", "31"),
        ("HOMEWARD_SPOOL_MAX_BYTES", "1000"),
        ("HOMEWARD_SOURCE_READ_TIMEOUT_S", "0"),
        ("HOMEWARD_SENDER_THREADS", "0"),
    ],
)
def test_what_is_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        IngestSettings.load()


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_SPOOL_MAX_BITES", "1")
    with pytest.raises(UnknownSettingError):
        IngestSettings.load()


def test_credentials_are_read_and_do_not_print_themselves(tmp_path: Path) -> None:
    (tmp_path / "door").write_text("admin:hunter:2\n")
    credentials = CredentialFiles(tmp_path).read("cam-1", "door")
    assert credentials.user.get_secret_value() == "admin"
    assert credentials.password.get_secret_value() == "hunter:2"
    assert "hunter" not in repr(credentials)
    assert "admin" not in repr(credentials)


@pytest.mark.parametrize("reference", ["../outside", "/etc/passwd", "", ".", "..", "a/b", "missing", "empty", "binary"])
def test_credentials_that_cannot_be_used_are_refused_by_the_cameras_name(tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (tmp_path / "outside").write_text("admin:secret")
    (folder / "empty").write_text("")
    (folder / "binary").write_bytes(b"\xff:\xfe")
    with pytest.raises(SourceUnreachableError, match="camera cam-1"):
        CredentialFiles(folder).read("cam-1", reference)


def test_credentials_without_a_folder_are_refused() -> None:
    with pytest.raises(SourceUnreachableError, match="no credentials folder"):
        CredentialFiles(None).read("cam-1", "door")
