"""Sign-in at the provider: the OIDC code flow with PKCE, begun and answered."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from sqlalchemy import delete, func, select

from homeward.access.database.database import Database
from homeward.access.errors import ForbiddenError, TooManyError
from homeward.access.people.cookies import SIGN_IN_S
from homeward.access.people.csrf import derived, is_same
from homeward.access.people.next_page import HOME, next_page
from homeward.access.people.ports import CodeRefusedError, Provider, ProviderAwayError, RoleTable
from homeward.access.people.rates import RateLimiter
from homeward.access.people.session_store import OpenedSession, Sessions
from homeward.access.people.tables import SignInRow
from homeward.access.people.tokens import BadTokenError, TokenVerifier
from homeward.shared.audit import ANONYMOUS, Audit, Entry
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

CALLBACK: Final = "/sign-in/callback"

_SECRET_BYTES: Final = 32
_MOST_UNDER_WAY: Final = 10_000
_LONGEST_CODE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Client:
    """What access is to the provider. `public_url` is access's own address, `scopes` what it asks for."""

    client_id: str
    issuer: str
    public_url: str
    scopes: str

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back; from the settings, whatever host a request names."""
        return self.public_url + CALLBACK


@dataclass(frozen=True, slots=True)
class Beginning:
    """A sign-in begun: where the browser goes, and the secret by which its answer will be known."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider's redirect brought, None where it brought none. `issuer` is RFC 9207's."""

    code: str | None
    state: str | None
    error: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that went well."""

    opened: OpenedSession
    next_page: str


class SignIn:
    """Signs officials in. The browser holds one secret, of which state, nonce and PKCE verifier are derived.

    So an answer counts in the browser that asked alone (nobody can be signed in as somebody else by a link), once,
    and for some minutes; and the database holds nothing by which a sign-in could be taken over.
    """

    def __init__(
        self,
        client: Client,
        provider: Provider,
        *,
        verifier: TokenVerifier,
        roles: RoleTable,
        sessions: Sessions,
        database: Database,
        audit: Audit,
        clock: Clock,
        limiter: RateLimiter,
    ) -> None:
        """`limiter` is by client address, for beginnings and answers together."""
        self._client = client
        self._provider = provider
        self._verifier = verifier
        self._roles = roles
        self._sessions = sessions
        self._database = database
        self._audit = audit
        self._clock = clock
        self._limiter = limiter

    def begin(self, address: str, asked_page: str | None) -> Beginning:
        """Begin a sign-in for the browser at `address`, which then goes on to `asked_page` where that is ours.

        Raises TooManyError, DatabaseAwayError and ProviderAwayError.
        """
        self._limiter.check(address)
        endpoint = self._provider.endpoints().authorization
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        state, now = derived(secret, "state"), self._clock.now()
        with self._database.begin() as session:
            session.execute(delete(SignInRow).where(SignInRow.expires_at <= now))
            if (session.scalar(select(func.count()).select_from(SignInRow)) or 0) >= _MOST_UNDER_WAY:
                raise TooManyError("too_many_sign_ins", "too many people sign in at once; try again in a minute", 60)
            expires_at = now + timedelta(seconds=SIGN_IN_S)
            session.add(SignInRow(state_hash=_hash(state), next_page=next_page(asked_page), expires_at=expires_at))
        challenge = hashlib.sha256(derived(secret, "verifier").encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": state,
            "nonce": derived(secret, "nonce"),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return Beginning(_with_query(endpoint, query), secret)

    def complete(self, address: str, secret: str | None, answer: Answer, replaced: str | None) -> SignedIn:
        """Open the session that `answer` stands for, in place of the one of the token `replaced`.

        Raises ForbiddenError for an answer that does not count, which is recorded, TooManyError,
        AuditUnavailableError, DatabaseAwayError and ProviderAwayError; then nobody is signed in.
        """
        self._limiter.check(address)
        asked_page = self._consume(secret, answer)
        if secret is None or asked_page is None:
            raise self._failed("state", "the sign-in took too long or was begun in another window; begin again")
        if answer.issuer is not None and answer.issuer != self._client.issuer:
            raise self._failed("issuer", "the answer is of another provider; begin again")
        if answer.error is not None or not answer.code or len(answer.code) > _LONGEST_CODE:
            raise self._failed("provider", "the sign-in provider did not sign you in; begin again")
        try:
            token = self._provider.exchange(answer.code, derived(secret, "verifier"), self._client.redirect_uri)
            identity = self._verifier.verify(token, derived(secret, "nonce"))
        except CodeRefusedError:
            raise self._failed("code", "the sign-in provider took its answer back; begin again") from None
        except BadTokenError as error:
            raise self._failed(
                f"token_{error.code}", "the sign-in provider's answer does not hold; begin again"
            ) from None
        roles, _ = self._roles.roles_of(identity.groups)
        if not roles:
            reason = "you are known, and none of your groups has a role in Homeward; ask who gives them"
            raise self._failed("no_role", reason, identity.official_id)
        return SignedIn(self._sessions.open(identity, replaced), asked_page)

    def goodbye(self) -> str:
        """Return where a browser goes that has signed out: the provider's own page for it, home where it has none.

        Raises nothing: whoever signed out is signed out.
        """
        try:
            page = self._provider.endpoints().end_session
        except ProviderAwayError:
            return HOME
        query = {"client_id": self._client.client_id, "post_logout_redirect_uri": f"{self._client.public_url}/"}
        return HOME if page is None else _with_query(page, query)

    def _consume(self, secret: str | None, answer: Answer) -> str | None:
        if secret is None or answer.state is None or not is_same(answer.state, derived(secret, "state")):
            return None
        this = SignInRow.state_hash == _hash(answer.state)
        with self._database.begin() as session:
            asked_page = session.scalar(
                select(SignInRow.next_page).where(this, SignInRow.expires_at > self._clock.now())
            )
            # Of two answers at once the database lets one delete the row.
            gone = session.execute(delete(SignInRow).where(this).returning(SignInRow.state_hash)).all()
        return asked_page if gone else None

    def _failed(self, code: str, reason: str, official_id: str = ANONYMOUS) -> ForbiddenError:
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_SIGN_IN_FAILED,
                official_id,
                audit_pb2.AUDIT_OUTCOME_DENIED,
                code=code,
            )
        )
        return ForbiddenError(f"sign_in_{code}", reason)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()


def _with_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(each for each in (parts.query, urlencode(query)) if each)
    return urlunsplit(parts._replace(query=joined))
