from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from homeward.access.settings import AccessSettings

GOOD: dict[str, Any] = {
    "kafka": {"bootstrap_servers": "kafka:9092"},
    "object_store": {"endpoint": "s3:9000", "access_key": "a", "secret_key": "b"},
    "web": {"host": "0.0.0.0", "public_url": "https://homeward.example"},  # noqa: S104 - a container's
    "oidc": {"issuer": "https://id.example/realms/police", "client_id": "homeward-console"},
    "database_url": "postgresql+psycopg://homeward@db/homeward",
    "policy": "policy.toml",
    "keys_folder": "keys",
    "jwks_file": "public.json",
    "matching_target": "matching:50051",
}


def settings(**changed: dict[str, Any]) -> AccessSettings:
    values = {name: {**GOOD.get(name, {}), **given} for name, given in changed.items()}
    return AccessSettings(**(GOOD | values))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"oidc": {"issuer": "http://id.example"}},
        {"oidc": {"issuer": "http://127.0.0.1.evil.test"}},
        {"oidc": {"issuer": "ftp://127.0.0.1"}},
        {"oidc": {"issuer": "https://id.example?tenant=1"}},
        {"oidc": {"api_audience": "homeward-console"}},
        {"oidc": {"algorithms": ["HS256"]}},
        {"oidc": {"algorithms": ["none"]}},
        {"oidc": {"algorithms": []}},
        {"oidc": {"scopes": "profile groups"}},
        {"web": {"public_url": "http://homeward.example"}},
        {"web": {"public_url": "https://homeward.example/path"}},
        {"web": {"public_url": "https://user@homeward.example"}},
        {"web": {"public_url": "https://homeward.example;script-src"}},
        {"session": {"idle_minutes": 0}},
        {"session": {"lifetime_hours": 25}},
        {"rates": {"sign_ins_per_minute": 0}},
        {"web": {"upload_mib": 1_000}},
    ],
)
def test_what_would_not_protect_is_refused(changed: dict[str, dict[str, Any]]) -> None:
    settings()
    with pytest.raises(ValidationError):
        settings(**changed)


LOOPBACK: dict[str, dict[str, Any]] = {
    "web": {"host": "127.0.0.1", "public_url": "http://127.0.0.1:8080"},
    "oidc": {"issuer": "http://127.0.0.1:9000", "demo": True},
}


def test_the_demo_provider_serves_where_everything_is_on_loopback() -> None:
    assert settings(**LOOPBACK).oidc.demo
    assert settings(web={"host": "::1", "public_url": "http://localhost:8080"}, oidc=LOOPBACK["oidc"]).oidc.demo


@pytest.mark.parametrize(
    "changed",
    [
        {"web": {"host": "0.0.0.0", "public_url": "http://127.0.0.1:8080"}},  # noqa: S104 - what must be refused
        {"web": {"host": "127.0.0.1", "public_url": "https://homeward.example"}},
        {"oidc": {"issuer": "https://id.example", "demo": True}},
        {"web": {"host": "localhost.evil.test", "public_url": "http://127.0.0.1:8080"}},
    ],
)
def test_the_demo_provider_serves_nowhere_else(changed: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(ValidationError, match="whoever clicks"):
        settings(**(LOOPBACK | changed))
