"""The video of one session: RTP packets in, access units out, and what is known to be lost between them."""

import struct
from dataclasses import dataclass
from typing import Final

from homeward.ingest.adapters.rtsp import nal
from homeward.ingest.adapters.rtsp.errors import EndedError
from homeward.ingest.adapters.rtsp.nal import NalAssembler
from homeward.ingest.adapters.rtsp.rtp import HEADER, LATE, PLAIN, Sequence, payload_span
from homeward.ingest.adapters.rtsp.timestamps import Unwrapper

_MOST_FOREIGN: Final = 50
"""So many packets in a row from another source are a camera that began its stream anew; fewer are damage."""

_INTERLEAVED: Final = struct.Struct(">HHHHII")
"""`$` and the channel, the length, RTP's first two bytes, its number, its time stamp and its source."""

_BEFORE_RTP: Final = 4
"""`$`, the channel and the length (RFC 2326, section 10.12)."""

_LONGEST_BELIEVED_START: Final = 1000
"""A first packet that is further past the announced one than this was announced wrongly, as some cameras do."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One frame as it was sent: `data` are its NAL units, each behind its length (4 bytes).

    `pts` is its RTP time stamp with its turns, 1/90000 s. `missing` counts the packets lost since the unit before,
    `damaged` says that it contradicts itself. `sets` are the parameter sets in it, with their kinds.
    """

    pts: int
    key: bool
    data: bytearray
    sets: tuple[tuple[int, bytes], ...] = ()
    missing: int = 0
    damaged: bool = False


class VideoTrack:
    """Takes the video's RTP packets, in order; `units` are the access units that are complete. For one thread.

    An access unit that lost a packet is dropped. So is the one after a loss, unless it is plain that its beginning
    was not lost with it: where it begins with a delimiter, or where the one lost packet was the last of the unit
    before, which lacks its marker. An access unit ends at the marker, or where the time stamp changes; one without a
    picture in it (parameter sets that travel alone) goes with the next.
    """

    def __init__(self, payload_type: int, assembler: NalAssembler) -> None:
        self.units: list[AccessUnit] = []
        self.sequence = Sequence()
        self.times = Unwrapper()
        self.source: int | None = None
        self._payload_type = payload_type
        self._assembler = assembler
        self._stamp: int | None = None
        self._missing = 0
        self._damaged = False
        self._spoilt = False
        self._foreign = 0
        self._marks = False

    def begin(self, number: int) -> None:
        """Expect `number` as the first packet's, which the camera announced."""
        self.sequence.begin(number)

    def damage(self) -> None:
        """Take note that the transport lost its footing: the unit that is under way cannot be trusted."""
        self._damaged = True

    def take(self, packet: memoryview, start: int, end: int) -> None:  # noqa: C901, PLR0912 - runs 400 times a second a camera, where calls cost more than branches
        """Take the RTP packet at `start` to `end`. Raises ProtocolError past a limit, EndedError."""
        if end - start < HEADER.size:
            self._damaged = True
            return
        first, second, number, stamp, source = HEADER.unpack_from(packet, start)
        if source != self.source and not self._begins_source(source, number):
            return
        sequence = self.sequence
        if number == sequence.expected:
            # The way of nearly every packet; `step` would say the same.
            lost = 0
            sequence.received += 1
            if number == 0xFFFF:  # noqa: PLR2004 - the counter's last
                sequence.turns += 1
            sequence.expected = (number + 1) & 0xFFFF
        else:
            lost = sequence.step(number)
            if lost == LATE:
                return
        if first == PLAIN:
            start += HEADER.size
        elif (span := payload_span(packet, start, end)) is not None:
            start, end = span
        else:
            self._damaged = True
            return
        if lost:
            self._lose(lost, stamp, begins=self._assembler.opens(packet, start, end))
        elif self._stamp is None:
            # Whoever joins in the middle of a frame has lost nothing of it: it was never to be had.
            self._spoilt = self._assembler.continues(packet, start, end)
            self._stamp = stamp
        if second & 0x7F != self._payload_type:
            return
        if stamp != self._stamp:
            self._end_unit()
            self._stamp = stamp
        if not self._spoilt:
            self._assembler.add(packet, start, end)
        if second & 0x80:
            self._marks = True
            self._end_unit()
            self._spoilt = False

    def take_run(self, channel: int, buffer: bytearray, view: memoryview, span: tuple[int, int]) -> int:
        """Take the packets that go on with the fragmented NAL unit under way; return where the first other one begins.

        They stand between `span` in `buffer`, which `view` shows, one behind the other, each behind `$`, `channel` and
        its length. `take` would do the same with each, in four times the time; nine of ten packets are such.
        """
        at, end = span
        assembler, sequence = self._assembler, self.sequence
        middle, data, expected = assembler.middle, assembler.data, sequence.expected
        if not middle or self._spoilt or expected is None or len(data) > nal.LARGEST_UNIT_BYTES:
            return at
        unpack, begins = _INTERLEAVED.unpack_from, buffer.startswith
        form, kind, stamp, source = 0x2400 | channel, PLAIN << 8 | self._payload_type, self._stamp, self.source
        head = _INTERLEAVED.size
        skip, last = head + len(middle), end - head - len(middle)
        first = expected
        while at < last:
            framed, size, begun, number, shown, sender = unpack(buffer, at)
            after = at + _BEFORE_RTP + size
            if (
                number != expected
                or shown != stamp
                or after > end
                or after <= at + skip
                or begun != kind
                or sender != source
                or framed != form
                or not begins(middle, at + head)
                # The counter's turn is `take`'s.
                or number == 0xFFFF  # noqa: PLR2004 - the counter's last
            ):
                break
            data += view[at + skip : after]
            expected += 1
            at = after
        sequence.expected = expected
        sequence.received += expected - first
        return at

    def _begins_source(self, source: int, number: int) -> bool:
        if self.source is None:
            self.source = source
            expected = self.sequence.expected
            if expected is not None and (number - expected) & 0xFFFF > _LONGEST_BELIEVED_START:
                self.sequence.expected = number
            return True
        self._foreign += 1
        self._damaged = True
        if self._foreign > _MOST_FOREIGN:
            raise EndedError("it began another stream in place of its own")
        return False

    def _lose(self, count: int, stamp: int, *, begins: bool) -> None:
        assembler = self._assembler
        under_way = self._marks and assembler.under_way and not self._spoilt
        self._missing += count
        if stamp == self._stamp:
            self._spoilt = True
        else:
            self._stamp = stamp
            # The packet lost was the last of a unit without its end: nothing of this one can be missing.
            self._spoilt = not begins and not (under_way and count == 1)
        assembler.clear()

    def _end_unit(self) -> None:
        assembler = self._assembler
        if self._spoilt:
            self._spoilt = False
            assembler.clear()
            return
        assembler.finish()
        if not assembler.picture:
            return
        pts = self.times.unwrap(self._stamp or 0)
        damaged = assembler.damaged or self._damaged
        self.units.append(AccessUnit(pts, assembler.key, assembler.data, tuple(assembler.sets), self._missing, damaged))
        self._missing = self._foreign = 0
        self._damaged = False
        assembler.clear()
