"""Public keys that change while they are used."""

from pathlib import Path

import pytest

from homeward.shared.authorisation import AuthorisationDeniedError, KeyFileError, KeySet, KeysFile, SigningKey, Verifier
from homeward.shared.authorisation.token import issue
from support.authorisations import Authority, MovableClock, claims_for, request


def save(path: Path, *keys: SigningKey) -> None:
    KeySet.of(key.public_key for key in keys).save_jwks(path)


def test_a_new_key_counts_without_a_restart_and_a_removed_one_no_more(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", MovableClock()
    old, new = SigningKey.generate(), SigningKey.generate()
    save(path, old)
    verifier = Verifier(KeysFile(path, clock), clock)
    by_old, by_new = (issue(claims_for(request()), key) for key in (old, new))
    assert verifier.verify(by_old).authorisation_id
    with pytest.raises(AuthorisationDeniedError, match="unknown_key"):
        verifier.verify(by_new)
    save(path, old, new)
    clock.sleep(1)
    assert verifier.verify(by_old).authorisation_id
    assert verifier.verify(by_new).authorisation_id
    save(path, new)
    clock.sleep(1)
    with pytest.raises(AuthorisationDeniedError, match="unknown_key"):
        verifier.verify(by_old)


def test_a_file_that_becomes_unfit_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", MovableClock()
    authority = Authority(clock)
    save(path, authority.key)
    verifier = Verifier(KeysFile(path, clock), clock)
    for text in ("{}", "not JSON", '{"keys": []}'):
        path.write_text(text)
        clock.sleep(1)
        assert verifier.verify(authority.token()).authorisation_id
    path.unlink()
    clock.sleep(1)
    assert verifier.verify(authority.token()).authorisation_id


def test_a_file_that_is_unfit_from_the_beginning_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"keys": []}')
    with pytest.raises(KeyFileError):
        KeysFile(tmp_path / "keys.json", MovableClock())


def test_without_a_file_no_signature_counts_and_its_first_keys_count_at_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", MovableClock()
    authority = Authority(clock)
    verifier = Verifier(KeysFile(path, clock), clock)
    with pytest.raises(AuthorisationDeniedError, match="unknown_key"):
        verifier.verify(authority.token())
    save(path, authority.key)
    assert verifier.verify(authority.token()).authorisation_id


class Elsewhere:
    """A key in a service that signs and never gives the key out."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        self.key_id = self._key.key_id
        self.public = KeySet.of([self._key.public_key])

    def sign(self, document: bytes) -> bytes:
        return self._key.sign(document)


def test_a_key_may_lie_elsewhere(tmp_path: Path) -> None:
    signer, clock = Elsewhere(), MovableClock()
    signer.public.save_jwks(tmp_path / "keys.json")
    token = issue(claims_for(request()), signer)
    assert Verifier(KeysFile(tmp_path / "keys.json", clock), clock).verify(token).authorisation_id
