"""Sign-in at the provider: the OIDC code flow with PKCE, begun and answered."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from homeward.access.errors import ForbiddenError
from homeward.access.people.csrf import derived, is_same
from homeward.access.people.identity import Identity
from homeward.access.people.next_page import HOME, next_page
from homeward.access.people.ports import CodeRefusedError, Provider, ProviderAwayError, RoleTable
from homeward.access.people.rates import RateLimiter
from homeward.access.people.session_store import AnswerUsedError, OpenedSession, Sessions
from homeward.access.people.tokens import BadTokenError, TokenVerifier
from homeward.access.sentence import Sentence
from homeward.shared.audit import ANONYMOUS, Audit, Entry
from homewardapi.audit.v1 import audit_pb2

CALLBACK: Final = "/sign-in/callback"

_SECRET_BYTES: Final = 32
_SEPARATOR: Final = "."
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
    """A sign-in begun: where the browser goes, and the cookie by which its answer will be known."""

    url: str
    cookie: str


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

    So an answer counts in the browser that asked alone (nobody can be signed in as somebody else by a link) and once,
    and the database holds nothing by which a sign-in could be taken over.
    """

    def __init__(
        self,
        client: Client,
        provider: Provider,
        *,
        verifier: TokenVerifier,
        roles: RoleTable,
        sessions: Sessions,
        audit: Audit,
        limiter: RateLimiter,
    ) -> None:
        """`limiter` is by client address, for beginnings and answers together."""
        self._client = client
        self._provider = provider
        self._verifier = verifier
        self._roles = roles
        self._sessions = sessions
        self._audit = audit
        self._limiter = limiter

    def begin(self, address: str, asked_page: str | None) -> Beginning:
        """Begin a sign-in for the browser at `address`, which then goes on to `asked_page` where that is ours.

        Keeps nothing: nobody can fill the database, or keep others out, by beginning. Raises TooManyError and
        ProviderAwayError.
        """
        self._limiter.check(address)
        endpoint = self._provider.endpoints().authorization
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        challenge = hashlib.sha256(derived(secret, "verifier").encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": derived(secret, "state"),
            "nonce": derived(secret, "nonce"),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return Beginning(_with_query(endpoint, query), f"{secret}{_SEPARATOR}{quote(next_page(asked_page), safe='')}")

    def complete(self, address: str, cookie: str | None, answer: Answer, replaced: str | None) -> SignedIn:
        """Open the session that `answer` stands for, in place of the one of the token `replaced`.

        Raises ForbiddenError for an answer that does not count, which is recorded, TooManyError,
        AuditUnavailableError, DatabaseAwayError and ProviderAwayError; then nobody is signed in.
        """
        self._limiter.check(address)
        secret, _, asked_page = (cookie or "").partition(_SEPARATOR)
        state = derived(secret, "state")
        if not secret or answer.state is None or not is_same(answer.state, state):
            raise self._failed(
                "state", Sentence("the sign-in took too long or was begun in another window; begin again")
            )
        if answer.issuer is not None and answer.issuer != self._client.issuer:
            raise self._failed("issuer", Sentence("the answer is of another provider; begin again"))
        if answer.error is not None or not answer.code or len(answer.code) > _LONGEST_CODE:
            raise self._failed("provider", Sentence("the sign-in provider did not sign you in; begin again"))
        try:
            identity = self._identity(answer.code, secret)
            roles, _ = self._roles.roles_of(identity.groups)
            if not roles:
                reason = Sentence("you are known, and none of your groups has a role in Homeward; ask who gives them")
                raise self._failed("no_role", reason, identity.official_id)
            opened = self._sessions.open(identity, state, replaced)
        except (AnswerUsedError, CodeRefusedError):
            raise self._failed("code", Sentence("the sign-in provider took its answer back; begin again")) from None
        except BadTokenError as error:
            reason = Sentence("the sign-in provider's answer does not hold; begin again")
            raise self._failed(f"token_{error.code}", reason) from None
        # The browser had it in keeping: it is judged again.
        return SignedIn(opened, next_page(unquote(asked_page)))

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

    def _identity(self, code: str, secret: str) -> Identity:
        token = self._provider.exchange(code, derived(secret, "verifier"), self._client.redirect_uri)
        return self._verifier.verify(token, derived(secret, "nonce"))

    def _failed(self, code: str, reason: Sentence, official_id: str = ANONYMOUS) -> ForbiddenError:
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_SIGN_IN_FAILED,
                official_id,
                audit_pb2.AUDIT_OUTCOME_DENIED,
                code=code,
            )
        )
        return ForbiddenError(f"sign_in_{code}", reason)


def _with_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(each for each in (parts.query, urlencode(query)) if each)
    return urlunsplit(parts._replace(query=joined))
