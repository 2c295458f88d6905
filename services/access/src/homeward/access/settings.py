"""The settings of access: the only reader of its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from homeward.shared.settings import ObjectStoreSettings, PeerTlsSettings, Port, Section, ServiceSettings


class WebSettings(Section):
    """Where people reach access."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; the ingress alone may reach it.")
    port: Port = Field(default=8080, description="Port to listen on.")
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$",
        description="Scheme, host and port by which browsers reach access; https anywhere but on loopback.",
    )
    time_zone: str = Field(default="UTC", description="The site's time zone, an IANA name such as Asia/Taipei.")
    language: Literal["en", "zh-Hant"] = Field(
        default="en", description="The language of pages for browsers that ask for none of ours."
    )


class OidcSettings(Section):
    """The provider by which officials sign in."""

    issuer: str = Field(description="The provider's issuer, an https URL; http on loopback alone.")
    client_id: str = Field(description="The console's client id at the provider.")
    client_secret_file: Path | None = Field(
        default=None, description="File with the client's secret; none for a public client with PKCE."
    )
    api_audience: str = Field(default="homeward-api", description="The audience of bearer tokens for the API.")
    groups_claim: str = Field(default="groups", description="The claim with an official's groups.")
    demo: bool = Field(
        default=False, description="The demo provider of `homeward up`; refused unless everything is on loopback."
    )


class AccessSettings(ServiceSettings):
    """What access needs to know."""

    object_store: ObjectStoreSettings
    web: WebSettings = WebSettings()
    oidc: OidcSettings
    database_url: SecretStr = Field(
        description="SQLAlchemy URL: postgresql+psycopg://user:password@host/name, or sqlite:////path for one machine."
    )
    policy: Path = Field(description="The policy file (TOML): limits, ranks, and which group holds which role.")
    keys_folder: Path = Field(description="Folder of the signing keys; access alone may read it.")
    jwks_file: Path = Field(description="Where the public keys are written for the services that verify (JWKS).")
    matching_target: str = Field(description="host:port of matching, which is told at once to stop.")
    grpc_tls: PeerTlsSettings = PeerTlsSettings()
    plan_file: Path | None = Field(
        default=None,
        description="TOML file of the site's plan: its picture, and where each camera stands on it; none shows a list.",
    )
