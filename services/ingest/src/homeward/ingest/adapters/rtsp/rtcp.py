"""RTCP: the camera's clock out of its sender reports, its farewell, and our own reports (RFC 3550, section 6)."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_HEADER: Final = struct.Struct(">BBHI")
_SENDER: Final = struct.Struct(">IIIII")
_RECEIVER_REPORT: Final = struct.Struct(">BBHIIIIIII")
_SENDER_REPORT_TYPE: Final = 200
_RECEIVER_REPORT_TYPE: Final = 201
_DESCRIPTION_TYPE: Final = 202
_FAREWELL_TYPE: Final = 203

_NTP_BEGAN: Final = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC))
"""When NTP's eras 0 and 1 began: a 32-bit count of seconds whose highest bit is clear is of era 1 (RFC 4330)."""

_MOST_LOST: Final = (1 << 23) - 1


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a sender says of its clock: the frame of the RTP time stamp `stamp` was taken at `taken_at`.

    `middle` is the report's NTP time, its middle 32 bits, as a receiver's report repeats it.
    """

    source: int
    taken_at: datetime | None
    stamp: int
    middle: int


@dataclass(frozen=True, slots=True)
class Farewell:
    """A source has ended."""

    source: int


def read(packet: bytes) -> list[SenderReport | Farewell]:
    """Return what a compound packet says; what cannot be read is left out."""
    found: list[SenderReport | Farewell] = []
    at = 0
    while at + _HEADER.size <= len(packet):
        first, kind, words, source = _HEADER.unpack_from(packet, at)
        ends = at + 4 * (words + 1)
        if first >> 6 != 2 or ends > len(packet):  # noqa: PLR2004 - the version
            break
        if kind == _SENDER_REPORT_TYPE and ends - at >= _HEADER.size + _SENDER.size:
            seconds, fraction, stamp, _, _ = _SENDER.unpack_from(packet, at + _HEADER.size)
            middle = (seconds & 0xFFFF) << 16 | fraction >> 16
            found.append(SenderReport(source, _instant(seconds, fraction), stamp, middle))
        elif kind == _FAREWELL_TYPE and first & 0x1F:
            found.append(Farewell(source))
        at = ends
    return found


def _instant(seconds: int, fraction: int) -> datetime | None:
    if seconds == 0:
        # A sender without a clock says so by zero (section 6.4.1).
        return None
    began = _NTP_BEGAN[0 if seconds >> 31 else 1]
    return began + timedelta(seconds=seconds, microseconds=fraction * 1_000_000 >> 32)


@dataclass(frozen=True, slots=True)
class Reception:
    """What a receiver's report says of one source: `lost` of all, `fraction` of the last interval's in 1/256.

    `middle` repeats the last sender report, `waited_s` is how long ago it came; both 0 where none has come.
    """

    source: int
    fraction: int
    lost: int
    highest: int
    middle: int
    waited_s: float


def report(ours: int, reception: Reception) -> bytes:
    """Return a compound packet: a receiver's report from the source `ours`, and its name, which RTCP demands."""
    waited = min(int(reception.waited_s * 65536), 0xFFFFFFFF)
    lost = reception.fraction << 24 | min(reception.lost, _MOST_LOST)
    # Jitter is told as 0: no camera acts on it, and measuring it costs as much for each packet as all the rest.
    body = _RECEIVER_REPORT.pack(
        0x81, _RECEIVER_REPORT_TYPE, 7, ours, reception.source, lost, reception.highest, 0, reception.middle, waited
    )
    name = b"homeward"
    items = bytes([1, len(name)]) + name
    items += b"\x00" * (4 - len(items) % 4)
    return body + struct.pack(">BBHI", 0x81, _DESCRIPTION_TYPE, 1 + len(items) // 4, ours) + items
