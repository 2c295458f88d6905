"""A real Dex, an OpenID Connect provider, on loopback, built from its Go module."""

import http.client
import json
import re
from html import unescape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import urljoin

import httpx

from homeward.access.settings import OidcSettings
from homeward.cli.embedded.ports import LOOPBACK, free_ports
from homeward.cli.embedded.process import ChildProcess, Command
from support.golang import built_by_go

# Its releases are tagged in a way that Go does not read, and it replaces the module of its API by a folder of its own.
DEX_VERSION: Final = "v0.0.0-20260806151424-ab64ed778070"
_MODULES: Final = MappingProxyType(
    {
        "github.com/dexidp/dex": DEX_VERSION,
        "github.com/dexidp/dex/api/v2": "v2.4.1-0.20260806151424-ab64ed778070",
    }
)
_CONSOLE: Final = "homeward-console"
_API: Final = "homeward-api"
_SECRET: Final = "only-for-the-tests-of-this-machine"  # noqa: S105 - a client of the tests' own
_PASSWORD: Final = "password"  # noqa: S105 - of nobody
_HASH: Final = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"
"""bcrypt of "password", as Dex's own examples have it."""


def dex_program() -> Path:
    """Return Dex; the first call ever builds it, which takes minutes."""
    return built_by_go("github.com/dexidp/dex/cmd/dex", _MODULES, "dex")


class DexServer:
    """One Dex that knows `people`, groups by name, for a console at `console`."""

    def __init__(self, folder: Path, console: str, people: dict[str, list[str]]) -> None:
        (self._port,) = free_ports(1)
        self._folder = folder
        configuration: dict[str, Any] = {
            "issuer": self.issuer,
            "storage": {"type": "memory"},
            "web": {"http": f"{LOOPBACK}:{self._port}"},
            "oauth2": {"skipApprovalScreen": True, "passwordConnector": "local"},
            "enablePasswordDB": True,
            "expiry": {"idTokens": "10m"},
            "staticClients": [
                {
                    "id": _CONSOLE,
                    "name": "Homeward",
                    "secret": _SECRET,
                    "redirectURIs": [f"{console}/sign-in/callback"],
                },
                {"id": _API, "name": "Homeward's API", "public": True, "redirectURIs": [f"{console}/unused"]},
            ],
            "staticPasswords": [
                {
                    "email": f"{name}@police.test",
                    "hash": _HASH,
                    "username": name,
                    "name": name.title(),
                    "userID": f"id-of-{name}",
                    "groups": groups,
                }
                for name, groups in people.items()
            ],
        }
        folder.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        (folder / "dex.yaml").write_text(json.dumps(configuration))
        (folder / "secret").write_text(f"{_SECRET}\n")
        self.process = ChildProcess(
            Command("Dex", [dex_program(), "serve", folder / "dex.yaml"], folder, folder / "dex.log")
        )

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_ready(self._serves, 60)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    @property
    def issuer(self) -> str:
        """Dex's issuer."""
        return f"http://{LOOPBACK}:{self._port}/dex"

    def settings(self) -> OidcSettings:
        """Return the settings by which access takes this provider."""
        return OidcSettings(
            issuer=self.issuer, client_id=_CONSOLE, client_secret_file=self._folder / "secret", api_audience=_API
        )

    def choose(self, browser: httpx.Client, page: httpx.Response, name: str) -> httpx.Response:
        """Fill the form of `page` for the person `name`; return the answer, redirects followed."""
        found = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        where = urljoin(str(page.url), unescape(found[1])) if found else str(page.url)
        return browser.post(where, data={"login": f"{name}@police.test", "password": _PASSWORD})

    def bearer(self, name: str) -> str:
        """Return a token for the API of the person `name`."""
        form = {"grant_type": "password", "client_id": _API, "scope": "openid profile groups"}
        form |= {"username": f"{name}@police.test", "password": _PASSWORD}
        answer = httpx.post(f"{self.issuer}/token", data=form, trust_env=False)
        return str(answer.raise_for_status().json()["id_token"])

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=1.0)
        try:
            connection.request("GET", "/dex/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
