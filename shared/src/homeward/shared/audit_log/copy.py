"""A copy of the log, or of some of its lines, as an auditor takes it: lines, proofs and the checkpoint it ends with.

One JSON document a line. A whole copy holds every line of the log in order; a selection holds, after each of its lines,
the proof that the line stands in the log of the checkpoint. Either ends with the checkpoint's note.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from homeward.shared.audit_log.checkpoint import MalformedCheckpointError, SignedCheckpoint
from homeward.shared.audit_log.line import Line, MalformedLineError, read_line

MEDIA_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Proof:
    """That the line before it stands at `index` of the log of `size` lines."""

    index: int
    size: int
    path: Sequence[bytes]


@dataclass(slots=True)
class Copy:
    """What a file holds. `lines` are with their line number in the file, from 1; None is one that cannot be read."""

    lines: list[tuple[int, Line | None]] = field(default_factory=list)
    proofs: dict[int, Proof] = field(default_factory=dict)
    """By the place of the line that they prove among `lines`."""
    checkpoints: list[SignedCheckpoint] = field(default_factory=list)


def proof_line(index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the line of a selection that proves the line before it."""
    return json.dumps({"proof": [part.hex() for part in path], "index": index, "size": size}).encode()


def checkpoint_line(signed: SignedCheckpoint) -> bytes:
    """Return the line with which a copy ends."""
    return json.dumps({"checkpoint": signed.note}).encode()


def read_copy(lines: Iterable[bytes]) -> Copy:
    """Return what the lines of a file hold."""
    copy = Copy()
    for number, raw in enumerate(lines, 1):
        data = raw.rstrip(b"\r\n")
        if not data:
            continue
        try:
            if data.startswith(b'{"proof"'):
                copy.proofs[len(copy.lines) - 1] = _proof(data)
            elif data.startswith(b'{"checkpoint"'):
                copy.checkpoints.append(SignedCheckpoint.parse(str(json.loads(data)["checkpoint"])))
            else:
                copy.lines.append((number, read_line(data)))
        except (MalformedLineError, MalformedCheckpointError, ValueError, TypeError, KeyError):
            copy.lines.append((number, None))
    return copy


def _proof(data: bytes) -> Proof:
    told = json.loads(data)
    if type(told["index"]) is not int or type(told["size"]) is not int:
        raise MalformedLineError("this is no proof")
    return Proof(told["index"], told["size"], [bytes.fromhex(part) for part in told["proof"]])
