"""The files of a folder of footage: in which order they are read, and where each is placed in time. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, Self

from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.ports import SourceUnreachableError
from homeward.shared.instants import format_instant, parse_instant

NAME_RESOLUTION: Final = timedelta(seconds=1)
"""The finest time that most names tell, cut and not rounded: a file may begin by so much after its name's time."""

_KIND: Final = "folder"
_APART: Final = "|"


class FootageFolders(Protocol):
    """Looks into folders of footage. Safe to use from several threads."""

    def files(self, spec: SourceSpec) -> Sequence[str]:
        """Return the names of the folder's files, without those whose name begins with a dot.

        Raises SourceUnreachableError when it cannot be listed, or is empty, as the mount point of a share that is
        not there.
        """
        ...

    def created_at(self, spec: SourceSpec, file: str) -> datetime | None:
        """Return the creation time that stands in `file`, in UTC; None where there is none or it cannot be read."""
        ...


class NoFolders:
    """A recorder that has no folders."""

    def files(self, spec: SourceSpec) -> Sequence[str]:
        """Raise SourceUnreachableError."""
        raise SourceUnreachableError(f"camera {spec.camera_id}: this recorder reads no folders")

    def created_at(self, spec: SourceSpec, file: str) -> datetime | None:  # noqa: ARG002 - the port's
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class FootageFile:
    """One file of the folder, and when its first frame was taken by its own telling."""

    starts_at: datetime
    name: str

    @property
    def digest(self) -> str:
        """What tells the file from the others of its folder; it is remembered in place of the name."""
        return hashlib.sha256(self.name.encode(errors="surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ImportMark:
    """How far the import of a folder has come: the file being read and where its first frame was placed.

    It is kept as the `recording` of the camera's state, with each stretch.
    """

    folder_id: str
    file: str
    placed_at: datetime

    def __str__(self) -> str:
        return _APART.join((_KIND, self.folder_id, self.file, format_instant(self.placed_at)))

    @classmethod
    def parse(cls, text: str | None, folder_id: str) -> Self | None:
        """Return what `str` of a mark of this folder gave; None for anything else."""
        parts = (text or "").split(_APART)
        if len(parts) != 4 or parts[:2] != [_KIND, folder_id]:  # noqa: PLR2004 - the fields and their kind
            return None
        try:
            return cls(folder_id, parts[2], parse_instant(parts[3]))
        except ValueError:
            return None


def left(files: Sequence[FootageFile], mark: ImportMark | None, *, complete: bool) -> list[FootageFile]:
    """Return what is still to be read, in order of time; the first goes on where it was left unless `complete`.

    A file that is placed before the mark and came into the folder later is not read: its time is told already.
    """
    ordered = sorted(files, key=lambda file: (file.starts_at, file.name))
    if mark is None:
        return ordered
    for index, file in enumerate(ordered):
        if file.digest == mark.file:
            return ordered[index + complete :]
    return [file for file in ordered if file.starts_at >= mark.placed_at]


def place(file: FootageFile, through: datetime | None, mark: ImportMark | None) -> datetime:
    """Return when the file's first frame is taken to be.

    Names tell whole seconds, so the end of a file commonly lies a little past the name of the next one: then that
    begins where this one ended, and nothing is dropped. What overlaps by more is dropped up to a key frame.
    """
    if mark is not None and mark.file == file.digest:
        return mark.placed_at
    if through is not None and timedelta(0) < through - file.starts_at <= NAME_RESOLUTION:
        return through
    return file.starts_at


def folder_id(spec: SourceSpec) -> str:
    """Return what tells the import of one folder from another's: the camera, the folder and how files are placed."""
    folder = spec.folder
    pattern, zone = ("", "") if folder is None else (folder.name_pattern or "", folder.zone.key)
    return hashlib.sha256(f"{spec.camera_id}\x1f{spec.url}\x1f{pattern}\x1f{zone}".encode()).hexdigest()
