"""Answers to a camera that asks who is there: Basic (RFC 7617) and Digest (RFC 7616, RFC 2617)."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_SCHEME: Final = re.compile(r"(?:^|,)\s*(basic|digest)(?:\s+|$)", re.IGNORECASE)
_PAIR: Final = re.compile(r'([A-Za-z0-9_-]{1,32})\s*=\s*(?:"([^"]*)"|([^\s,"]*))')
_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a camera asks. `algorithm` is as it wrote it, empty where it wrote none; `stale` a nonce that aged."""

    digest: bool
    realm: str
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = ""
    qop: bool = False
    stale: bool = False

    @property
    def strength(self) -> int:
        """The higher, the less of the password is given away."""
        if not self.digest:
            return 0
        return 1 if self._hash() == "md5" else 2

    def _hash(self) -> str | None:
        name = (self.algorithm or "MD5").upper().removesuffix("-SESS")
        found = _HASHES.get(name)
        return found if found in hashlib.algorithms_available else None

    @property
    def usable(self) -> bool:
        """Whether it can be answered."""
        return not self.digest or (bool(self.nonce) and self._hash() is not None)

    def answer(self, user: str, password: str, method: str, url: str, *, count: int, ours: str) -> str:
        """Return the `Authorization` header; `count` is how often the nonce was used, `ours` our own nonce."""
        if not self.digest:
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        name = self._hash() or "md5"

        def hashed(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        secret = hashed(f"{user}:{self.realm}:{password}")
        if self.algorithm.upper().endswith("-SESS"):
            secret = hashed(f"{secret}:{self.nonce}:{ours}")
        wanted = hashed(f"{method}:{url}")
        counted = f"{count:08x}"
        middle = f"{self.nonce}:{counted}:{ours}:auth" if self.qop else self.nonce
        pairs = {
            "username": _quoted(user),
            "realm": _quoted(self.realm),
            "nonce": _quoted(self.nonce),
            "uri": _quoted(url),
            "response": _quoted(hashed(f"{secret}:{middle}:{wanted}")),
        }
        if self.algorithm:
            pairs["algorithm"] = self.algorithm
        if self.opaque is not None:
            pairs["opaque"] = _quoted(self.opaque)
        if self.qop:
            pairs |= {"qop": "auth", "nc": counted, "cnonce": _quoted(ours)}
        return "Digest " + ", ".join(f"{key}={value}" for key, value in pairs.items())


def best(headers: Iterable[str]) -> Challenge | None:
    """Return the strongest challenge of the `WWW-Authenticate` headers that can be answered."""
    usable = [challenge for header in headers for challenge in _challenges(header) if challenge.usable]
    return max(usable, key=lambda challenge: challenge.strength, default=None)


def _challenges(header: str) -> Iterable[Challenge]:
    marks = list(_SCHEME.finditer(header))
    ends = [*(mark.start() for mark in marks[1:]), len(header)]
    # A header without a scheme has an end and no mark.
    for mark, end in zip(marks, ends, strict=False):
        text = header[mark.end() : end]
        pairs = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(text)}
        offers = [one.strip().lower() for one in pairs.get("qop", "").split(",")]
        yield Challenge(
            digest=mark[1].lower() == "digest",
            realm=pairs.get("realm", ""),
            nonce=pairs.get("nonce", ""),
            opaque=pairs.get("opaque"),
            algorithm=pairs.get("algorithm", ""),
            qop="auth" in offers,
            stale=pairs.get("stale", "").lower() == "true",
        )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
