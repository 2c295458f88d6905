"""Imports a folder of footage, each file at its own time."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from homeward.ingest.cameras.sources import LONGEST_RETENTION, FolderSpec, Pacing, RecordingSpec, SourceSpec
from homeward.ingest.imports.folder_files import FootageFile, ImportMark, folder_id, left, place
from homeward.ingest.imports.recording import FileReader
from homeward.ingest.media.coverage import Cause, Coverage
from homeward.ingest.media.ledger import Ledger
from homeward.ingest.ports import CameraState, SourceError, StopSignal
from homeward.ingest.tools import Tools
from homeward.shared.filetimes import NamePattern, NameRefusedError
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


class FolderReader:
    """Reads the files of one folder in the order of their times, once; a later run goes on where the last one ended.

    A file that cannot be placed in time, cannot be read, or is older than the camera's footage is kept, is logged and
    passed over. Time between two files is a gap NOT_IMPORTED, time behind the beginning of an unreadable one CORRUPT.
    """

    def __init__(self, spec: SourceSpec, folder: FolderSpec, tools: Tools) -> None:
        self._spec = spec
        self._tools = tools
        self._pattern = None if folder.name_pattern is None else NamePattern(folder.name_pattern, folder.zone)
        self._folder_id = folder_id(spec)

    def read(self, stop: StopSignal) -> None:
        """Read until the last file's end or `stop`. Raises SourceError when the folder cannot be read now."""
        name = self._spec.camera_id
        state = self._tools.spool.state(name)
        mark = ImportMark.parse(state.recording, self._folder_id)
        if mark is None:
            state = CameraState()
        left_at = mark
        files = left(self._placed_files(), mark, complete=state.complete)
        coverage = Coverage(state.through, Cause.NOT_IMPORTED)
        if files and state.complete:
            # What was done is not, now that more came.
            self._tools.spool.remember(name, replace(state, complete=False))
        _log.info("folder is imported", camera_id=name, expected=len(files))
        clips = 0
        for index, file in enumerate(files, start=1):
            mark = ImportMark(self._folder_id, file.digest, place(file, coverage.through, mark))
            resumed = left_at is not None and left_at.file == file.digest
            clips += self._file(file, mark, coverage, stop, resumed=resumed)
            if stop.is_set():
                return
            _log.info("file is imported", camera_id=name, index=index, expected=len(files), clips=clips)
        recording = None if mark is None else str(mark)
        if files or not state.complete:
            self._tools.spool.remember(name, CameraState(coverage.through, recording, complete=True))
        _log.info("recording is done", camera_id=name, clips=clips)

    def _placed_files(self) -> list[FootageFile]:
        """Return the files whose time is known and whose footage is still to be kept."""
        oldest = self._tools.clock.now() - (self._spec.retention or LONGEST_RETENTION)
        found = []
        for index, name in enumerate(sorted(self._tools.folders.files(self._spec)), start=1):
            starts_at = self._taken_at(name, index)
            if starts_at is None:
                continue
            if starts_at < oldest:
                # Its clips would be deleted as soon as they are there.
                _log.error("file is older than footage is kept", camera_id=self._spec.camera_id, index=index)
                continue
            found.append(FootageFile(starts_at, name))
        return found

    def _taken_at(self, name: str, index: int) -> datetime | None:
        try:
            taken_at = (
                self._tools.folders.created_at(self._spec, name)
                if self._pattern is None
                else self._pattern.taken_at(Path(name).stem)
            )
        except NameRefusedError as error:
            _log.error("file has no time", camera_id=self._spec.camera_id, index=index, error=error)
            return None
        if taken_at is None:
            _log.error("file has no creation time", camera_id=self._spec.camera_id, index=index)
        return taken_at

    def _file(self, file: FootageFile, mark: ImportMark, coverage: Coverage, stop: StopSignal, *, resumed: bool) -> int:
        """Read one file; return the number of its clips."""
        tools, name = self._tools, self._spec.camera_id
        ledger = Ledger(tools.spool, name, coverage, recording=str(mark), told=tools.metrics.told)
        ledger.gap_until(mark.placed_at)
        through = coverage.through
        coverage.cause = Cause.CORRUPT
        if through is not None and through > mark.placed_at and not resumed:
            # Up to the next key frame nothing of it can be taken.
            coverage.cause = Cause.NOT_IMPORTED
            seconds = (through - mark.placed_at).total_seconds()
            _log.warning("file begins before the end of the one before", camera_id=name, seconds=seconds)
        recording = RecordingSpec(mark.placed_at, Pacing.IMPORT)
        spec = replace(self._spec, url=self._url(file), recording=recording, folder=None)
        try:
            session = tools.sources.open(spec)
            clips = FileReader(spec, recording, tools).read(session, ledger, through, stop)
        except SourceError as error:
            # Raises when the whole folder is away, which is waited for; else one file would hold up all the others.
            tools.folders.files(self._spec)
            _log.warning("file cannot be read", camera_id=name, error=error)
            coverage.open_from(mark.placed_at)
            coverage.cause = Cause.CORRUPT
            return 0
        coverage.cause = Cause.NOT_IMPORTED
        return clips

    def _url(self, file: FootageFile) -> str:
        return (Path(self._spec.path) / file.name).as_uri()
