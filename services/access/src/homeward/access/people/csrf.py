"""The token by which a form proves that it comes from a page of ours."""

import base64
import hashlib
import hmac
from typing import Final

FIELD: Final = "csrf"
"""The form's field."""
HEADER: Final = "X-CSRF-Token"
"""The header of a request by a script."""


def csrf_token(session_token: str) -> str:
    """Return the CSRF token of a session: bound to its token, and of no use to find it."""
    return derived(session_token, "csrf")


def derived(secret: str, purpose: str) -> str:
    """Return a value of 43 characters that only who holds `secret` can know; another for each `purpose`."""
    digest = hmac.new(secret.encode(), f"homeward {purpose}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
