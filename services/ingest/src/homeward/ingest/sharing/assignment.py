"""Which cameras this replica records: what the recorders ask, and what of the answer outlives the process."""

from typing import Protocol

from homeward.ingest.sharing.membership import Memory, Tenure


class Assignment(Protocol):
    """Decides what this replica records. Asked by the recorders at every turn; returns at once."""

    def tenure(self, camera_id: str) -> Tenure | None:
        """Return the tenure under which this replica records the camera; None where another one does."""
        ...

    def presume(self) -> None:
        """Take for still owned what was owned last: the group has not answered for too long."""
        ...

    def decided(self) -> bool:
        """Whether the group has said what this replica owns."""
        ...


class TenureMemory(Protocol):
    """What was owned last, on a disk that outlives the process. Every method may raise OSError."""

    def recall(self) -> Memory:
        """Return what was remembered; nothing where there is nothing."""
        ...

    def remember(self, memory: Memory) -> None:
        """Remember durably."""
        ...
