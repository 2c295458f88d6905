import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from homeward.access.settings import AccessSettings
from homeward.cli.demo_provider import __main__ as program
from homeward.cli.demo_provider.codes import Codes, Grant
from homeward.cli.demo_provider.people import PEOPLE, person
from homeward.cli.demo_provider.place import DemoPlace, NoDemoError
from homeward.cli.stack.folder import DataFolder
from support.access_people import challenge_of
from support.authorisations import MovableClock

PLACE = DemoPlace(port=12_345, console_port=12_346)
VERIFIER = "v" * 43


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.make()
    return made


def grant(subject: str = "officer") -> Grant:
    somebody = person(subject)
    assert somebody is not None
    return Grant(somebody, "nonce", challenge_of(VERIFIER))


def test_it_runs_in_a_demo_systems_folder(folder: DataFolder) -> None:
    PLACE.save(folder)
    assert DemoPlace.load(folder) == PLACE


def test_it_runs_in_no_other_folder(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demo_provider", "--data", str(folder.root)])
    assert program.main() == 2
    assert "only `homeward up` and `homeward demo` start it" in capsys.readouterr().err


@pytest.mark.parametrize("open_to_others", ["folder", "file"])
def test_it_does_not_run_where_others_may_write(folder: DataFolder, open_to_others: str) -> None:
    PLACE.save(folder)
    path = folder.root if open_to_others == "folder" else folder.root / "demo-provider.json"
    path.chmod(0o770)
    with pytest.raises(NoDemoError):
        DemoPlace.load(folder)


def test_it_does_not_follow_a_link(folder: DataFolder, tmp_path: Path) -> None:
    PLACE.save(folder)
    elsewhere = tmp_path / "elsewhere.json"
    (folder.root / "demo-provider.json").rename(elsewhere)
    (folder.root / "demo-provider.json").symlink_to(elsewhere)
    with pytest.raises(NoDemoError):
        DemoPlace.load(folder)


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"port": "x", "console_port": 1}', '{"port": 1}'])
def test_it_does_not_run_by_another_file(folder: DataFolder, document: str) -> None:
    path = folder.root / "demo-provider.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(document)
    with pytest.raises(NoDemoError):
        DemoPlace.load(folder)


def test_everything_of_it_is_on_loopback() -> None:
    settings = PLACE.settings()
    assert settings["HOMEWARD_WEB__HOST"] == "127.0.0.1"
    for name in ("HOMEWARD_WEB__PUBLIC_URL", "HOMEWARD_OIDC__ISSUER"):
        assert settings[name].startswith("http://127.0.0.1:")
    assert PLACE.redirect_uri == "http://127.0.0.1:12346/sign-in/callback"


def test_access_takes_the_settings_and_nothing_but_loopback_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "OBJECT_STORE__ENDPOINT": "127.0.0.1:9000",
        "OBJECT_STORE__ACCESS_KEY": "a",
        "OBJECT_STORE__SECRET_KEY": "b",
        "DATABASE_URL": "sqlite://",
        "POLICY": "policy.toml",
        "KEYS_FOLDER": "keys",
        "JWKS_FILE": "public.json",
        "MATCHING_TARGET": "127.0.0.1:50051",
    }
    for name, value in {**{f"HOMEWARD_{key}": value for key, value in told.items()}, **PLACE.settings()}.items():
        monkeypatch.setenv(name, value)
    settings = AccessSettings.load()
    assert (settings.oidc.demo, settings.oidc.algorithms) == (True, ("EdDSA",))
    monkeypatch.setenv("HOMEWARD_WEB__HOST", "0.0.0.0")  # noqa: S104 - what must be refused
    with pytest.raises(ValidationError):
        AccessSettings.load()


def test_each_of_its_people_is_one_and_known_by_an_id() -> None:
    assert len({one.subject for one in PEOPLE}) == len({one.name for one in PEOPLE}) == len(PEOPLE)
    assert person("nobody") is None


def test_a_code_counts_once_and_for_who_asked() -> None:
    codes = Codes(MovableClock())
    code = codes.give(grant())
    assert codes.take(code, "w" * 43) is None
    assert codes.take(code, VERIFIER) is None
    code = codes.give(grant())
    taken = codes.take(code, VERIFIER)
    assert taken is not None
    assert taken.person.subject == "officer"
    assert codes.take(code, VERIFIER) is None


def test_a_code_counts_for_a_minute() -> None:
    clock = MovableClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    codes = Codes(clock)
    code = codes.give(grant())
    clock.move(timedelta(seconds=60))
    assert codes.take(code, VERIFIER) is None


def test_codes_do_not_pile_up() -> None:
    codes = Codes(MovableClock())
    given = [codes.give(grant()) for _ in range(1_500)]
    assert codes.take(given[0], VERIFIER) is None
    assert codes.take(given[-1], VERIFIER) is not None
    assert len(codes._given) < 1_001
