"""Access units of H.264 and H.265, put together from the payloads of RTP packets."""

from abc import ABC, abstractmethod
from typing import Final

from homeward.ingest.adapters.rtsp.errors import ProtocolError

LARGEST_UNIT_BYTES: Final = 16 << 20
"""What one access unit may take, so that no camera fills the memory: a key frame of 4K has 4 MB at the most."""

_LENGTH: Final = b"\x00\x00\x00\x00"
_FORBIDDEN: Final = 0x80


class NalAssembler(ABC):
    """The access unit that is being put together: its NAL units as they were sent, each behind its length (4 bytes).

    `picture` tells that it holds a part of a picture, `key` that decoding can begin with it, `damaged` that it
    contradicts itself. `sets` are its parameter sets with their kinds, in order. `middle` is what a payload begins with
    that goes on with the NAL unit under way and does not end it; empty where none is.
    """

    SEQUENCE_KIND: int

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin the next access unit."""
        self.data = bytearray()
        self.picture = False
        self.key = False
        self.damaged = False
        self.sets: list[tuple[int, bytes]] = []
        self.middle = b""
        self._fragment = -1

    @property
    def under_way(self) -> bool:
        """Whether a part of a picture has come, or of a NAL unit that may be one."""
        return self.picture or self._fragment >= 0

    def finish(self) -> None:
        """Let go of a fragmented NAL unit whose end did not come."""
        if self._fragment >= 0:
            del self.data[self._fragment :]
            self.middle = b""
            self._fragment = -1
            self.damaged = True

    @abstractmethod
    def add(self, packet: memoryview, start: int, end: int) -> None:
        """Add the payload that lies at `start` to `end`. Raises ProtocolError where the unit becomes too large."""

    @abstractmethod
    def continues(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload is a fragment that is not the first of its NAL unit."""

    @abstractmethod
    def opens(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload begins with what can only stand at the beginning of an access unit."""

    @abstractmethod
    def _note(self, kind: int, at: int) -> None:
        """Take note of the NAL unit of `kind` that lies in `data` from `at` to its end."""

    def _room(self, size: int) -> None:
        if len(self.data) + size > LARGEST_UNIT_BYTES:
            raise ProtocolError("a frame is larger than 16 MiB")

    def _whole(self, packet: memoryview, start: int, end: int, kind: int) -> None:
        """Add a whole NAL unit."""
        self.finish()
        self._room(end - start)
        if packet[start] & _FORBIDDEN:
            self.damaged = True
        data = self.data
        data += (end - start).to_bytes(4, "big")
        at = len(data)
        data += packet[start:end]
        self._note(kind, at)

    def _together(self, packet: memoryview, start: int, end: int, header: int) -> None:
        """Add the NAL units of an aggregate, each behind its length (2 bytes); none is shorter than `header`."""
        while start + 2 <= end:
            size = packet[start] << 8 | packet[start + 1]
            start += 2
            if size < header or start + size > end:
                break
            self._whole(packet, start, start + size, self._kind(packet[start]))
            start += size
        if start != end:
            self.damaged = True

    @abstractmethod
    def _kind(self, first: int) -> int:
        """Return the kind of the NAL unit that begins with the byte `first`."""

    def _begin_fragment(self, header: bytes, middle: bytes) -> None:
        """Begin a NAL unit with the `header` that its fragments leave out; later ones begin with `middle`."""
        self.finish()
        self.middle = middle
        if header[0] & _FORBIDDEN:
            self.damaged = True
        self._fragment = len(self.data)
        self.data += _LENGTH + header

    def _end_fragment(self) -> None:
        begins = self._fragment
        self.middle = b""
        self._fragment = -1
        data = self.data
        data[begins : begins + 4] = (len(data) - begins - 4).to_bytes(4, "big")
        self._note(self._kind(data[begins + 4]), begins + 4)
