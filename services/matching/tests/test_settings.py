"""Settings: one store, bounded figures, and a check that says what is wrong without a value."""

import pytest

from homeward.matching.__main__ import main
from homeward.matching.settings import MatchingSettings
from homeward.shared.authorisation import KeySet

NEEDED = {
    "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "HOMEWARD_EMBEDDING_TARGET": "embedding:50051",
    "HOMEWARD_AUTHORISATION_KEYS": "keys.json",
}
FOLDER = {"HOMEWARD_QDRANT_FOLDER": "templates"}
SERVER = {"HOMEWARD_QDRANT_URL": "http://qdrant:6333", "HOMEWARD_QDRANT_API_KEY": "a-key"}


def check(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> int:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return main(["check-config"])


@pytest.mark.parametrize("store", [FOLDER, SERVER])
def test_either_store_does(monkeypatch: pytest.MonkeyPatch, store: dict[str, str]) -> None:
    assert check(monkeypatch, NEEDED | store) == 0
    assert "a-key" not in repr(MatchingSettings.load())


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        FOLDER | SERVER,
        FOLDER | {"HOMEWARD_QDRANT_API_KEY": "a-key"},
        FOLDER | {"HOMEWARD_FALSE_MATCH_RATE": "0.5"},
        FOLDER | {"HOMEWARD_LIVE_SEARCHES": "101"},
        FOLDER | {"HOMEWARD_LIVE_SEARCHES": "0"},
        FOLDER | {"HOMEWARD_TASK_MESSAGES": "10001"},
        FOLDER | {"HOMEWARD_FALSE_MATCH_RAT": "0.001"},
    ],
)
def test_what_is_wrong_is_said_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: dict[str, str]
) -> None:
    assert check(monkeypatch, NEEDED | wrong) == 2
    told = capsys.readouterr().err
    assert "HOMEWARD_FALSE_MATCH_RATE" in told
    assert "a-key" not in told


def test_an_unknown_command_is_refused() -> None:
    assert main(["serve"]) == 2


def test_keys_that_are_not_there_end_the_service_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(settings: MatchingSettings) -> int:
        KeySet.from_jwks_file(settings.authorisation_keys)
        return 0

    monkeypatch.setattr("homeward.matching.bootstrap.run", run)
    for name, value in (NEEDED | FOLDER | {"HOMEWARD_AUTHORISATION_KEYS": "nowhere/keys.json"}).items():
        monkeypatch.setenv(name, value)
    assert main(["run"]) == 2
    assert "nowhere/keys.json cannot be read" in capsys.readouterr().err
