"""The two halves of a receipt: a reference to speak of, and a secret that opens it."""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that a person takes for another."""
_RFC_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_OURS: Final = str.maketrans(_RFC_ALPHABET, _ALPHABET)
_FROM_OURS: Final = str.maketrans(_ALPHABET, _RFC_ALPHABET)
_MISREAD: Final = str.maketrans("OIL", "011")

SECRET_BYTES: Final = 16
"""128 bits: nobody tries them all, so that a plain hash of it can be kept."""
_SECRET_CHARS: Final = 26
_REFERENCE_BYTES: Final = 5
_REFERENCE_CHARS: Final = 8
_GROUP: Final = 4
TYPED_MAX: Final = 64
"""Characters of either, as somebody types them."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A new receipt. The secret is shown once; `secret_hash` is kept."""

    reference: str
    secret: str = field(repr=False)
    secret_hash: bytes = field(repr=False)


def new_receipt() -> Receipt:
    """Return a receipt that nobody has."""
    secret = secrets.token_bytes(SECRET_BYTES)
    reference = _grouped(_encode(secrets.token_bytes(_REFERENCE_BYTES))[:_REFERENCE_CHARS])
    return Receipt(reference, _grouped(_encode(secret)), hashlib.sha256(secret).digest())


def read_reference(typed: str) -> str:
    """Return a reference as it is kept, from what somebody typed; anything else becomes one that nobody has."""
    return _grouped(_plain(typed)) if len(typed) <= TYPED_MAX else ""


def opens(typed: str, secret_hash: bytes | None) -> bool:
    """Return whether the secret that somebody typed is the one of `secret_hash`.

    None, where there is no such receipt, takes as long as a wrong one.
    """
    plain = _plain(typed) if len(typed) <= TYPED_MAX else ""
    try:
        padding = "=" * (-len(plain) % 8)
        secret = base64.b32decode(plain.translate(_FROM_OURS) + padding) if len(plain) == _SECRET_CHARS else b""
    except (binascii.Error, ValueError):
        secret = b""
    same = hmac.compare_digest(hashlib.sha256(secret).digest(), secret_hash or bytes(32))
    return same and secret_hash is not None and len(secret) == SECRET_BYTES


def _encode(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").translate(_TO_OURS)


def _plain(typed: str) -> str:
    kept = "".join(one for one in typed.upper() if one not in " -\t\r\n")
    return kept.translate(_MISREAD) if kept.isascii() else ""


def _grouped(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
