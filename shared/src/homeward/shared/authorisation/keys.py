"""The signing key, which only the issuer holds, and the public keys by which everybody verifies (Ed25519).

A key's id is its RFC 7638 thumbprint, so that no key can be passed off under another's id.
"""

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_OWNER_ONLY = 0o600
_JWK = frozenset({"kty", "crv", "x", "kid", "use", "alg"})


class KeyFileError(Exception):
    """A key file that is missing, readable by others or not what it should be; the message names the file."""


def key_id(public_key: Ed25519PublicKey) -> str:
    """Return the RFC 7638 thumbprint of a public key."""
    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": _x(public_key)}, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key. Its representation shows the key's id alone."""

    private_key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey(key_id={self.key_id!r})"

    @property
    def key_id(self) -> str:
        """The key's id, a token's "kid"."""
        return key_id(self.private_key.public_key())

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The public half."""
        return self.private_key.public_key()

    def sign(self, document: bytes) -> bytes:
        """Return the key's signature of `document`."""
        return self.private_key.sign(document)

    def has_signed(self, document: bytes, signature: bytes) -> bool:
        """Return whether `signature` is the key's, of `document`."""
        try:
            self.public_key.verify(signature, document)
        except InvalidSignature:
            return False
        return True

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the key in the PEM file (PKCS #8) at `path`.

        Raises KeyFileError when the file is missing, belongs to others, can be read by others or holds another kind
        of key.
        """
        try:
            # The descriptor that is judged is the one that is read, so that the file cannot be changed in between.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid not in {0, os.geteuid()}:
                    raise KeyFileError(f"{path} must be a file that its owner alone can read: chmod 600")
                data = file.read()
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"{path} holds no private key in PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{path} holds a key that is not Ed25519")
        return cls(key)

    def save(self, path: Path) -> None:
        """Write the key to a new file at `path` that its owner alone can read; raise KeyFileError when it is there."""
        pem = self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
        except OSError as error:
            raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class KeySet:
    """The public keys whose signatures count, by id. Several at once while keys are rotated."""

    keys: Mapping[str, Ed25519PublicKey]

    @classmethod
    def of(cls, keys: Iterable[Ed25519PublicKey]) -> Self:
        """Return the set of `keys`."""
        return cls(MappingProxyType({key_id(key): key for key in keys}))

    @classmethod
    def from_jwks_file(cls, path: Path) -> Self:
        """Return the keys of the JWKS file at `path`.

        Raises KeyFileError when the file is missing or empty of keys, or one of them is private, not Ed25519, or bears
        an id that is not its thumbprint.
        """
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise KeyFileError(f"{path} is not JSON") from error
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list) or not listed:
            raise KeyFileError(f"{path} is not a JWKS with at least one key")
        return cls.of([_read_jwk(jwk, path) for jwk in listed])

    def to_jwks(self) -> dict[str, Any]:
        """Return the set as a JWKS."""
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": _x(key), "kid": name, "use": "sig", "alg": "EdDSA"}
                for name, key in self.keys.items()
            ]
        }

    def save_jwks(self, path: Path) -> None:
        """Write the set to `path`, whole or not at all."""
        partial = path.with_name(f"{path.name}.partial")
        try:
            partial.write_text(json.dumps(self.to_jwks(), indent=2) + "\n")
            partial.replace(path)
        except OSError as error:
            raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error


def _read_jwk(jwk: object, path: Path) -> Ed25519PublicKey:
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise KeyFileError(f"{path} holds a key that is not Ed25519")
    if not set(jwk) <= _JWK:
        # "d" would be the private half: whoever reads the public keys could then sign.
        raise KeyFileError(f"{path} holds a key with more than its public half")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "EdDSA") != "EdDSA":
        raise KeyFileError(f"{path} holds a key that is not for EdDSA signatures")
    try:
        x = str(jwk["x"])
        key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    except (KeyError, ValueError) as error:
        raise KeyFileError(f"{path} holds a key whose value is malformed") from error
    if jwk.get("kid") != key_id(key):
        raise KeyFileError(f"{path} holds a key whose id is not its thumbprint")
    return key


def _x(public_key: Ed25519PublicKey) -> str:
    return _base64url(public_key.public_bytes_raw())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
