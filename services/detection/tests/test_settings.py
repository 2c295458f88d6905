import pytest
from pydantic import ValidationError

from homeward.detection.bootstrap import rules
from homeward.detection.settings import DetectionSettings
from homeward.shared.settings import UnknownSettingError

_NEEDED = {
    "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": "broker:9092",
    "HOMEWARD_OBJECT_STORE__ENDPOINT": "store:9000",
    "HOMEWARD_OBJECT_STORE__ACCESS_KEY": "key",
    "HOMEWARD_OBJECT_STORE__SECRET_KEY": "secret",
    "HOMEWARD_MODELS_FOLDER": "/models",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _NEEDED.items():
        monkeypatch.setenv(name, value)


def test_the_defaults_are_whole() -> None:
    settings = DetectionSettings.load()
    assert settings.finder == "auto"
    assert rules(settings).interval_s == 0.25
    assert rules(settings).single_score == 0.5


def test_of_blazeface_a_single_look_must_be_surer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_FINDER", "blazeface")
    assert rules(DetectionSettings.load()).single_score == 0.65


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOMEWARD_FINDER", "guess"),
        ("HOMEWARD_LEAST_FACE_PX", "4"),
        ("HOMEWARD_SAMPLES_PER_SECOND", "0"),
        ("HOMEWARD_LEAST_QUALITY", "1.5"),
        ("HOMEWARD_CROPS_PER_FACE", "0"),
    ],
)
def test_what_is_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        DetectionSettings.load()


def test_a_spelling_mistake_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_SAMPLES_PER_SECONDS", "4")
    with pytest.raises(UnknownSettingError, match="SAMPLES_PER_SECONDS"):
        DetectionSettings.load()
