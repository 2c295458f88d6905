"""The models on this machine: each verified whenever it is read, each fetched whole or not at all."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from homeward.shared.models.errors import (
    ModelHashError,
    ModelMissingError,
    ModelUnavailableError,
    SourceError,
)
from homeward.shared.models.manifest import Manifest, Model, load_manifest
from homeward.shared.models.sources import ByteProgress, Fetcher, SourceReader, describe


class State(Enum):
    """What the folder holds of a model."""

    MISSING = "missing"
    DAMAGED = "damaged"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """One step of a fetch: `total_bytes` is None where the source does not say, `done_bytes` never falls."""

    model: Model
    source: str
    done_bytes: int
    total_bytes: int | None


Progress = Callable[[FetchProgress], None]


def default_models_folder() -> Path:
    """Return where models are kept when nobody names a folder: one for all of a user's checkouts."""
    return Path.home() / ".cache" / "homeward" / "models"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_verified(name: str, path: Path, sha256: str) -> bytes:
    """Return the bytes of `path` when they are those with `sha256`; raise ModelHashError, OSError.

    The very bytes that are returned were hashed, so nobody can exchange the file in between.
    """
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelHashError(name, path, sha256, found)
    return data


class ModelLibrary:
    """A folder of models. Safe to use from several processes: two that fetch the same model wait for one another."""

    def __init__(
        self,
        folder: Path,
        *,
        manifest: Manifest | None = None,
        offline: Sequence[Path] = (),
        reader: SourceReader | None = None,
    ) -> None:
        """`offline` are folders that may hold the models' files already; nothing is read before a method is called."""
        self.folder = folder
        self.manifest = manifest or load_manifest()
        self._reader = reader or Fetcher(tuple(offline))

    def path(self, name: str) -> Path:
        """Return the verified file of a model.

        Raises UnknownModelError, ModelMissingError, and ModelHashError for a file of another SHA-256.
        """
        model = self.manifest.model(name)
        path = self._path(model)
        if not path.is_file():
            raise ModelMissingError(model, path)
        found = sha256_of(path)
        if found != model.sha256:
            raise ModelHashError(name, path, model.sha256, found)
        return path

    def read(self, name: str) -> bytes:
        """Return the verified bytes of a model; raises what `path` raises."""
        model = self.manifest.model(name)
        path = self._path(model)
        try:
            return read_verified(name, path, model.sha256)
        except FileNotFoundError as error:
            raise ModelMissingError(model, path) from error

    def state(self, name: str) -> State:
        """Return what the folder holds of a model, by reading and hashing it."""
        try:
            self.path(name)
        except ModelMissingError:
            return State.MISSING
        except ModelHashError:
            return State.DAMAGED
        return State.VERIFIED

    def fetch(self, names: Sequence[str] = (), progress: Progress | None = None) -> list[Path]:
        """Fetch the models called `names`, or all that are needed, and return their verified files.

        Without `names` those that are preferred are fetched too, and left out where no source gives them.
        What is there and verified is left alone; a damaged file is replaced. Blocks while another process fetches the
        same model. `progress` is called on this thread. Raises UnknownModelError, and ModelUnavailableError when no
        source gives a model.
        """
        models = [self.manifest.model(name) for name in names or self.manifest.needed()]
        preferred = () if names else self.manifest.preferred()
        report = progress or (lambda _: None)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._reader:
            paths = [self._fetch(model, report) for model in models]
            for name in preferred:
                with suppress(ModelUnavailableError):
                    paths.append(self._fetch(self.manifest.model(name), report))
        return paths

    def _path(self, model: Model) -> Path:
        return self.folder / model.file_name

    def _fetch(self, model: Model, progress: Progress) -> Path:
        path = self._path(model)
        with _locked(self.folder / f".{model.file_name}.lock"):
            if self.state(model.name) is State.VERIFIED:
                return path
            failures: list[tuple[str, SourceError]] = []
            for source in model.sources:
                words = describe(source)
                progress(FetchProgress(model, words, 0, None))
                try:
                    data = self._reader.read(source, model, _reporter(progress, model, words))
                    _check(data, model)
                except SourceError as failure:
                    failures.append((words, failure))
                    continue
                _place(data, path)
                progress(FetchProgress(model, words, len(data), len(data)))
                return path
        raise ModelUnavailableError(model, path, failures)


def _reporter(progress: Progress, model: Model, source: str) -> ByteProgress:
    return lambda done, total: progress(FetchProgress(model, source, done, total))


def _check(data: bytes, model: Model) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != model.sha256:
        raise SourceError(f"gave a file of another SHA-256, {found}; it was thrown away")


def _place(data: bytes, path: Path) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, and a crash leaves no half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone; the system lets go of it when the process dies."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
