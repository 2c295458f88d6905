"""Access's API, as one signed-in official calls it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import httpx

_TIMEOUT_S: Final = 30.0


class AccessRefusedError(Exception):
    """Access said no; the text is its reason, for people, and names nobody."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class AccessAwayError(Exception):
    """Access does not answer, or cannot do it now; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A reference photo and what is known of it. `taken_on` is a day, ISO 8601."""

    data: bytes
    source: str
    taken_on: str


class AccessApi:
    """One official's calls. Each blocks for half a minute at most.

    Every method raises AccessRefusedError, with access's own reason, and AccessAwayError.
    """

    def __init__(self, url: str, token: Callable[[], str], *, transport: httpx.BaseTransport | None = None) -> None:
        """`url` is access's public one; `token` gives a bearer token that is valid now."""
        self._token = token
        # Whatever proxy the environment names, access is asked itself.
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=_TIMEOUT_S, trust_env=False, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, request: Mapping[str, Any], photos: Sequence[Upload]) -> Mapping[str, Any]:
        """Make a request; `request` is the API's RequestIn without its photos. Returns its id and its receipt."""
        known = [{"source": photo.source, "taken_on": photo.taken_on} for photo in photos]
        document = json.dumps({**request, "photos": known})
        files = [
            ("photos", (f"{number}.jpg", photo.data, _media_type(photo.data))) for number, photo in enumerate(photos)
        ]
        return self._sent("POST", "/requests", data={"request": document}, files=files or None)

    def request(self, request_id: str) -> Mapping[str, Any]:
        """Return a request as it stands."""
        return self._sent("GET", f"/requests/{request_id}")

    def start(self, request_id: str) -> None:
        """Begin an urgent search on one signature."""
        self._sent("POST", f"/requests/{request_id}/start")

    def approve(self, request_id: str, reason: str) -> None:
        """Agree to the whole of a request."""
        self._sent("POST", f"/requests/{request_id}/approve", json={"reason": reason})

    def stop(self, request_id: str, reason: str, *, found: bool = False) -> None:
        """End a request."""
        self._sent("POST", f"/requests/{request_id}/stop", json={"reason": reason, "found": found})

    def _sent(self, method: str, path: str, **content: Any) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._client.request(method, path, headers=headers, **content)
        except httpx.HTTPError as error:
            raise AccessAwayError(f"access does not answer ({type(error).__name__})") from error
        if answer.is_success:
            return {} if answer.status_code == HTTPStatus.NO_CONTENT else dict(answer.json())
        code, reason = _problem(answer)
        if answer.is_server_error:
            raise AccessAwayError(reason)
        raise AccessRefusedError(code, reason)


def _problem(answer: httpx.Response) -> tuple[str, str]:
    try:
        body = answer.json()
        code, reason, field = str(body["code"]), str(body["detail"]), body.get("field")
    except (ValueError, KeyError, TypeError):
        return "unknown", f"access answered {answer.status_code}"
    return code, f"{field}: {reason}" if field else reason


def _media_type(photo: bytes) -> str:
    return "image/png" if photo.startswith(b"\x89PNG") else "image/jpeg"
