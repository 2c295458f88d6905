"""Key files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from homeward.shared.authorisation import KeyFileError, KeySet, SigningKey, Verifier, issue
from support.authorisations import Authority, claims_for, request


def test_a_signing_key_survives_its_file(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(tmp_path / "key.pem").key_id == key.key_id


def test_a_signing_key_never_replaces_another(tmp_path: Path) -> None:
    SigningKey.generate().save(tmp_path / "key.pem")
    with pytest.raises(KeyFileError, match="cannot be written"):
        SigningKey.generate().save(tmp_path / "key.pem")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o602])
def test_a_signing_key_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    SigningKey.generate().save(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        SigningKey.load(tmp_path / "key.pem")


def test_a_link_is_no_signing_key(tmp_path: Path) -> None:
    SigningKey.generate().save(tmp_path / "key.pem")
    (tmp_path / "link.pem").symlink_to(tmp_path / "key.pem")
    with pytest.raises(KeyFileError, match="cannot be read"):
        SigningKey.load(tmp_path / "link.pem")


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        SigningKey.load(tmp_path / "none.pem")
    pem = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, data, reason in (("text.pem", b"x", "no private key"), ("rsa.pem", pem, "not Ed25519")):
        path = tmp_path / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(data)
        with pytest.raises(KeyFileError, match=reason):
            SigningKey.load(path)


def test_a_signing_key_shows_its_id_alone() -> None:
    key = SigningKey.generate()
    secret = key.private_key.private_bytes_raw()
    assert key.key_id in repr(key)
    assert secret.hex() not in repr(key)
    assert repr(secret) not in repr(key)


def test_old_and_new_keys_verify_while_they_are_rotated(tmp_path: Path) -> None:
    authority = Authority()
    old, new = SigningKey.generate(), SigningKey.generate()
    KeySet.of([old.public_key, new.public_key]).save_jwks(tmp_path / "keys.json")
    verifier = Verifier(KeySet.from_jwks_file(tmp_path / "keys.json"), authority.clock)
    for key in (old, new):
        verifier.verify(issue(claims_for(request()), key))
    assert not list(tmp_path.glob("*.partial"))


def _jwk() -> dict[str, Any]:
    jwk: dict[str, Any] = KeySet.of([SigningKey.generate().public_key]).to_jwks()["keys"][0]
    return jwk


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"d": "c2VjcmV0"}, "more than its public half"),
        ({"kid": "mine"}, "not its thumbprint"),
        ({"kid": None}, "not its thumbprint"),
        ({"crv": "X25519"}, "not Ed25519"),
        ({"kty": "oct"}, "not Ed25519"),
        ({"use": "enc"}, "not for EdDSA"),
        ({"alg": "HS256"}, "not for EdDSA"),
        ({"x": "AAAA"}, "malformed"),
        ({"x": "ä"}, "malformed"),
    ],
)
def test_a_jwks_with_a_strange_key_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{**_jwk(), **change}]}))
    with pytest.raises(KeyFileError, match=reason):
        KeySet.from_jwks_file(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": []}', '{"keys": {}}', '{"keys": ["x"]}'])
def test_a_file_that_is_no_jwks_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeyFileError):
        KeySet.from_jwks_file(path)


def test_a_missing_jwks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeySet.from_jwks_file(tmp_path / "none.json")
