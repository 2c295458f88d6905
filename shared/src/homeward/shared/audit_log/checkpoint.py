"""What the service signs of its log from time to time: how many lines there are, and the root over them.

The text that is signed has four lines: the log's name, its size, its root in base64, and the instant. A signed
checkpoint is that text, an empty line, and a line with the key's id and the signature in base64.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.exceptions import InvalidSignature

from homeward.shared.audit_log.merkle import HASH_BYTES, Frontier, grow
from homeward.shared.authorisation.keys import KeySet, SigningKey
from homeward.shared.instants import format_instant, parse_instant
from homeward.shared.topics import AUDIT

_NOTE: Final = re.compile(
    r"(?P<text>(?P<origin>[^\n]+)\n(?P<size>0|[1-9]\d{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<at>[0-9TZ.]+)\n)"
    r"\n(?P<key>[A-Za-z0-9_-]{43}) (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)


class MalformedCheckpointError(ValueError):
    """What is no checkpoint of ours."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first `size` lines have the Merkle root `root`, as of `signed_at`."""

    size: int
    root: bytes
    signed_at: datetime

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{AUDIT.name}\n{self.size}\n{root}\n{format_instant(self.signed_at)}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with a signature that is good or not: `signed_by` says."""

    checkpoint: Checkpoint
    key_id: str
    signature: bytes

    @classmethod
    def sign(cls, checkpoint: Checkpoint, key: SigningKey) -> Self:
        """Return `checkpoint` signed by `key`."""
        return cls(checkpoint, key.key_id, key.sign(checkpoint.text.encode()))

    @property
    def note(self) -> str:
        """The signed checkpoint as text; `parse` reads it."""
        return f"{self.checkpoint.text}\n{self.key_id} {base64.b64encode(self.signature).decode()}\n"

    @classmethod
    def parse(cls, note: str) -> Self:
        """Return the signed checkpoint that `note` wrote; raise MalformedCheckpointError for anything else."""
        match = _NOTE.fullmatch(note)
        if match is None or match["origin"] != AUDIT.name:
            raise MalformedCheckpointError("this is no checkpoint of the audit log")
        try:
            checkpoint = Checkpoint(int(match["size"]), base64.b64decode(match["root"]), parse_instant(match["at"]))
            signature = base64.b64decode(match["signature"])
        except (ValueError, binascii.Error) as error:
            raise MalformedCheckpointError("this is no checkpoint of the audit log") from error
        if checkpoint.text != match["text"] or len(checkpoint.root) != HASH_BYTES:
            raise MalformedCheckpointError("this is no checkpoint of the audit log")
        return cls(checkpoint, match["key"], signature)

    def signed_by(self, keys: KeySet) -> bool:
        """Return whether one of `keys` made the signature."""
        key = keys.keys.get(self.key_id)
        if key is None:
            return False
        try:
            key.verify(self.signature, self.checkpoint.text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Anchor:
    """A signed checkpoint as the bucket holds it, with the hashes of the lines from `first` up to its size.

    With the hashes, which the root vouches for, a verifier can name the very line that differs.
    """

    signed: SignedCheckpoint
    first: int
    leaves: Sequence[bytes]

    def __post_init__(self) -> None:
        if self.first < 0 or self.first + len(self.leaves) != self.signed.checkpoint.size:
            raise MalformedCheckpointError("the checkpoint's hashes do not end at its size")

    def follows(self, before: Frontier) -> bool:
        """Return whether `before`, the tree of the first `first` lines, and the hashes give the signed root."""
        return before.size == self.first and grow(before, self.leaves).root == self.signed.checkpoint.root

    def to_json(self) -> bytes:
        """Return the anchor as the object in the bucket."""
        document = {
            "checkpoint": self.signed.note,
            "first": self.first,
            "leaf_hashes": [leaf.hex() for leaf in self.leaves],
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the anchor that `to_json` wrote; raise MalformedCheckpointError for anything else."""
        try:
            document = json.loads(data)
            note, first = document["checkpoint"], document["first"]
            leaves = [bytes.fromhex(leaf) for leaf in document["leaf_hashes"]]
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedCheckpointError("this is no checkpoint of the audit log") from error
        if not isinstance(note, str) or type(first) is not int or any(len(leaf) != HASH_BYTES for leaf in leaves):
            raise MalformedCheckpointError("this is no checkpoint of the audit log")
        return cls(SignedCheckpoint.parse(note), first, leaves)
