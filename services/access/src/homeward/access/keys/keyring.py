"""The keys that sign authorisations: which one signs now, whose signatures count, and how one follows another.

A new key is published first and signs later, when every verifier has read it. The one before it is destroyed when it
stops signing, and its signatures count until the last of them has expired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from homeward.access.cases.ports import SigningError
from homeward.access.database.database import Database
from homeward.access.keys.ports import KeyStore, KeyStoreError
from homeward.access.keys.tables import KeyRow
from homeward.access.outbox.outbox import SOURCE
from homeward.shared.audit import Audit, Entry
from homeward.shared.authorisation import Claims, KeyFileError, KeySet, issue
from homeward.shared.authorisation.ceilings import CLOCK_SKEW_MAX, LIFETIME_MAX
from homeward.shared.authorisation.keys import key_id
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

COUNTS_AFTER: Final = LIFETIME_MAX + CLOCK_SKEW_MAX
"""How long a key's signatures count after it has stopped signing: no token lives longer."""

_KEYS_LOCK: Final = 0x484F4D4B
"""The advisory lock of PostgreSQL under which keys change: any number that is ours."""

OnRevoked = Callable[[Session, datetime], None]


class Keyring:
    """The signing keys of one installation, shared by its replicas by way of the database."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, store: KeyStore) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._store = store

    def sign(self, session: Session, claims: Claims) -> str:
        """Return the token of `claims`, signed by the key of the hour, within the caller's transaction.

        Raises SigningError when there is none, or its store does not answer.
        """
        row = _signing(_living(session), self._clock.now())
        if row is None:
            raise SigningError("there is no signing key")
        try:
            return issue(claims, _Stored(self._store, row.key_id))
        except KeyStoreError as error:
            raise SigningError(str(error)) from error

    def public(self) -> KeySet:
        """Return the keys whose signatures count."""
        with self._database.read() as session:
            return KeySet.of(Ed25519PublicKey.from_public_bytes(row.public_key) for row in _living(session))

    def rotate(self, lead: timedelta) -> str:
        """Make a key that signs after `lead`, and return its id. Raises KeyStoreError and AuditUnavailableError."""
        with self._changing() as session:
            return self._make(session, self._clock.now() + lead)

    def revoke(self, on_revoked: OnRevoked) -> str:
        """Withdraw every key at once, make one that signs now, and return its id: for keys that others may know.

        `on_revoked` ends, in the same transaction, what was signed by them: no verifier accepts it any more.
        """
        now = self._clock.now()
        with self._changing() as session:
            for row in _living(session):
                row.withdrawn_at = now
                self._record(row.key_id, "revoked")
                self._stop(row, now)
            session.flush()
            on_revoked(session, now)
            return self._make(session, now)

    def tend(self, jwks: Path) -> None:
        """Do what time asks for: make the first key, destroy what no longer signs, withdraw what no longer counts.

        Then write the public keys to `jwks`, where that says something else. Called each second, by every replica.
        Raises KeyStoreError, KeyFileError, DatabaseAwayError and AuditUnavailableError.
        """
        now = self._clock.now()
        if self._asks(now):
            with self._changing() as session:
                living = _living(session)
                if not living:
                    self._make(session, now)
                signing = _signing(living, now)
                for row in living:
                    if signing is None or row.signs_from >= signing.signs_from:
                        continue
                    if row.stopped_at is None:
                        self._record(row.key_id, "stopped_signing")
                        self._stop(row, now)
                    elif now >= row.stopped_at + COUNTS_AFTER:
                        self._record(row.key_id, "withdrawn")
                        row.withdrawn_at = now
        public = self.public()
        if _written(jwks) != public.keys:
            jwks.parent.mkdir(parents=True, exist_ok=True)
            public.save_jwks(jwks)

    @contextmanager
    def _changing(self) -> Iterator[Session]:
        with self._database.begin() as session:
            if session.get_bind().dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _KEYS_LOCK})
            yield session

    def _asks(self, now: datetime) -> bool:
        with self._database.read() as session:
            living = _living(session)
        signing = _signing(living, now)
        return signing is None or any(
            row.signs_from < signing.signs_from and (row.stopped_at is None or now >= row.stopped_at + COUNTS_AFTER)
            for row in living
        )

    def _make(self, session: Session, signs_from: datetime) -> str:
        public = self._store.make()
        name = key_id(public)
        session.add(
            KeyRow(key_id=name, public_key=public.public_bytes_raw(), made_at=self._clock.now(), signs_from=signs_from)
        )
        session.flush()
        try:
            self._record(name, "made")
        except BaseException:
            self._store.destroy(name)
            raise
        return name

    def _stop(self, row: KeyRow, now: datetime) -> None:
        if row.stopped_at is None:
            row.stopped_at = now
            self._store.destroy(row.key_id)

    def _record(self, name: str, code: str) -> None:
        self._audit.record(Entry(audit_pb2.AUDIT_ACTION_KEY_CHANGED, SOURCE, key_id=name, code=code))


class _Stored:
    """A key of the store, as `issue` asks for one."""

    def __init__(self, store: KeyStore, name: str) -> None:
        self._store = store
        self.key_id = name

    def sign(self, document: bytes) -> bytes:
        return self._store.sign(self.key_id, document)


def _living(session: Session) -> Sequence[KeyRow]:
    """Return the keys whose signatures count, those that sign later last."""
    counting = select(KeyRow).where(KeyRow.withdrawn_at.is_(None)).order_by(KeyRow.signs_from, KeyRow.key_id)
    return session.scalars(counting).all()


def _signing(living: Sequence[KeyRow], now: datetime) -> KeyRow | None:
    ready = [row for row in living if row.signs_from <= now and row.stopped_at is None]
    return ready[-1] if ready else None


def _written(jwks: Path) -> Mapping[str, Ed25519PublicKey] | None:
    try:
        return KeySet.from_jwks_file(jwks).keys
    except KeyFileError:
        return None
