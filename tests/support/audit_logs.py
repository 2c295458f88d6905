"""An audit log in memory, with the checkpoints that a service would have signed of it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from homeward.shared.audit_log.checkpoint import Anchor, Checkpoint, SignedCheckpoint
from homeward.shared.audit_log.copy import checkpoint_line
from homeward.shared.audit_log.line import NO_LINE, write_line
from homeward.shared.audit_log.merkle import leaf_hash, root_of
from homeward.shared.authorisation.keys import KeySet, SigningKey
from homeward.shared.ids import derived_id
from homeward.shared.instants import to_timestamp
from homewardapi.audit.v1.audit_pb2 import AUDIT_ACTION_REQUEST_VIEWED, AUDIT_OUTCOME_ALLOWED, AuditRecord

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(number: int, **fields: object) -> AuditRecord:
    facts = {
        "record_id": derived_id("test", number),
        "actor_id": derived_id("official", number % 3),
        "action": AUDIT_ACTION_REQUEST_VIEWED,
        "outcome": AUDIT_OUTCOME_ALLOWED,
        "recorded_at": to_timestamp(NOON + timedelta(seconds=number)),
    }
    return AuditRecord(**{**facts, **fields})  # type: ignore[arg-type]


class SignedLog:
    """`lines` of a log of `size` records, and checkpoints at `stops`."""

    def __init__(self, size: int, stops: Sequence[int] = ()) -> None:
        self.key = SigningKey.generate()
        self.keys = KeySet.of([self.key.public_key])
        self.lines: list[bytes] = []
        previous = NO_LINE
        for number in range(size):
            self.lines.append(write_line(record(number), number, previous))
            previous = leaf_hash(self.lines[-1])
        self.leaves = [leaf_hash(line) for line in self.lines]
        self.anchors: list[Anchor] = []
        first = 0
        for stop in sorted({*stops, size}):
            self.anchors.append(Anchor(self.sign(stop), first, self.leaves[first:stop]))
            first = stop

    def sign(self, size: int) -> SignedCheckpoint:
        checkpoint = Checkpoint(size, root_of(self.leaves[:size]), NOON + timedelta(hours=1))
        return SignedCheckpoint.sign(checkpoint, self.key)

    @property
    def ending(self) -> bytes:
        return checkpoint_line(self.anchors[-1].signed)


def rewritten(lines: Sequence[bytes], **changes: object) -> list[bytes]:
    """Return the lines with the changes made to the first, and all that follow built upon it as a forger would."""
    built: list[bytes] = []
    previous = bytes.fromhex(json.loads(lines[0])["previous"])
    for number, line in enumerate(lines):
        told = json.loads(line) | {"previous": previous.hex()} | (changes if number == 0 else {})
        built.append(json.dumps(told, separators=(",", ":")).encode())
        previous = leaf_hash(built[-1])
    return built
