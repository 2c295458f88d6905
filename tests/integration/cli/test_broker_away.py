"""Every command says in a sentence that nobody answers, whatever it was about to read."""

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from homeward.cli.__main__ import app
from homeward.cli.context import Context
from homeward.cli.eventlog import BrokerAwayError, EventLog
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from homeward.shared.topics import CAMERAS
from support.tansu import running_tansu


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that a Homeward has left behind."""
    store = ObjectStoreSettings(endpoint="127.0.0.1:1", access_key=SecretStr("a"), secret_key=SecretStr("b"))
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    targets = ("127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1")
    Context(kafka, store, *targets, tmp_path / "keys", tmp_path / "tls", {}).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", ["status", "cameras list", "watch --json"])
def test_a_command_without_a_broker_ends_in_one_sentence(folder: Path, words: str) -> None:
    told = CliRunner().invoke(app, [*words.split(), "--data", str(folder)])
    assert told.exit_code == 1
    assert "no broker answers at 127.0.0.1:1" in told.stderr
    assert "is `homeward up` running?" in told.stderr
    assert "Traceback" not in told.output


def test_a_broker_that_goes_away_ends_the_watching(tmp_path: Path) -> None:
    with running_tansu(tmp_path) as broker:
        create_topics(broker.kafka, [CAMERAS])
        events = EventLog(broker.kafka).follow([CAMERAS], threading.Event(), from_start=True)
        assert next(events) is None
        broker.kill()
        with pytest.raises(BrokerAwayError, match="is `homeward up` running"):
            assert all(event is None for event in events)


@pytest.mark.parametrize("missing", ["kafka", "objects"])
def test_a_deployment_that_cannot_be_prepared_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr("homeward.shared.runtime.topics_admin._REQUEST_S", 3.0)
    with running_tansu(tmp_path) as broker:
        servers = "127.0.0.1:1" if missing == "kafka" else broker.kafka.bootstrap_servers
        environment = {
            "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": servers,
            "HOMEWARD_OBJECT_STORE__ENDPOINT": "127.0.0.1:1",
            "HOMEWARD_OBJECT_STORE__ACCESS_KEY": "a",
            "HOMEWARD_OBJECT_STORE__SECRET_KEY": "b",
            "HOMEWARD_OBJECT_STORE__SECURE": "false",
        }
        told = CliRunner().invoke(app, ["prepare"], env=environment)
    assert told.exit_code == 1
    assert ("no broker answers" if missing == "kafka" else "footage") in told.stderr
