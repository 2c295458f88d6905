"""The file by which commands find the running Homeward."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from homeward.cli.context import FILE_NAME, Context, ContextError
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings


def _context(folder: Path) -> Context:
    return Context(
        KafkaSettings(
            bootstrap_servers="127.0.0.1:9092",
            security_protocol="SASL_SSL",
            ssl_ca_file=folder / "ca.pem",
            sasl_mechanism="PLAIN",
            sasl_username="cli",
            sasl_password=SecretStr("not-to-be-shown"),
        ),
        ObjectStoreSettings(
            endpoint="127.0.0.1:8333",
            access_key=SecretStr("access"),
            secret_key=SecretStr("not-to-be-shown"),
            secure=False,
        ),
        "127.0.0.1:7001",
        "127.0.0.1:7002",
        "http://127.0.0.1:7003",
        folder / "keys",
        folder / "tls",
        {"retention": 9100},
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    _context(tmp_path).save(tmp_path)
    assert Context.load(tmp_path) == _context(tmp_path)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    _context(tmp_path).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    _context(tmp_path).save(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o640)
    with pytest.raises(ContextError, match="chmod 600"):
        Context.load(tmp_path)


def test_without_a_file_the_error_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="homeward up"):
        Context.load(tmp_path)


@pytest.mark.parametrize("change", ["text", "list", "missing", "unknown", "mistyped"])
def test_another_file_is_refused_without_a_secret_in_the_error(tmp_path: Path, change: str) -> None:
    _context(tmp_path).save(tmp_path)
    path = tmp_path / FILE_NAME
    document = json.loads(path.read_text())
    match change:
        case "missing":
            del document["matching_target"]
        case "unknown":
            document["kafka"]["colour"] = "not-to-be-shown"
        case "mistyped":
            document["object_store"]["endpoint"] = {"not-to-be-shown": 1}
        case _:
            document = []
    path.write_text("not-to-be-shown" if change == "text" else json.dumps(document))
    with pytest.raises(ContextError) as caught:
        Context.load(tmp_path)
    assert "not-to-be-shown" not in str(caught.value)
    assert caught.value.__cause__ is None or "not-to-be-shown" not in str(caught.value.__cause__)
