"""The spool: finished stretches on disk, kept in order until they are sent, through any crash.

`<folder>/<camera_id>/state.json` is what is remembered of a camera, `<serial>.json` one stretch, `<serial>.mp4` its
footage, `*.part` a clip being written. Each file is written aside, synchronised and renamed, so that it is whole or
absent; a stretch is there when its JSON is. The stretch's JSON carries the state that follows from it, so that the two
cannot come apart.
"""

import hashlib
import heapq
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from homeward.ingest.adapters.spool_files import (
    ENTRY_OVERHEAD_BYTES,
    CameraFolder,
    Kept,
    sync_folder,
)
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Footage, Stretch
from homeward.ingest.ports import CameraState, Entry, Sealed, StopSignal
from homeward.ingest.status.report import Waiting
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.telemetry.logging import get_logger

_ROOM_TURN_S: Final = 0.5

_log = get_logger()


class DiskSpool:
    """The ports `StretchSpool` and `SendQueue` on a folder of the local disk. One process owns the folder."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        given_up: Callable[[Stretch], None] = lambda _: None,
        sized: Callable[[int, int], None] = lambda _, __: None,
        kept: Callable[[Stretch], None] = lambda _: None,
        clock: Clock | None = None,
    ) -> None:
        """Read what an earlier process left in `folder`. Raises OSError when it cannot be used.

        `given_up` is told each clip for which there was no room, `sized` the bytes and the stretches held,
        `kept` each stretch that was added.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._given_up = given_up
        self._sized = sized
        self._added = kept
        self._clock = clock or SystemClock()
        self._lock = threading.Condition()
        self._folders: dict[str, CameraFolder] = {}
        self._kept: dict[str, Kept] = {}
        self._queues: dict[str, deque[Entry]] = {}
        self._claimed: dict[str, Entry] = {}
        self._yielding: set[str] = set()
        """The cameras of which a clip is being given up: of these none is claimed meanwhile."""
        self._ready: deque[str] = deque()
        self._resting: list[tuple[float, str]] = []
        """A heap of the cameras that are passed over, by the monotonic time at which they are not any more."""
        self._sizes: dict[tuple[str, int], int] = {}
        """Bytes by camera and serial, in the order in which stretches came: the oldest are given up first."""
        self._used = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._recover()

    def cameras(self) -> list[str]:
        """Return the ids of the cameras of which anything is remembered."""
        with self._lock:
            return sorted(self._kept)

    def state(self, camera_id: str) -> CameraState:
        """Return what is remembered of the camera."""
        with self._lock:
            return self._kept[camera_id].state if camera_id in self._kept else CameraState()

    def remember(self, camera_id: str, state: CameraState) -> None:
        """Replace what is remembered of the camera."""
        kept = Kept(self._last_kept(camera_id).serial + 1, state)
        self._camera(camera_id).write_state(kept)
        with self._lock:
            self._kept[camera_id] = kept

    def waiting(self, camera_id: str) -> Waiting:
        """Return what of the camera waits to be sent."""
        with self._lock:
            queue = self._queues.get(camera_id)
            if not queue:
                return Waiting()
            used = sum(self._sizes[camera_id, entry.serial] for entry in queue)
            return Waiting(len(queue), used, queue[0].stretch.starts_at)

    def oldest(self) -> datetime | None:
        """Return when what waits longest to be sent ended; None where nothing waits."""
        with self._lock:
            return min((queue[0].stretch.ends_at for queue in self._queues.values() if queue), default=None)

    def filling(self) -> bool:
        """Whether more than half of the bound is used."""
        with self._lock:
            return self._used * 2 > self._max_bytes

    def draft(self, camera_id: str) -> Path:
        """Return a path for a clip being written."""
        return self._camera(camera_id).draft()

    def discard(self, draft: Path) -> None:
        """Delete a draft; one that the disk does not let go is deleted at the next start."""
        try:
            draft.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("draft cannot be deleted", camera_id=draft.parent.name, error=error)

    def seal(self, draft: Path) -> Sealed:
        """Synchronise a draft to the disk and return its size and hash."""
        with draft.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Sealed(file.tell(), digest)

    def add(self, stretch: Stretch, draft: Path | None, state: CameraState, *, replayable: bool) -> None:
        """Keep a stretch until it is sent."""
        camera_id = stretch.camera_id
        folder = self._camera(camera_id)
        size = _size(stretch)
        fits = self._make_room(size) or not isinstance(stretch.outcome, Footage) or replayable
        if not fits:
            self._given_up(stretch)
            if draft is not None:
                self.discard(draft)
            stretch, draft, size = stretch.given_up(), None, ENTRY_OVERHEAD_BYTES
        before = self._last_kept(camera_id)
        kept = Kept(before.serial + 1, state)
        path = folder.footage(kept.serial) if draft is not None else None
        entry = Entry(camera_id, kept.serial, stretch, path, replayable)
        try:
            if draft is not None and path is not None:
                draft.rename(path)
            folder.write_entry(entry, state)
            folder.write_state(kept)
        except OSError:
            # What is left would take room that nobody counts.
            with suppress(OSError):
                folder.undo(entry, before)
            raise
        with self._lock:
            self._kept[camera_id] = kept
            self._enqueue(entry, size)
        self._added(stretch)

    def wait_for_room(self, stop: StopSignal) -> None:
        """Block while more than half of the bound is used, or until `stop`."""
        while not stop.is_set():
            with self._lock:
                if self._lock.wait_for(lambda: self._used * 2 <= self._max_bytes, _ROOM_TURN_S):
                    return

    def claim(self, timeout_s: float) -> Entry | None:
        """Return the oldest stretch of a camera of which none is claimed."""
        with self._lock:
            if not self._wake() and self._resting:
                timeout_s = min(timeout_s, max(0.0, self._resting[0][0] - self._clock.monotonic()))
            if not self._lock.wait_for(self._wake, timeout_s):
                return None
            camera_id = next(name for name in self._ready if name not in self._yielding)
            self._ready.remove(camera_id)
            entry = self._queues[camera_id][0]
            self._claimed[camera_id] = entry
            return entry

    def release(self, entry: Entry, rest_s: float = 0.0) -> None:
        """Give a claimed stretch back, behind the other cameras' turn."""
        with self._lock:
            self._unclaim(entry.camera_id, rest_s)

    def shorten(self, entry: Entry, stretch: Stretch) -> None:
        """Put a part of the claimed stretch in its place, and give it back."""
        shorter = replace(entry, stretch=stretch)
        self._camera(entry.camera_id).shorten(shorter)
        with self._lock:
            queue = self._queues[entry.camera_id]
            queue[queue.index(entry)] = shorter
            self._unclaim(entry.camera_id)

    def empty(self) -> bool:
        """Whether nothing waits to be sent."""
        with self._lock:
            return not self._sizes

    def free(self, entry: Entry) -> None:
        """Delete a claimed stretch."""
        # The JSON goes first: footage without it is swept away at the next start, a JSON without footage is not.
        self._camera(entry.camera_id).remove(entry)
        with self._lock:
            self._queues[entry.camera_id].popleft()
            self._used -= self._sizes.pop((entry.camera_id, entry.serial))
            self._unclaim(entry.camera_id)

    def spoil(self, entry: Entry) -> None:
        """Replace claimed footage by a gap, and give it back."""
        self._replace(entry, replace(entry.stretch, outcome=Cause.CORRUPT))
        with self._lock:
            self._unclaim(entry.camera_id)

    def _camera(self, camera_id: str) -> CameraFolder:
        with self._lock:
            known = self._folders.get(camera_id)
        if known is not None:
            return known
        made = CameraFolder(self._folder / camera_id)
        sync_folder(self._folder)
        with self._lock:
            return self._folders.setdefault(camera_id, made)

    def _last_kept(self, camera_id: str) -> Kept:
        with self._lock:
            return self._kept.get(camera_id, Kept(0, CameraState()))

    def _recover(self) -> None:
        for path in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            folder = self._camera(path.name)
            kept, entries = folder.recover()
            with self._lock:
                self._kept[path.name] = kept
                for entry in entries:
                    self._enqueue(entry, _size(entry.stretch))

    def _enqueue(self, entry: Entry, size: int) -> None:
        queue = self._queues.setdefault(entry.camera_id, deque())
        queue.append(entry)
        self._sizes[entry.camera_id, entry.serial] = size
        self._used += size
        if len(queue) == 1:
            self._ready.append(entry.camera_id)
        self._tell()

    def _unclaim(self, camera_id: str, rest_s: float = 0.0) -> None:
        del self._claimed[camera_id]
        if self._queues[camera_id] and rest_s > 0:
            heapq.heappush(self._resting, (self._clock.monotonic() + rest_s, camera_id))
        elif self._queues[camera_id]:
            self._ready.append(camera_id)
        self._tell()

    def _wake(self) -> bool:
        """Let cameras that have rested be claimed again; return whether any can be."""
        now_s = self._clock.monotonic()
        while self._resting and self._resting[0][0] <= now_s:
            self._ready.append(heapq.heappop(self._resting)[1])
        return any(camera_id not in self._yielding for camera_id in self._ready)

    def _tell(self) -> None:
        self._sized(self._used, len(self._sizes))
        self._lock.notify_all()

    def _make_room(self, size: int) -> bool:
        """Give up the oldest clips until `size` fits; return whether it does.

        The disk is worked on outside the lock: a thousand cameras at the bound would wait for each other there.
        """
        while size <= self._max_bytes:
            with self._lock:
                if self._used + size <= self._max_bytes:
                    return True
                victim = self._oldest_clip()
                if victim is None:
                    if not self._yielding:
                        return False
                    self._lock.wait(_ROOM_TURN_S)
                    continue
                before = self._before(victim)
                self._yielding.add(victim.camera_id)
            try:
                self._give_up(victim, before)
            except OSError as error:
                _log.warning("clip cannot be given up", camera_id=victim.camera_id, error=error)
                return False
            finally:
                with self._lock:
                    self._yielding.discard(victim.camera_id)
                    self._tell()
            self._given_up(victim.stretch)
        return False

    def _oldest_clip(self) -> Entry | None:
        for camera_id, serial in self._sizes:
            claimed = self._claimed.get(camera_id)
            if camera_id in self._yielding or (claimed is not None and claimed.serial == serial):
                continue
            entry = next(entry for entry in self._queues[camera_id] if entry.serial == serial)
            if entry.path is not None and not entry.replayable:
                return entry
        return None

    def _give_up(self, victim: Entry, before: Entry | None) -> None:
        """Make `victim` a gap, or a part of `before`, the gap in front of it. Its camera is yielding."""
        gap = victim.stretch.given_up()
        if before is None:
            self._replace(victim, gap)
            return
        # One gap for a whole outage, not one for each clip. A crash in between leaves the victim inside the wider gap;
        # recovery drops it.
        self._replace(before, replace(gap, starts_at=before.stretch.starts_at))
        try:
            self._camera(victim.camera_id).remove(victim)
        finally:
            with self._lock:
                self._queues[victim.camera_id].remove(victim)
                self._used -= self._sizes.pop((victim.camera_id, victim.serial))

    def _before(self, victim: Entry) -> Entry | None:
        """Return the unclaimed overflow gap that ends where `victim` begins, if there is one."""
        queue = self._queues[victim.camera_id]
        index = queue.index(victim)
        if index == 0:
            return None
        before = queue[index - 1]
        if before is self._claimed.get(victim.camera_id) or before.stretch.outcome is not Cause.SPOOL_OVERFLOW:
            return None
        one, other = before.stretch.claim, victim.stretch.claim
        if one is not other and (one is None or other is None or one.epoch != other.epoch):
            # Two owners' times are told apart.
            return None
        return before if before.stretch.ends_at == victim.stretch.starts_at else None

    def _replace(self, entry: Entry, stretch: Stretch) -> None:
        """Put `stretch`, a gap, in the place of `entry`, which is claimed or of a yielding camera."""
        gap = Entry(entry.camera_id, entry.serial, stretch, None, entry.replayable)
        self._camera(entry.camera_id).replace(entry, gap)
        with self._lock:
            queue = self._queues[entry.camera_id]
            queue[queue.index(entry)] = gap
            if self._claimed.get(entry.camera_id) is entry:
                self._claimed[entry.camera_id] = gap
            key = (entry.camera_id, entry.serial)
            self._used += ENTRY_OVERHEAD_BYTES - self._sizes[key]
            self._sizes[key] = ENTRY_OVERHEAD_BYTES
            self._tell()


def _size(stretch: Stretch) -> int:
    footage = stretch.outcome.size_bytes if isinstance(stretch.outcome, Footage) else 0
    return footage + ENTRY_OVERHEAD_BYTES
