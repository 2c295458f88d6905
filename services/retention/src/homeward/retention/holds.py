"""The holds in force, kept up to date from their topic."""

import threading
from collections.abc import Sequence
from datetime import datetime

from google.protobuf.message import Message

from homeward.retention.expiry import Held
from homeward.shared.instants import from_timestamp
from homewardapi.hold.v1.hold_pb2 import Hold, HoldState


class HoldTable:
    """Every hold, by id. The table's reader writes, the sweep reads: safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds: dict[str, Hold] = {}

    def apply(self, hold_id: str, message: Message | None) -> None:
        """Take one state of the topic homeward.holds.v1, None to end the hold's record."""
        with self._lock:
            if isinstance(message, Hold):
                self._holds[hold_id] = message
            else:
                self._holds.pop(hold_id, None)

    def in_force(self, now: datetime) -> Sequence[Held]:
        """Return what is held at `now`."""
        with self._lock:
            holds = list(self._holds.values())
        return [
            Held(frozenset(hold.camera_ids), from_timestamp(hold.starts_at), from_timestamp(hold.ends_at))
            for hold in holds
            if hold.state == HoldState.HOLD_STATE_PLACED and now < from_timestamp(hold.expires_at)
        ]
