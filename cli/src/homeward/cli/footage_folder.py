"""The files of a folder of footage, and when each was taken by its own telling."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import av.error

from homeward.cli.spans import format_span
from homeward.shared.filetimes import NamePattern, NameRefusedError


class FolderRefusedError(Exception):
    """A folder that cannot be imported as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file: when its first frame was taken, or why that is not known."""

    name: str
    size_bytes: int
    starts_at: datetime | None
    refused: str = ""


def listed(folder: Path, pattern: NamePattern | None) -> list[FolderFile]:
    """Return the folder's files in order of time, those without one first; a name that begins with a dot is no file.

    Without a pattern, the creation time that stands in a file holds. Raises FolderRefusedError.
    """
    try:
        paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        files = [_looked_at(path, pattern) for path in paths]
    except OSError as error:
        raise FolderRefusedError(f"the folder cannot be read: {error.strerror}") from None
    if not files:
        raise FolderRefusedError("the folder holds no files; those of its own folders are imported one by one")
    return sorted(files, key=lambda file: (file.starts_at or datetime.min.replace(tzinfo=UTC), file.name))


def check(files: Iterable[FolderFile], now: datetime, retention: timedelta) -> None:
    """Raise FolderRefusedError unless every file has a time, and one within `retention` before `now`."""
    for file in files:
        if file.starts_at is None:
            raise FolderRefusedError(f"{file.name}: {file.refused}; move it elsewhere, or say how its name tells time")
        if file.starts_at > now:
            raise FolderRefusedError(f"{file.name} would begin in the future; look at --name-pattern and --time-zone")
        if file.starts_at < now - retention:
            raise FolderRefusedError(
                f"{file.name} is older than the {format_span(retention)} that footage is kept: it would be deleted as "
                "soon as it is there; move it elsewhere"
            )


def _looked_at(path: Path, pattern: NamePattern | None) -> FolderFile:
    size = path.stat().st_size
    if pattern is None:
        created = _created_at(path)
        return FolderFile(path.name, size, created, "" if created else "no creation time stands in it")
    try:
        return FolderFile(path.name, size, pattern.taken_at(path.stem))
    except NameRefusedError as error:
        return FolderFile(path.name, size, None, str(error))


def _created_at(path: Path) -> datetime | None:
    with (
        suppress(av.error.FFmpegError, OSError, ValueError, KeyError),
        av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace") as container,
    ):
        told = datetime.fromisoformat(container.metadata["creation_time"])
        return told.astimezone(UTC) if told.tzinfo is not None else told.replace(tzinfo=UTC)
    return None
