"""The console's own files for browsers: served from memory, each under an address that changes with its content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from homeward.access.errors import NotFoundError

_FOLDER: Final = Path(__file__).parent.parent / "static"
_KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_BRIEFLY: Final = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    version: str


class Assets:
    """Every file of the folder `static`, read once."""

    def __init__(self) -> None:
        self._assets = {
            path.name: _Asset(content, _KINDS[path.suffix], hashlib.sha256(content).hexdigest()[:12])
            for path in sorted(_FOLDER.iterdir())
            if path.suffix in _KINDS
            for content in [path.read_bytes()]
        }

    def address(self, name: str) -> str:
        """Return the address of a file; raise KeyError where there is none of that name."""
        return f"/static/{name}?v={self._assets[name].version}"

    def router(self) -> APIRouter:
        """Return the route that serves them. It is public: nothing in them is secret."""
        router = APIRouter(include_in_schema=False)

        @router.get("/static/{name}")
        def asset(name: str, v: str = "") -> Response:
            found = self._assets.get(name)
            if found is None:
                raise NotFoundError("not_found", "there is no such file")
            # An address with another version is an old page's or a new one's during a roll-out: not for keeping.
            keep = _FOR_GOOD if v == found.version else _BRIEFLY
            return Response(found.content, media_type=found.media_type, headers={"Cache-Control": keep})

        return router
