"""Folders of footage on the local disk; what stands in a file is read by FFmpeg."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import av
import av.error

from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.ports import SourceUnreachableError


class DiskFolders:
    """The port `FootageFolders` on the local disk, or on what is mounted into it."""

    def files(self, spec: SourceSpec) -> Sequence[str]:
        """Return the names of the folder's files."""
        try:
            names = [path.name for path in Path(spec.path).iterdir() if path.is_file()]
        except OSError as error:
            raise SourceUnreachableError(
                f"camera {spec.camera_id}: the folder cannot be listed ({type(error).__name__})"
            ) from None
        names = [name for name in names if not name.startswith(".")]
        if not names:
            raise SourceUnreachableError(f"camera {spec.camera_id}: the folder holds no files")
        return names

    def created_at(self, spec: SourceSpec, file: str) -> datetime | None:
        """Return the creation time that stands in the container's own metadata."""
        with (
            suppress(av.error.FFmpegError, OSError, ValueError, KeyError),
            av.open(
                f"file:{Path(spec.path) / file}", options={"protocol_whitelist": "file"}, metadata_errors="replace"
            ) as container,
        ):
            told = datetime.fromisoformat(container.metadata["creation_time"])
            return told.astimezone(UTC) if told.tzinfo is not None else told.replace(tzinfo=UTC)
        return None
