"""The settings that services share. A service's own settings extend `ServiceSettings`; nothing else reads them.

Each setting is an environment variable: HOMEWARD_ and the field's name, two underscores before the name of a nested
field, as in HOMEWARD_KAFKA__BOOTSTRAP_SERVERS.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HOMEWARD_"

Port = Annotated[int, Field(ge=0, le=65535)]


class UnknownSettingError(ValueError):
    """A variable that begins like a setting of ours and is none: most often a spelling mistake."""


class PeerTlsError(ValueError):
    """A certificate, a key or an authority that cannot be used, or is missing where there must be one."""


class Section(BaseModel):
    """A group of settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Section):
    """How to reach Kafka."""

    bootstrap_servers: str = Field(description="Brokers to begin with, host:port, separated by commas.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How the connection is protected."
    )
    ssl_ca_file: Path | None = Field(default=None, description="PEM file with the authority of the brokers.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How the service proves who it is to the brokers."
    )
    sasl_username: str | None = Field(default=None, description="The service's user name at the brokers.")
    sasl_password: SecretStr | None = Field(default=None, description="The service's password at the brokers.")
    idempotence: bool = Field(
        default=True, description="Whether brokers drop what a producer repeats; off for a broker that errs at it."
    )
    session_timeout_s: int = Field(
        default=10, ge=1, le=300, description="Seconds of silence after which a consumer's work goes to another."
    )


class ObjectStoreSettings(Section):
    """How to reach the S3 API."""

    endpoint: str = Field(description="host:port of the S3 API, without a scheme.")
    access_key: SecretStr = Field(description="The service's access key.")
    secret_key: SecretStr = Field(description="The service's secret key.")
    secure: bool = Field(default=True, description="Whether to speak TLS.")
    region: str = Field(default="us-east-1", description="The buckets' region.")


class PeerTlsSettings(Section):
    """How this service proves to the others which one it is (mutual TLS); all three files, or none on loopback."""

    ca_file: Path | None = Field(default=None, description="PEM file with the authority of the services' certificates.")
    certificate_file: Path | None = Field(
        default=None, description="PEM file with this service's certificate, which names it `<service>.homeward`."
    )
    key_file: Path | None = Field(default=None, description="PEM file with the certificate's private key.")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if len({self.ca_file is None, self.certificate_file is None, self.key_file is None}) != 1:
            raise ValueError("give ca_file, certificate_file and key_file, all three")
        return self

    @property
    def given(self) -> bool:
        """Whether there are certificates."""
        return self.ca_file is not None


class OperationsSettings(Section):
    """Where /healthz, /readyz and /metrics are served."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Port = Field(default=9090, description="Port to listen on; 0 takes a free one.")


class LogSettings(Section):
    """What is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level to log.")
    format: Literal["json", "console"] = Field(default="json", description="JSON lines, or text for a person.")


class ServiceSettings(BaseSettings):
    """What every service needs to know."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    kafka: KafkaSettings
    operations: OperationsSettings = OperationsSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def load(cls) -> Self:
        """Return the settings of the environment.

        Raises UnknownSettingError for a HOMEWARD_ variable that is no setting of this service, pydantic's
        ValidationError for one that is missing or out of bounds; neither shows a value.
        """
        unknown = unknown_variables(cls, os.environ)
        if unknown:
            raise UnknownSettingError(
                f"no such setting: {', '.join(unknown)}; `check-config` of the service lists those it knows"
            )
        return cls()


def variables(settings: type[BaseModel], prefix: str = PREFIX) -> dict[str, str]:
    """Return the name of each environment variable that `settings` reads, with its description."""
    found: dict[str, str] = {}
    for name, field in settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= variables(section, f"{prefix}{name.upper()}__")
        else:
            found[f"{prefix}{name.upper()}"] = field.description or ""
    return found


def unknown_variables(settings: type[BaseModel], names: Iterable[str]) -> list[str]:
    """Return those of `names` that begin like a setting and are none of `settings`."""
    known = variables(settings)
    return sorted(name for name in names if name.startswith(PREFIX) and name not in known)
