"""Access as bootstrap puts it together, every route of it, with the world outside in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from homeward.access import bootstrap
from homeward.access.adapters.oidc_provider import HttpProvider
from homeward.access.database.database import Database
from homeward.access.database.migrate import migrate
from homeward.access.people.csrf import HEADER, csrf_token
from homeward.access.settings import AccessSettings
from homeward.shared.objectstore.memory_store import MemoryStore
from support.access_people import CLIENT_ID, ISSUER, ORIGIN, FakeProvider
from support.access_world import POLICY_FILE, MovableClock, RecordedAudit

GROUPS: Final = {
    "officer": ["homeward-officers"],
    "supervisor": ["homeward-supervisors"],
    "reviewer": ["homeward-reviewers"],
    "auditor": ["homeward-auditors"],
    "operator": ["homeward-operators"],
}


class _Nothing:
    """Stands for what reads and writes the log: does nothing, whatever it is asked."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def close(self) -> None:
        """Close nothing."""


class WholeAccess:
    """The application that `bootstrap.run` serves, and the parts that it would run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.clock = MovableClock()
        self.audit = RecordedAudit()
        self.database = Database("sqlite://")
        migrate(self.database)
        self.provider = FakeProvider(self.clock)
        self.served: list[FastAPI] = []
        for name, stand_in in {
            "SystemClock": lambda: self.clock,
            "Database": lambda *_, **__: self.database,
            "require_migrated": lambda *_: None,
            "EventProducer": _Nothing,
            "AuditRecorder": lambda *_, **__: self.audit,
            "MinioStore": lambda *_, **__: MemoryStore(self.clock),
            "connect": lambda *_, **__: None,
            "MatchingSearches": _Nothing,
            "TableReader": _Nothing,
            "Consumer": _Nothing,
            "OperationsServer": _Nothing,
            "configure_logging": lambda *_, **__: None,
            "WebServer": lambda app, *_: self.served.append(app),
            "run_service": lambda *_, **__: 0,
        }.items():
            monkeypatch.setattr(bootstrap, name, stand_in)
        monkeypatch.setattr(HttpProvider, "configured", lambda *_: self.provider)
        (folder / "keys").mkdir(mode=0o700)
        assert bootstrap.run(self._settings(folder)) == 0
        (self.app,) = self.served

    def client(self, who: str | None = None) -> TestClient:
        """Return a browser in which the `who` of `GROUPS` is signed in, None for nobody."""
        client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)
        if who is not None:
            where = client.get("/sign-in").headers["location"]
            query = self.provider.agree(where, sub=who, name=who, groups=GROUPS[who])
            assert client.get(f"/sign-in/callback?{query}").status_code == 303
            client.headers[HEADER] = csrf_token(client.cookies["__Host-homeward"])
        return client

    def routes(self) -> Sequence[tuple[str, str]]:
        """Return the method and path of every route."""
        return [
            (method, route.path)
            for route in _flat(self.app.routes)
            for method in sorted((route.methods or set()) - {"HEAD"})
        ]

    def _settings(self, folder: Path) -> AccessSettings:
        return AccessSettings.model_validate(
            {
                "kafka": {"bootstrap_servers": "127.0.0.1:1"},
                "object_store": {"endpoint": "127.0.0.1:1", "access_key": "a", "secret_key": "b"},
                "web": {"public_url": ORIGIN},
                "oidc": {"issuer": ISSUER, "client_id": CLIENT_ID},
                "database_url": "sqlite://",
                "policy": POLICY_FILE,
                "keys_folder": folder / "keys",
                "jwks_file": folder / "keys.json",
                "matching_target": "127.0.0.1:1",
            }
        )


def _flat(routes: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for route in routes:
        inner = getattr(route, "original_router", None)
        found += [route] if inner is None else _flat(inner.routes)
    return found
