"""The people room, put together."""

from datetime import timedelta

from homeward.access.database.database import Database
from homeward.access.people.bearers import BearerTokens
from homeward.access.people.cookies import Cookies
from homeward.access.people.officials import Officials
from homeward.access.people.ports import Provider, RoleTable
from homeward.access.people.provider_keys import ProviderKeys
from homeward.access.people.rates import RateLimiter
from homeward.access.people.session_store import Sessions
from homeward.access.people.sessions import SessionAuthenticator
from homeward.access.people.sign_in import Client, SignIn
from homeward.access.people.tokens import TokenVerifier
from homeward.access.settings import OidcSettings, RateSettings, SessionSettings
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock


class PeopleRoom:
    """Who is signed in, and how one comes to be: `authenticator` for the gate, `officials` for names."""

    def __init__(
        self,
        oidc: OidcSettings,
        lasting: SessionSettings,
        rates: RateSettings,
        public_url: str,
        *,
        provider: Provider,
        roles: RoleTable,
        database: Database,
        audit: Audit,
        clock: Clock,
    ) -> None:
        """`public_url` is where browsers reach access."""
        self.cookies = Cookies(public_url)
        self.officials = Officials(database)
        self.sessions = Sessions(
            database,
            audit,
            clock,
            roles,
            idle=timedelta(minutes=lasting.idle_minutes),
            lifetime=timedelta(hours=lasting.lifetime_hours),
            most=lasting.most,
        )
        keys = ProviderKeys(provider, clock, oidc.algorithms)

        def verifier(audience: str) -> TokenVerifier:
            return TokenVerifier(
                keys,
                clock,
                issuer=oidc.issuer,
                audience=audience,
                algorithms=oidc.algorithms,
                longest=timedelta(minutes=oidc.token_lifetime_minutes),
                groups_claim=oidc.groups_claim,
            )

        # One count for both, so that neither is a way around the other's.
        steps = RateLimiter(clock, per_minute=rates.sign_ins_per_minute, burst=rates.sign_ins_per_minute)
        bearers = BearerTokens(
            verifier(oidc.api_audience),
            database=database,
            officials=self.officials,
            roles=roles,
            audit=audit,
            clock=clock,
            failures=steps,
        )
        self.authenticator = SessionAuthenticator(
            self.sessions,
            bearers,
            self.cookies,
            limiter=RateLimiter(clock, per_minute=rates.official_per_minute, burst=rates.official_per_minute),
            audit=audit,
            origin=public_url,
        )
        self.sign_in = SignIn(
            Client(oidc.client_id, oidc.issuer, public_url, oidc.scopes),
            provider,
            verifier=verifier(oidc.client_id),
            roles=roles,
            sessions=self.sessions,
            audit=audit,
            limiter=steps,
        )
