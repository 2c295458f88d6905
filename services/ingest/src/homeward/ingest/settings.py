"""The settings of ingest; nothing else reads its environment."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from homeward.shared.settings import ObjectStoreSettings, ServiceSettings

Seconds = Annotated[float, Field(gt=0, le=60)]


class IngestSettings(ServiceSettings):
    """What ingest needs to know."""

    object_store: ObjectStoreSettings
    spool_folder: Path = Field(description="Folder on a local disk that keeps finished clips until they are sent.")
    spool_max_bytes: int = Field(
        default=10_000_000_000,
        ge=16 * 1024 * 1024,
        description="Bytes that the spool may hold; past them the oldest clips are given up, as an announced gap.",
    )
    credentials_folder: Path | None = Field(
        default=None, description="Folder with a file user:password for each credentials_ref that a camera names."
    )
    source_open_timeout_s: Seconds = Field(default=10, description="Seconds that a source may take to be opened.")
    source_read_timeout_s: Seconds = Field(
        default=10, description="Seconds that an open source may say nothing before it counts as lost."
    )
    source_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the authority of cameras; without it rtsps and https are encrypted, not verified.",
    )
    reconnect_first_s: Seconds = Field(default=1, description="Seconds before the first attempt to reconnect.")
    reconnect_longest_s: Seconds = Field(default=30, description="Most seconds between two attempts to reconnect.")
    camera_clock_limit_s: Annotated[float, Field(gt=0, le=300)] = Field(
        default=5,
        description="Seconds by which a camera's own clock may differ from this machine's and still place its clips.",
    )
    decode_check_interval_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=60,
        description="Seconds after which another clip of a camera is proven to decode; at 0 every clip is.",
    )
    sender_threads: int = Field(default=4, ge=1, le=64, description="Clips that are sent at the same time.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reconnect_longest_s < self.reconnect_first_s:
            raise ValueError("reconnect_longest_s is below reconnect_first_s")
        return self
