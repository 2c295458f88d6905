from pathlib import Path

import pytest
from pydantic import ValidationError

from homeward.embedding.settings import EmbeddingSettings
from homeward.shared.settings import UnknownSettingError, variables

NEEDED = {
    "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "HOMEWARD_OBJECT_STORE__ENDPOINT": "store:9000",
    "HOMEWARD_OBJECT_STORE__ACCESS_KEY": "key",
    "HOMEWARD_OBJECT_STORE__SECRET_KEY": "secret",
    "HOMEWARD_AUTHORISATION_KEYS": "/run/keys.json",
}
ONNX = {
    "HOMEWARD_ONNX__PATH": "/models/own.onnx",
    "HOMEWARD_ONNX__SHA256": "ab" * 32,
    "HOMEWARD_ONNX__NAME": "own-model",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_what_is_needed_is_enough() -> None:
    settings = EmbeddingSettings.load()
    assert settings.authorisation_keys == Path("/run/keys.json")
    assert settings.engines >= 1
    assert settings.onnx.path is None


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_nothing_that_is_needed_may_be_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ValidationError):
        EmbeddingSettings.load()


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_ENGINE", "2")
    with pytest.raises(UnknownSettingError):
        EmbeddingSettings.load()


def test_an_own_model_is_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ONNX.items():
        monkeypatch.setenv(name, value)
    assert EmbeddingSettings.load().onnx.name == "own-model"
    for name in ONNX:
        with monkeypatch.context() as without:
            without.delenv(name)
            with pytest.raises(ValidationError):
                EmbeddingSettings.load()


def test_every_setting_is_described() -> None:
    assert [name for name, words in variables(EmbeddingSettings).items() if not words] == []
