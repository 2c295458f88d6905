"""Bearer tokens of the API: verified, recorded at their first use, refused once their owner signed out everywhere."""

import hashlib
import threading
from collections import OrderedDict
from typing import Final

from homeward.access.database.database import Database
from homeward.access.errors import NotSignedInError
from homeward.access.people.identity import Identity
from homeward.access.people.officials import Officials
from homeward.access.people.ports import RoleTable
from homeward.access.people.principal import Principal
from homeward.access.people.rates import RateLimiter
from homeward.access.people.tokens import LEEWAY, BadTokenError, TokenVerifier
from homeward.shared.audit import ANONYMOUS, Audit, Entry
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

_REMEMBERED: Final = 10_000


class BearerTokens:
    """Tells whose bearer token it is. Safe to use from several threads."""

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        database: Database,
        officials: Officials,
        roles: RoleTable,
        audit: Audit,
        clock: Clock,
        failures: RateLimiter,
    ) -> None:
        """`failures` is per client: beyond it a failure is refused without a record, so that nobody fills the log."""
        self._verifier = verifier
        self._database = database
        self._officials = officials
        self._roles = roles
        self._audit = audit
        self._clock = clock
        self._failures = failures
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def principal(self, token: str, client: str) -> Principal:
        """Return who shows `token` from the address `client`.

        Raises NotSignedInError for a token that does not count, TooManyError for too many of these,
        AuditUnavailableError, DatabaseAwayError and ProviderAwayError.
        """
        try:
            identity = self._verifier.verify(token)
            self._check_signed_out(identity)
        except BadTokenError as error:
            self._failures.check(client)
            self._audit.record(
                Entry(
                    audit_pb2.AUDIT_ACTION_SIGN_IN_FAILED,
                    ANONYMOUS,
                    audit_pb2.AUDIT_OUTCOME_DENIED,
                    code=f"bearer_{error.code}",
                )
            )
            raise NotSignedInError("bad_token", "the bearer token does not count; get a new one") from None
        self._note_first_use(token, identity)
        roles, rank = self._roles.roles_of(identity.groups)
        return Principal(identity.official_id, identity.name, roles, rank)

    def _check_signed_out(self, identity: Identity) -> None:
        signed_out_at = self._officials.signed_out_at(identity.official_id)
        # By a provider's clock that is ahead of ours, one from before would seem to be from after.
        if signed_out_at is not None and identity.issued_at <= signed_out_at + LEEWAY:
            raise BadTokenError("signed_out")

    def _note_first_use(self, token: str, identity: Identity) -> None:
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            if digest in self._seen:
                return
        with self._database.begin() as session:
            Officials.signed_in(session, identity, self._clock.now())
            session.flush()
            self._audit.record(Entry(audit_pb2.AUDIT_ACTION_SIGNED_IN, identity.official_id, code="bearer"))
        with self._lock:
            self._seen[digest] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
