"""How large a request may be."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from homeward.access.sentence import Sentence

_MOST_HEADERS: Final = 100
_HEADERS_BYTES: Final = 16 * 1024
"""Of all headers together: some cookies and a bearer token with hundreds of groups."""
_URL_BYTES: Final = 8 * 1024
_UPLOADS: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest body of a form with files, `upload_bytes`, and of any other request, `body_bytes`."""

    body_bytes: int
    upload_bytes: int

    def body_of(self, scope: Scope) -> int:
        """Return how many bytes the body of a request may have."""
        media_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        return self.upload_bytes if media_type == _UPLOADS else self.body_bytes

    def broken_by(self, scope: Scope) -> tuple[HTTPStatus, str, Sentence] | None:
        """Return the status, code and reason by which a request is refused unread, None when it is not."""
        raw = scope["headers"]
        if len(raw) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > _HEADERS_BYTES:
            return (
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                Sentence("the request's headers are too large"),
            )
        if len(scope.get("raw_path", b"")) + len(scope.get("query_string", b"")) > _URL_BYTES:
            return HTTPStatus.REQUEST_URI_TOO_LONG, "url_too_long", Sentence("the request's address is too long")
        length = Headers(scope=scope).get("content-length")
        if length is not None and (not length.isdecimal() or int(length[:20]) > self.body_of(scope)):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", too_large(self.body_of(scope))
        return None


class LimitedBody:
    """Reads the body of one request, up to a limit: a length may be left out, or be a lie."""

    def __init__(self, most: int, receive: Receive) -> None:
        self._most = most
        self._receive = receive
        self._read = 0

    async def receive(self) -> Message:
        """Return the next part of the body; raise HTTPException (413) past the limit."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(too_large(self._most)))
        return message


def too_large(most: int) -> Sentence:
    """Return the reason for which a request of more than `most` bytes is refused."""
    return Sentence("the request is larger than {most} KiB", {"most": most // 1024})
