"""H.264 over RTP (RFC 6184): single NAL units, STAP-A and FU-A, which is all that cameras send."""

from typing import Final

from homeward.ingest.adapters.rtsp import nal
from homeward.ingest.adapters.rtsp.nal import NalAssembler

_KIND: Final = 0x1F
_IDR: Final = 5
_SEI: Final = 6
_SPS: Final = 7
_PPS: Final = 8
_DELIMITER: Final = 9
_LAST_WHOLE: Final = 23
_STAP_A: Final = 24
_FU_A: Final = 28
_FIRST: Final = 0x80
_LAST: Final = 0x40
_RECOVERY_POINT: Final = 6


class H264Assembler(NalAssembler):
    """Puts access units of H.264 together.

    A key frame is an IDR picture, or one with a recovery point, from which decoding may begin as well: open groups of
    pictures and cameras that refresh bit by bit have no other.
    """

    SEQUENCE_KIND = _SPS

    def add(self, packet: memoryview, start: int, end: int) -> None:
        """Add one payload."""
        if start + 1 >= end:
            self.damaged = True
            return
        indicator = packet[start]
        kind = indicator & _KIND
        if kind == _FU_A:
            header = packet[start + 1]
            if header & _FIRST:
                unit = bytes((indicator & 0xE0 | header & _KIND,))
                self._begin_fragment(unit, bytes((indicator, header & _KIND)))
            elif self._fragment < 0:
                self.damaged = True
                return
            if len(self.data) > nal.LARGEST_UNIT_BYTES:
                self._room(0)
            self.data += packet[start + 2 : end]
            if header & _LAST:
                self._end_fragment()
        elif 0 < kind <= _LAST_WHOLE:
            self._whole(packet, start, end, kind)
        elif kind == _STAP_A:
            self._together(packet, start + 1, end, 1)
        else:
            self.damaged = True

    def continues(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload is a later fragment."""
        return start + 1 < end and packet[start] & _KIND == _FU_A and not packet[start + 1] & _FIRST

    def opens(self, packet: memoryview, start: int, end: int) -> bool:
        """Whether the payload begins with an access unit delimiter; parameter sets may have SEI before them."""
        at = start + 3 if start < end and packet[start] & _KIND == _STAP_A else start
        return at < end and packet[at] & _KIND == _DELIMITER

    def _kind(self, first: int) -> int:
        return first & _KIND

    def _note(self, kind: int, at: int) -> None:
        if kind <= _IDR:
            self.picture = True
            if kind == _IDR:
                self.key = True
        elif kind in (_SPS, _PPS):
            self.sets.append((kind, bytes(self.data[at:])))
        elif kind == _SEI and _has_recovery_point(self.data, at + 1):
            self.key = True


def _has_recovery_point(data: bytearray, at: int) -> bool:
    """Whether the SEI messages from `at` on hold a recovery point (H.264, section 7.3.2.3.1)."""
    end = len(data)
    while at + 1 < end and data[at] != 0x80:  # noqa: PLR2004 - the bits that end the NAL unit
        kind = size = 0
        while at < end and data[at] == 0xFF:  # noqa: PLR2004 - each such byte adds itself
            kind, at = kind + 255, at + 1
        if at >= end:
            return False
        kind, at = kind + data[at], at + 1
        if kind == _RECOVERY_POINT:
            return True
        while at < end and data[at] == 0xFF:  # noqa: PLR2004 - each such byte adds itself
            size, at = size + 255, at + 1
        if at >= end:
            return False
        at += 1 + size + data[at]
    return False
