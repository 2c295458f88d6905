"""Which replica records which camera."""

import hashlib
from dataclasses import dataclass
from typing import Protocol


class Assignment(Protocol):
    """Decides whether this replica records a camera. Asked by the recorders at every change; returns at once."""

    def records(self, camera_id: str) -> bool:
        """Whether this replica records the camera."""
        ...


@dataclass(frozen=True, slots=True)
class HashAssignment:
    """Shares cameras out by a hash of their id, the same in every process and release.

    Changing `replica_count` moves most cameras; each keeps its footage, and its new replica knows nothing of the time
    before.
    """

    replica_index: int = 0
    replica_count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.replica_index < self.replica_count:
            raise ValueError(f"replica {self.replica_index} is not one of {self.replica_count}, counted from 0")

    def records(self, camera_id: str) -> bool:
        """Whether the camera's hash falls to this replica."""
        # Python's own hash differs from process to process.
        digest = hashlib.sha256(camera_id.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.replica_count == self.replica_index
