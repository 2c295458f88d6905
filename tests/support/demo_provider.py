"""The demo's sign-in provider as `homeward up` runs it, with what tests ask of every provider."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from homeward.access.settings import OidcSettings
from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.people import person
from homeward.cli.demo_provider.place import API_AUDIENCE, CLIENT_ID, DemoPlace
from homeward.cli.embedded.demo_provider import DemoProvider
from homeward.cli.embedded.ports import free_ports
from homeward.cli.stack.folder import DataFolder


class DemoServer:
    """One demo provider, for a console at `console`."""

    def __init__(self, folder: Path, console: str) -> None:
        (port,) = free_ports(1)
        self.folder = DataFolder(folder)
        self.folder.make()
        self.place = DemoPlace(port, urlsplit(console).port or 0)
        self._provider = DemoProvider(self.folder, self.place)

    def __enter__(self) -> Self:
        self._provider.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._provider.stop()

    def settings(self) -> OidcSettings:
        """Return the settings by which access takes this provider."""
        return OidcSettings(
            issuer=self.place.issuer,
            client_id=CLIENT_ID,
            api_audience=API_AUDIENCE,
            algorithms=("EdDSA",),
            demo=True,
        )

    def choose(self, browser: httpx.Client, page: httpx.Response, name: str) -> httpx.Response:
        """Click on the person `name` of `page`; return the answer, redirects followed."""
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
        return browser.post(urljoin(str(page.url), "/authorize"), data=fields | {"person": name})

    def bearer(self, name: str) -> str:
        """Return a token for the API of the person `name`."""
        found = person(name)
        assert found is not None
        return DemoIssuer.load(self.place, self.folder.keys).access_token(found, datetime.now(UTC))
