"""One camera's folder of the spool."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Claim, Footage, Stretch
from homeward.ingest.ports import CameraState, Entry, Owed
from homeward.shared.instants import format_instant, parse_instant
from homeward.shared.telemetry.logging import get_logger

ENTRY_OVERHEAD_BYTES: Final = 4096
"""What a stretch takes beside its footage: one block of a usual file system."""

_STATE: Final = "state.json"
_ENTRIES: Final = "[0-9]" * 12 + ".json"
_PART: Final = ".part"
_BROKEN: Final = ".broken"

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """A camera's state and the serial of the last change of it."""

    serial: int
    state: CameraState


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class CameraFolder:
    """The files of one camera. Every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        """Make the folder when it is not there."""
        self._folder = folder
        self._drafts = 0
        folder.mkdir(exist_ok=True)

    def draft(self) -> Path:
        """Return a new path for a clip being written."""
        self._drafts += 1
        return self._folder / f"clip-{self._drafts}{_PART}"

    def footage(self, serial: int) -> Path:
        """Return the path of a stretch's footage."""
        return self._folder / f"{serial:012d}.mp4"

    def write_state(self, kept: Kept) -> None:
        """Replace the camera's state."""
        self._write(self._folder / _STATE, {"serial": kept.serial, "state": _state_to(kept.state)})

    def write_entry(self, entry: Entry, state: CameraState) -> None:
        """Write a stretch, with the state that follows from it."""
        record = {
            "serial": entry.serial,
            "replayable": entry.replayable,
            "stretch": _stretch_to(entry.stretch),
            "state": _state_to(state),
        }
        self._write(self._entry(entry.serial), record)

    def replace(self, entry: Entry, gap: Entry) -> None:
        """Replace a stretch by a gap, and delete its footage."""
        record = json.loads(self._entry(entry.serial).read_bytes())
        self._write(self._entry(entry.serial), record | {"stretch": _stretch_to(gap.stretch)})
        if entry.path is not None:
            entry.path.unlink(missing_ok=True)

    def shorten(self, entry: Entry) -> None:
        """Replace a stretch by a part of it, with the same footage."""
        record = json.loads(self._entry(entry.serial).read_bytes())
        self._write(self._entry(entry.serial), record | {"stretch": _stretch_to(entry.stretch)})

    def remove(self, entry: Entry) -> None:
        """Delete a stretch and its footage."""
        self._entry(entry.serial).unlink(missing_ok=True)
        if entry.path is not None:
            entry.path.unlink(missing_ok=True)

    def undo(self, entry: Entry, before: Kept) -> None:
        """Delete what was written of a stretch that could not be written whole."""
        if self._read_state() != before:
            # First: a state that no stretch led to would leave time that nobody tells.
            self.write_state(before)
        self.remove(entry)

    def recover(self) -> tuple[Kept, list[Entry]]:
        """Delete what a crash left half done; return the state and the stretches, in order.

        Of what cannot be read, the time is told as a gap.
        """
        for path in self._folder.glob(f"*{_PART}"):
            path.unlink()
        found = [(path, self._read(path)) for path in sorted(self._folder.glob(_ENTRIES))]
        kept = self._read_state()
        for _, pair in found:
            if pair is not None and pair[0].serial > kept.serial:
                kept = Kept(pair[0].serial, pair[1])
        entries: list[Entry] = []
        unreadable: list[Path] = []
        for path, pair in found:
            if pair is None:
                unreadable.append(path)
                continue
            entry = pair[0]
            kept = self._fill(unreadable, entries, entry.stretch.starts_at, kept)
            unreadable.clear()
            if entries and _lies_in_overflow(entry.stretch, entries[-1].stretch):
                self.remove(entry)
            else:
                entries.append(entry)
        kept = self._fill(unreadable, entries, kept.state.through, kept)
        known = {entry.path for entry in entries}
        for path in self._folder.glob("*.mp4"):
            if path not in known:
                path.unlink()
        return kept, entries

    def _fill(self, unreadable: Sequence[Path], entries: list[Entry], until: datetime | None, kept: Kept) -> Kept:
        """Set unreadable stretches aside and add a gap from the last of `entries` to `until`; return the state.

        Without a stretch before them, only the log knows where theirs began: the time is owed, or a recording is read
        anew.
        """
        if not unreadable:
            return kept
        first, *others = unreadable
        for path in others:
            self._set_aside(path)
        if entries and until is not None and entries[-1].stretch.ends_at < until:
            gap = _corrupt(entries[-1], int(first.stem), until)
            # Linked and then replaced, so that a crash in between leaves the gap to the next start.
            aside = first.with_name(first.name + _BROKEN)
            aside.unlink(missing_ok=True)
            aside.hardlink_to(first)
            self.write_entry(gap, replace(kept.state, through=until))
            entries.append(gap)
            return kept
        if not entries and until is not None:
            owed = replace(kept.state, owed=Owed(until, Cause.CORRUPT))
            anew = CameraState(epoch=kept.state.epoch)
            kept = Kept(kept.serial, owed if kept.state.recording is None else anew)
            self.write_state(kept)
        self._set_aside(first)
        return kept

    def _entry(self, serial: int) -> Path:
        return self._folder / f"{serial:012d}.json"

    def _read_state(self) -> Kept:
        path = self._folder / _STATE
        if not path.exists():
            return Kept(0, CameraState())
        try:
            record = json.loads(path.read_bytes())
            return Kept(int(record["serial"]), _state_from(record["state"]))
        except (ValueError, KeyError, TypeError):
            _log.error("state of a camera is unreadable and set aside", camera_id=self._folder.name)
            self._set_aside(path)
            return Kept(0, CameraState())

    def _read(self, path: Path) -> tuple[Entry, CameraState] | None:
        try:
            record = json.loads(path.read_bytes())
            serial = int(record["serial"])
            stretch = _stretch_from(record["stretch"])
            footage = self.footage(serial) if isinstance(stretch.outcome, Footage) else None
            entry = Entry(self._folder.name, serial, stretch, footage, bool(record["replayable"]))
            return entry, _state_from(record["state"])
        except (OSError, ValueError, KeyError, TypeError):
            # A file is written whole, so only a failing disk or a foreign hand leaves one that cannot be read.
            _log.error("spool file is unreadable and set aside", camera_id=self._folder.name)
            return None

    def _set_aside(self, path: Path) -> None:
        path.rename(path.with_name(path.name + _BROKEN))

    def _write(self, path: Path, record: Mapping[str, Any]) -> None:
        aside = path.with_name(path.name + _PART)
        try:
            with aside.open("wb") as file:
                file.write(json.dumps(record, sort_keys=True).encode())
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
        except OSError:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)


def _lies_in_overflow(stretch: Stretch, before: Stretch) -> bool:
    """Whether a crash left `stretch` behind when it became part of the overflow `before`.

    One that only begins in it is another's: what is owed begins a microsecond early.
    """
    inside = before.starts_at <= stretch.starts_at and stretch.ends_at <= before.ends_at
    return inside and before.outcome is Cause.SPOOL_OVERFLOW


def _corrupt(before: Entry, serial: int, until: datetime) -> Entry:
    """Return the gap from the end of `before` to `until`, told by the same right."""
    claim = before.stretch.claim
    if claim is not None and not before.replayable:
        claim = replace(claim, until=until)
    stretch = Stretch(before.camera_id, before.stretch.ends_at, until, Cause.CORRUPT, claim)
    return Entry(before.camera_id, serial, stretch, None, before.replayable)


def _stretch_to(stretch: Stretch) -> dict[str, Any]:
    record: dict[str, Any] = {
        "camera_id": stretch.camera_id,
        "starts_at": format_instant(stretch.starts_at),
        "ends_at": format_instant(stretch.ends_at),
    }
    if stretch.claim is not None:
        record["claim"] = asdict(stretch.claim) | {"until": format_instant(stretch.claim.until)}
    if isinstance(stretch.outcome, Cause):
        return record | {"gap": stretch.outcome.value}
    facts = asdict(stretch.outcome)
    facts["key_frame_interval"] = stretch.outcome.key_frame_interval.total_seconds()
    return record | {"footage": facts}


def _stretch_from(record: Mapping[str, Any]) -> Stretch:
    outcome: Footage | Cause
    if "gap" in record:
        outcome = Cause(record["gap"])
    else:
        facts = dict(record["footage"])
        outcome = Footage(**facts | {"key_frame_interval": timedelta(seconds=facts["key_frame_interval"])})
    claim = record.get("claim")
    return Stretch(
        record["camera_id"],
        parse_instant(record["starts_at"]),
        parse_instant(record["ends_at"]),
        outcome,
        None if claim is None else Claim(**dict(claim) | {"until": parse_instant(claim["until"])}),
    )


def _state_to(state: CameraState) -> dict[str, Any]:
    owed = state.owed
    return asdict(state) | {
        "through": None if state.through is None else format_instant(state.through),
        "stopped": None if state.stopped is None else state.stopped.value,
        "owed": None if owed is None else {"before": format_instant(owed.before), "cause": owed.cause.value},
    }


def _state_from(record: Mapping[str, Any]) -> CameraState:
    through, stopped, owed = record["through"], record["stopped"], record.get("owed")
    if isinstance(stopped, bool):
        # Earlier releases told only whether a camera was switched off.
        stopped = Cause.DISABLED.value if stopped else None
    return CameraState(
        **dict(record)
        | {
            "through": None if through is None else parse_instant(through),
            "stopped": None if stopped is None else Cause(stopped),
            "owed": None if owed is None else Owed(parse_instant(owed["before"]), Cause(owed["cause"])),
        }
    )
