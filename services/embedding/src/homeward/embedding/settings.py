"""The settings of embedding: the only reader of its environment."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from homeward.shared.models.library import default_models_folder
from homeward.shared.settings import ObjectStoreSettings, PeerTlsSettings, Section, ServiceSettings


def _cores() -> int:
    return len(os.sched_getaffinity(0))


class OnnxSettings(Section):
    """An embedder of your own in place of MobileFaceNet; path, SHA-256 and name belong together."""

    path: Path | None = Field(default=None, description="ONNX file that takes 112x112 RGB faces, NCHW or NHWC.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Its SHA-256; another file stops the service."
    )
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = Field(
        default=None, description="What templates of it are called; those of different models never meet."
    )
    mean: float = Field(default=127.5, ge=0, le=255, description="Taken from each value, 0 to 255, first.")
    scale: float = Field(default=127.5, gt=0, le=255, description="By which each value is divided then.")
    mirror: bool = Field(default=True, description="Whether a face and its mirror image are averaged.")
    provider: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+ExecutionProvider$")] = Field(
        default="CPUExecutionProvider",
        description="What it runs on, by onnxruntime's name, such as CUDAExecutionProvider; then one engine is enough.",
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if len({self.path is None, self.sha256 is None, self.name is None}) != 1:
            raise ValueError("an ONNX embedder needs its path, its sha256 and its name, all three")
        return self


class EmbeddingSettings(ServiceSettings):
    """What embedding needs to know."""

    object_store: ObjectStoreSettings
    authorisation_keys: Path = Field(description="JWKS file with the public keys that sign authorisations.")
    models_folder: Path = Field(
        default_factory=default_models_folder, description="Folder with the models, filled by `homeward models fetch`."
    )
    grpc_listen: str = Field(default="127.0.0.1:50051", description="host:port on which templates are asked for.")
    grpc_tls: PeerTlsSettings = PeerTlsSettings()
    streams_max: int = Field(default=16, ge=1, le=256, description="Streams served at once, one thread each.")
    in_flight_max: int = Field(default=32, ge=1, le=256, description="Questions under way in one stream.")
    readers: int = Field(default=16, ge=1, le=256, description="Reads of the object store at once, over all streams.")
    engines: int = Field(
        default_factory=_cores, ge=1, le=128, description="Models at work, one thread each; by default one a core."
    )
    batch_max: int = Field(default=16, ge=1, le=256, description="Faces at once through a model of any batch.")
    batch_wait_ms: float = Field(default=2, ge=0, le=100, description="How long a batch waits to be filled.")
    photo_bytes_max: int = Field(default=25 << 20, ge=1 << 16, le=1 << 28, description="Largest reference photo.")
    photo_pixels_max: int = Field(
        default=40_000_000, ge=10_000, le=200_000_000, description="Most pixels of a reference photo."
    )
    litert_delegate: Path | None = Field(
        default=None, description="Library of a LiteRT delegate that runs MobileFaceNet, such as a GPU's."
    )
    onnx: OnnxSettings = OnnxSettings()
