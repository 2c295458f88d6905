"""The settings of retention: the only reader of its environment."""

from pathlib import Path

from pydantic import Field

from homeward.shared.settings import ObjectStoreSettings, PeerTlsSettings, ServiceSettings


class RetentionSettings(ServiceSettings):
    """What retention needs to know. How long footage lives is no setting: it is the promise of the product."""

    object_store: ObjectStoreSettings
    authorisation_keys: Path = Field(description="JWKS file with the public keys that sign authorisations.")
    matching_target: str = Field(description="host:port of matching, which deletes templates.")
    grpc_tls: PeerTlsSettings = PeerTlsSettings()
    sweep_every_s: float = Field(
        default=3600, ge=1, le=3600, description="Seconds between two sweeps; an hour is the promise's own slack."
    )
    step_every_s: float = Field(
        default=1, ge=0.05, le=60, description="Seconds between two looks for authorisations that have ended."
    )
    wipe_timeout_s: float = Field(default=10, ge=0.1, le=60, description="Seconds that matching has to answer.")
