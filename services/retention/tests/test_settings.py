"""The command line and the settings."""

import sys
from pathlib import Path

import pytest

from homeward.retention.__main__ import main
from homeward.retention.settings import RetentionSettings
from homeward.shared.authorisation import KeySet

ENVIRONMENT = {
    "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "HOMEWARD_OBJECT_STORE__ENDPOINT": "127.0.0.1:8333",
    "HOMEWARD_OBJECT_STORE__ACCESS_KEY": "retention",
    "HOMEWARD_OBJECT_STORE__SECRET_KEY": "not-to-be-shown",
    "HOMEWARD_AUTHORISATION_KEYS": "keys.json",
    "HOMEWARD_MATCHING_TARGET": "127.0.0.1:7001",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def _main(monkeypatch: pytest.MonkeyPatch, command: str) -> int:
    monkeypatch.setattr(sys, "argv", ["homeward.retention", command])
    return main()


def test_good_settings_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(monkeypatch, "check-config") == 0
    shown = capsys.readouterr().out
    assert "HOMEWARD_SWEEP_EVERY_S" in shown
    assert "not-to-be-shown" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("HOMEWARD_SWEEP_EVERY_S", "7200"), ("HOMEWARD_SWEEP_EVERYS", "1"), ("HOMEWARD_STEP_EVERY_S", "0")],
)
def test_settings_out_of_bounds_or_unknown_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _main(monkeypatch, "check-config") == 2
    assert "not-to-be-shown" not in capsys.readouterr().err


def test_missing_keys_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HOMEWARD_AUTHORISATION_KEYS", str(tmp_path / "none.json"))

    def run(settings: RetentionSettings) -> int:
        KeySet.from_jwks_file(settings.authorisation_keys)
        return 0

    monkeypatch.setattr("homeward.retention.__main__.run", run)
    assert _main(monkeypatch, "run") == 2
    assert "none.json" in capsys.readouterr().err
