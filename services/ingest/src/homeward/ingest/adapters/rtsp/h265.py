"""H.265 over RTP (RFC 7798): single NAL units, aggregation packets and fragmentation units.

Without decoding order numbers, which no camera sends.
"""

from typing import Final

from homeward.ingest.adapters.rtsp import nal
from homeward.ingest.adapters.rtsp.nal import NalAssembler

_KIND: Final = 0x3F
_LAST_PICTURE: Final = 31
_RANDOM_ACCESS: Final = range(16, 24)
_VPS: Final = 32
_SPS: Final = 33
_PPS: Final = 34
_DELIMITER: Final = 35
_LAST_WHOLE: Final = 47
_TOGETHER: Final = 48
_FRAGMENT: Final = 49
_FIRST: Final = 0x80
_LAST: Final = 0x40


class H265Assembler(NalAssembler):
    """Puts access units of H.265 together. A key frame is any random access picture: IDR, CRA or BLA."""

    SEQUENCE_KIND = _SPS

    def add(self, packet: memoryview, start: int, end: int) -> None:
        """Add one payload."""
        if start + 2 >= end:
            self.damaged = True
            return
        first = packet[start]
        kind = first >> 1 & _KIND
        if kind == _FRAGMENT:
            header = packet[start + 2]
            if header & _FIRST:
                unit = bytes((first & 0x81 | (header & _KIND) << 1, packet[start + 1]))
                self._begin_fragment(unit, bytes((first, packet[start + 1], header & _KIND)))
            elif self._fragment < 0:
                self.damaged = True
                return
            if len(self.data) > nal.LARGEST_UNIT_BYTES:
                self._room(0)
            self.data += packet[start + 3 : end]
            if header & _LAST:
                self._end_fragment()
        elif kind <= _LAST_WHOLE:
            self._whole(packet, start, end, kind)
        elif kind == _TOGETHER:
            self._together(packet, start + 2, end, 2)
        else:
            self.damaged = True

    def continues(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload is a later fragment."""
        return start + 2 < end and packet[start] >> 1 & _KIND == _FRAGMENT and not packet[start + 2] & _FIRST

    def opens(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload begins with an access unit delimiter."""
        at = start + 4 if start < end and packet[start] >> 1 & _KIND == _TOGETHER else start
        return at < end and packet[at] >> 1 & _KIND == _DELIMITER

    def _kind(self, first: int) -> int:
        return first >> 1 & _KIND

    def _note(self, kind: int, at: int) -> None:
        if kind <= _LAST_PICTURE:
            self.picture = True
            if kind in _RANDOM_ACCESS:
                self.key = True
        elif kind in (_VPS, _SPS, _PPS):
            self.sets.append((kind, bytes(self.data[at:])))
