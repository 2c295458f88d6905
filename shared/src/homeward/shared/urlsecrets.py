"""Secrets in a camera's URL, which would stand in an event that every service reads."""

import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

_NAMED: Final = re.compile(r"([A-Za-z0-9._-]+)=")
_BETWEEN_WORDS: Final = re.compile(r"[._-]+")
_LOGIN_SEGMENT: Final = re.compile(r"/\d+/[^/:?=]+:[^/?]+/")
"""As in rtsp://camera/0/user:password/main. A colon alone tells nothing: mp4:gate.mp4 is a stream."""

_USERS: Final = frozenset(
    {"account", "login", "loginname", "loginuse", "loginuser", "uname", "user", "userid", "username", "usr", "usrname"}
)
_PASSWORDS: Final = frozenset(
    {"loginpas", "loginpass", "loginpassword", "loginpwd", "pas", "pass", "passcode", "passphrase", "passw", "passwd"}
    | {"password", "passwort", "psw", "pswd", "pw", "pwd", "userpass", "userpassword", "userpwd", "usrpwd"}
)
_TOKENS: Final = frozenset(
    {"accesskey", "accesstoken", "apikey", "auth", "authbasic", "authentication", "authkey", "authorisation"}
    | {"authorization", "authtoken", "bearer", "credential", "credentials", "jwt", "key", "secret", "secretkey"}
    | {"session", "sessionid", "sid", "sig", "signature", "streamkey", "token", "txsecret", "usertoken"}
)
_NAMES: Final = _USERS | _PASSWORDS | _TOKENS
"""What makers call a user, a password or what stands for both, in lower case and without what divides words."""


def holds_secret(url: str) -> bool:
    """Return whether `url` seems to hold a user, a password or a token, wherever makers put them.

    That is before the host, in the query, and in the path, as in /user=admin_password=x_channel=1. Names are compared
    whole, whatever their case: monkey=1 is none. The path of a file is never a login. Raises ValueError for no URL.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or _breaks_in_password(parts):
        return True
    if parts.scheme == "file":
        return False
    rest = parts._replace(scheme="", netloc="").geturl()
    while (plain := unquote(rest)) != rest:
        rest = plain
    return _LOGIN_SEGMENT.search(rest) is not None or any(_is_secret(name) for name in _NAMED.findall(rest))


def _breaks_in_password(parts: SplitResult) -> bool:
    """Whether the host is a user and the port the beginning of a password, as in rtsp://admin:12/34@192.0.2.7/."""
    host = parts.hostname or ""
    is_word = "." not in host and ":" not in host
    return is_word and ":" in parts.netloc and "@" in parts._replace(netloc="").geturl()


def _is_secret(name: str) -> bool:
    """Whether `name`, or what stands last in it behind another value, is called as a secret: admin_password."""
    words = _BETWEEN_WORDS.split(name.lower())
    return any("".join(words[first:]) in _NAMES for first in range(len(words)))
