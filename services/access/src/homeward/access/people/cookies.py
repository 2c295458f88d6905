"""The cookies of a sign-in and of a session."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

SIGN_IN_S: Final = 600
"""How long the provider may take to sign somebody in, seconds: a password forgotten, a second factor fetched."""


class Cookies:
    """Sets and reads the two cookies of an access at `public_url`.

    With https their names begin with __Host-, so that no other host, no plain page and no other path can set them:
    a cookie planted from a neighbouring host does not become somebody's session. On loopback there is no TLS.
    """

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self.session_name: Final = f"{prefix}homeward"
        self.sign_in_name: Final = f"{prefix}homeward-sign-in"

    def session(self, cookies: Mapping[str, str]) -> str | None:
        """Return the session's token among a request's `cookies`, None without one."""
        return cookies.get(self.session_name) or None

    def sign_in(self, cookies: Mapping[str, str]) -> str | None:
        """Return what was kept of a sign-in under way, None without one."""
        return cookies.get(self.sign_in_name) or None

    def set_session(self, response: Response, token: str) -> None:
        """Give the browser its session, until it is closed; how long it lasts is the server's to say."""
        self._set(response, self.session_name, token, None)

    def set_sign_in(self, response: Response, kept: str) -> None:
        """Give the browser what it keeps of its sign-in."""
        self._set(response, self.sign_in_name, kept, SIGN_IN_S)

    def clear_session(self, response: Response) -> None:
        """Take the session away."""
        self._set(response, self.session_name, "", 0)

    def clear_sign_in(self, response: Response) -> None:
        """Take what was kept of a sign-in away."""
        self._set(response, self.sign_in_name, "", 0)

    def _set(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        # Lax, since the provider sends the browser back from another site; what changes something has the CSRF token.
        response.set_cookie(name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax")
