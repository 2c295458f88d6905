"""Signing keys that follow one another."""

from datetime import timedelta
from pathlib import Path

import pytest

from homeward.access.cases.expiring import end_searches
from homeward.access.cases.model import Approval, RequestState
from homeward.access.cases.ports import SigningError
from homeward.access.keys.file_keys import FileKeys
from homeward.access.keys.keyring import COUNTS_AFTER, Keyring
from homeward.access.keys.ports import KeyStoreError
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import AuthorisationDeniedError, Claims, KeysFile, Verifier
from homewardapi.audit.v1 import audit_pb2
from support.access_cases import COMMANDER, REASON, CasesWorld
from support.authorisations import claims_for, request

LEAD = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


class KeysWorld(CasesWorld):
    """Requests whose tokens are signed by keys in files."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder / "keys"
        self.jwks = folder / "public" / "keys.json"
        self.keyring = Keyring(self.database, self.audit, self.clock, FileKeys(self.folder))
        self.keyring.tend(self.jwks)
        self.verifier = Verifier(KeysFile(self.jwks, self.clock), self.clock)

    def sign(self, claims: Claims | None = None) -> str:
        with self.database.begin() as session:
            return self.keyring.sign(session, claims or claims_for(request(), now=self.clock.now()))

    def move(self, span: timedelta) -> None:
        self.clock.move(span)
        self.keyring.tend(self.jwks)

    def private(self) -> set[str]:
        return {path.stem for path in self.folder.iterdir()}

    def changes(self) -> list[tuple[str, str]]:
        return [(entry.key_id or "", entry.code or "") for entry in self.audit.of(audit_pb2.AUDIT_ACTION_KEY_CHANGED)]


@pytest.fixture
def world(tmp_path: Path) -> KeysWorld:
    return KeysWorld(tmp_path)


def test_the_first_key_is_made_recorded_and_published(world: KeysWorld) -> None:
    (name,) = world.keyring.public().keys
    assert world.changes() == [(name, "made")]
    assert world.private() == {name}
    assert (world.folder / f"{name}.pem").stat().st_mode & 0o777 == 0o600
    assert world.folder.stat().st_mode & 0o777 == 0o700
    assert world.verifier.verify(world.sign()).authorisation_id
    world.move(SECOND)
    assert world.changes() == [(name, "made")]


def test_a_new_key_is_published_before_it_signs_and_the_old_one_counts_until_its_last_token_ends(
    world: KeysWorld,
) -> None:
    (old,) = world.keyring.public().keys
    new = world.keyring.rotate(LEAD)
    world.move(SECOND)
    assert set(world.keyring.public().keys) == {old, new}
    assert f'"kid": "{new}"' in world.jwks.read_text()
    world.move(LEAD - 2 * SECOND)
    last = world.sign(claims_for(request(lifetime=timedelta(hours=72)), now=world.clock.now()))
    assert world.private() == {old, new}
    world.move(SECOND)
    assert world.private() == {new}
    assert world.verifier.verify(world.sign()).authorisation_id
    world.move(timedelta(hours=72) - 2 * SECOND)
    assert world.verifier.verify(last).authorisation_id
    world.move(COUNTS_AFTER - timedelta(hours=72) + 3 * SECOND)
    assert set(world.keyring.public().keys) == {new}
    assert world.changes()[1:] == [(new, "made"), (old, "stopped_signing"), (old, "withdrawn")]


def test_a_revoked_key_opens_nothing_and_what_it_opened_ends(world: KeysWorld, tmp_path: Path) -> None:
    del tmp_path
    (old,) = world.keyring.public().keys
    token = world.sign()
    made = world.ask()
    world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    new = world.keyring.revoke(end_searches)
    world.move(SECOND)
    assert set(world.keyring.public().keys) == world.private() == {new}
    with pytest.raises(AuthorisationDeniedError, match="unknown_key"):
        world.verifier.verify(token)
    assert world.cases.expire(world.clock.now()) == 1
    assert world.state(made.request_id) is RequestState.EXPIRED
    assert world.changes()[1:] == [(old, "revoked"), (new, "made")]


def test_what_cannot_be_recorded_changes_no_key(world: KeysWorld) -> None:
    before = world.private()
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.keyring.rotate(LEAD)
    with pytest.raises(AuditUnavailableError):
        world.keyring.revoke(end_searches)
    assert world.private() == set(world.keyring.public().keys) == before


def test_nothing_is_signed_where_the_key_is_gone_or_others_may_read_it(world: KeysWorld) -> None:
    (name,) = world.keyring.public().keys
    (world.folder / f"{name}.pem").chmod(0o644)
    with pytest.raises(SigningError):
        world.sign()
    (world.folder / f"{name}.pem").unlink()
    with pytest.raises(SigningError):
        world.sign()


def test_a_folder_that_cannot_be_written_makes_no_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(KeyStoreError):
        FileKeys(tmp_path / "keys").make()
