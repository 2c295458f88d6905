"""What can be wrong with a model. Every message says what to do."""

from pathlib import Path

from homeward.shared.models.manifest import Model

FETCH = "homeward models fetch"


class ModelError(Exception):
    """A model cannot be used."""


class ModelMissingError(ModelError):
    """The model is not in the models folder."""

    def __init__(self, model: Model, path: Path) -> None:
        """`path` is where the model's file should be."""
        super().__init__(
            f"the model {model.name} is not in {path.parent}: run `{FETCH} {model.name}`, or put the file whose "
            f"SHA-256 is {model.sha256} at {path}"
        )


class ModelHashError(ModelError):
    """The file is there and is not the model: damaged, or another one."""

    def __init__(self, name: str, path: Path, expected: str, found: str) -> None:
        """`expected` and `found` are SHA-256 in hexadecimal."""
        super().__init__(
            f"{path} is not the model {name}: its SHA-256 is {found} and must be {expected}. It is damaged or was "
            f"exchanged; put the right file in its place, or for a model of the manifest run `{FETCH} {name}`"
        )


class SourceError(ModelError):
    """One source does not give the model; the message says why."""


class UnreachableError(SourceError):
    """The source lies beyond a network that this machine cannot use."""


class ModelUnavailableError(ModelError):
    """No source gave the model."""

    def __init__(self, model: Model, path: Path, failures: list[tuple[str, SourceError]]) -> None:
        """`failures` holds each source that was tried, in words, with what went wrong there."""
        tried = "\n".join(f"  - {source}: {failure}" for source, failure in failures)
        reached = [failure for _, failure in failures if not isinstance(failure, UnreachableError)]
        offline = len(reached) < len(failures)
        super().__init__(
            f"the model {model.name} could not be fetched:\n{tried}\n"
            + ("This machine seems to have no network, or a proxy stands between. " if offline else "")
            + f"Put the file whose SHA-256 is {model.sha256} at {path}, or name a folder that holds it: "
            f"`{FETCH} --from FOLDER {model.name}`"
        )
