"""The settings of access: the only reader of its environment."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from homeward.access.people.loopback import host_of, is_loopback, require_protected
from homeward.shared.settings import ObjectStoreSettings, PeerTlsSettings, Port, Section, ServiceSettings

SHIPPED_POLICY: Final = Path(__file__).parent / "policy.toml"

PublicUrl = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$"), AfterValidator(require_protected)]


class WebSettings(Section):
    """Where people reach access."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; the ingress alone may reach it.")
    port: Port = Field(default=8080, description="Port to listen on.")
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8080",
        description="Scheme, host and port by which browsers reach access; https anywhere but on loopback.",
    )
    forwarded_hops: int = Field(
        default=0,
        ge=0,
        le=5,
        description="How many proxies before access append to X-Forwarded-For; 0 takes the peer for the client.",
    )
    time_zone: str = Field(default="UTC", description="The site's time zone, an IANA name such as Asia/Taipei.")
    language: Literal["en", "zh-Hant"] = Field(
        default="en", description="The language of pages for browsers that ask for none of ours."
    )
    body_kib: int = Field(default=256, ge=16, le=4096, description="Largest body of a request without files, KiB.")
    upload_mib: int = Field(default=32, ge=1, le=128, description="Largest body of a request with photos, MiB.")


class SessionSettings(Section):
    """How long somebody stays signed in."""

    idle_minutes: int = Field(default=30, ge=1, le=480, description="Minutes without a request that end a session.")
    lifetime_hours: int = Field(default=12, ge=1, le=24, description="Hours after which a session ends in any case.")
    most: int = Field(default=5, ge=1, le=50, description="Sessions of one official at once; one more ends the oldest.")


class RateSettings(Section):
    """How often one client, by its address, and one official may ask; each replica counts by itself."""

    client_per_minute: int = Field(
        default=1200,
        ge=60,
        le=1_000_000,
        description="Requests a minute of one address, behind which may be a station.",
    )
    official_per_minute: int = Field(default=600, ge=30, le=1_000_000, description="Requests a minute of one official.")
    sign_ins_per_minute: int = Field(
        default=60, ge=5, le=100_000, description="Steps of a sign-in, and refused tokens, a minute of one address."
    )


class OidcSettings(Section):
    """The provider by which officials sign in."""

    issuer: str = Field(
        max_length=500,
        pattern=r"^https?://[^\s?#]+$",
        description="The provider's issuer, an https URL; http on loopback alone.",
    )
    client_id: str = Field(min_length=1, max_length=200, description="The console's client id at the provider.")
    client_secret_file: Path | None = Field(
        default=None, description="File with the client's secret; none for a public client with PKCE."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file with the authority of the provider's certificate; none for the public ones."
    )
    scopes: str = Field(
        default="openid profile groups",
        pattern=r"^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$",
        description="What is asked of the provider, openid first; with what brings the groups.",
    )
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"], ...] = Field(
        default=("RS256", "ES256"), min_length=1, description="How the provider may sign tokens (a JSON list)."
    )
    api_audience: str = Field(
        default="homeward-api",
        min_length=1,
        max_length=200,
        description="The audience of bearer tokens for the API: theirs alone, and not the console's client id.",
    )
    token_lifetime_minutes: int = Field(
        default=1440, ge=5, le=1440, description="Longest validity of a token that still counts, minutes."
    )
    groups_claim: str = Field(
        default="groups", min_length=1, max_length=200, description="The claim with an official's groups."
    )
    demo: bool = Field(
        default=False, description="The demo provider of `homeward up`; refused unless everything is on loopback."
    )

    @field_validator("issuer")
    @classmethod
    def _issuer_is_protected(cls, issuer: str) -> str:
        return require_protected(issuer)

    @model_validator(mode="after")
    def _audiences_differ(self) -> Self:
        if self.api_audience == self.client_id:
            # An ID token, which any page of the console's client is given, would open the API.
            raise ValueError("the audience of the API's tokens and the console's client id must differ")
        return self


class AuditSettings(Section):
    """How the audit log is kept."""

    sign_every_s: int = Field(
        default=60,
        ge=1,
        le=3600,
        description="Seconds between two looks for records to sign; a copy ends with what is signed.",
    )


class AccessSettings(ServiceSettings):
    """What access needs to know."""

    object_store: ObjectStoreSettings
    web: WebSettings = WebSettings()
    session: SessionSettings = SessionSettings()
    rates: RateSettings = RateSettings()
    oidc: OidcSettings
    audit: AuditSettings = AuditSettings()
    database_url: SecretStr = Field(
        description="SQLAlchemy URL: postgresql+psycopg://user:password@host/name, or sqlite:////path for one machine."
    )
    policy: Path = Field(
        default=SHIPPED_POLICY,
        description="The policy file (TOML): limits, ranks, and which group holds which role; or the shipped.",
    )
    keys_folder: Path = Field(description="Folder of the signing keys; access alone may read it.")
    jwks_file: Path = Field(description="Where the public keys are written for the services that verify (JWKS).")
    key_lead_s: int = Field(
        default=300,
        ge=10,
        le=86400,
        description="Seconds between the publication of a new signing key and its first signature: what verifiers, "
        "and whatever copies the file to them, need to read it.",
    )
    matching_target: str = Field(description="host:port of matching, which is told at once to stop.")
    grpc_tls: PeerTlsSettings = PeerTlsSettings()
    plan_file: Path | None = Field(
        default=None,
        description="TOML file of the site's plan: its picture, and where each camera stands on it; none shows a list.",
    )

    @model_validator(mode="after")
    def _demo_is_on_loopback(self) -> Self:
        places = (host_of(self.oidc.issuer), host_of(self.web.public_url), self.web.host)
        if self.oidc.demo and not all(is_loopback(place) for place in places):
            raise ValueError("the demo provider signs in whoever clicks: only with everything on loopback")
        return self
