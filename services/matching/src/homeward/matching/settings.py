"""The settings of matching."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from homeward.matching.handler.tasks import WIDEST_TASK_MESSAGES
from homeward.shared.authorisation.ceilings import LIVE_SEARCHES_DEFAULT, LIVE_SEARCHES_MAX
from homeward.shared.settings import PeerTlsSettings, ServiceSettings


class MatchingSettings(ServiceSettings):
    """What matching needs to know."""

    grpc_listen: str = Field(default="127.0.0.1:50051", description="host:port on which MatchingService is served.")
    grpc_tls: PeerTlsSettings = PeerTlsSettings()
    embedding_target: str = Field(description="host:port of the embedding service.")
    authorisation_keys: Path = Field(description="JWKS file with the public keys that sign authorisations.")
    qdrant_url: str | None = Field(
        default=None, description="URL of the Qdrant server that holds the subjects' templates; for several replicas."
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="The service's key at the Qdrant server.")
    qdrant_folder: Path | None = Field(
        default=None, description="Folder of the templates without a server; one replica alone may own it."
    )
    false_match_rate: float = Field(
        default=3e-4,
        ge=1e-5,
        le=1e-1,
        description="Share of strangers that may be shown: a search expects the faces compared times this among its "
        "candidates. The threshold of each model and face width follows from it.",
    )
    calibrations_folder: Path | None = Field(
        default=None, description="Folder of calibrations of your own embedders, by `homeward models calibrate`."
    )
    photo_threshold: float = Field(
        default=0.4, gt=0, lt=1, description="Least cosine similarity of two reference photos of one subject."
    )
    live_searches: int = Field(
        default=LIVE_SEARCHES_DEFAULT, ge=1, le=LIVE_SEARCHES_MAX, description="Face searches open at once, at most."
    )
    task_messages: int = Field(
        default=WIDEST_TASK_MESSAGES,
        ge=1,
        le=WIDEST_TASK_MESSAGES,
        description="Messages of the log that one search task reads.",
    )
    task_faces: int = Field(
        default=200, ge=1, le=100_000, description="Faces that one task compares; the rest of its stretch is another's."
    )
    tasks_at_once: int = Field(default=2, ge=1, le=16, description="Search tasks that one replica works on at once.")
    crops_under_way: int = Field(
        default=32, ge=1, le=4096, description="Crops of one task under way to the embedding service at once."
    )
    embedding_timeout_s: float = Field(
        default=60, gt=0, le=600, description="Seconds of silence after which the embedding service is taken for away."
    )
    handover_s: float = Field(
        default=1,
        ge=0,
        le=60,
        description="Seconds between enrolling a subject and fixing where the live search begins.",
    )

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        if (self.qdrant_url is None) == (self.qdrant_folder is None):
            raise ValueError("give qdrant_url or qdrant_folder, one of the two")
        if self.qdrant_api_key is not None and self.qdrant_url is None:
            raise ValueError("qdrant_api_key is for a server: give qdrant_url")
        return self
