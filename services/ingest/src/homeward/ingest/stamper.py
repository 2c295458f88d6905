"""Makes time stamps whole: fills in what a container leaves out, mends small disorder, tells a jump from a pause."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Final

from homeward.ingest.packets import Jump, Packet, Stamped, span_to_ticks

BACK_TOLERANCE: Final = timedelta(seconds=1)
"""Time stamps that fall by less are disorder, mended tick by tick; by more, the source began anew."""

AHEAD_TOLERANCE: Final = timedelta(seconds=5)
"""How far time stamps may run ahead of the time that passed: the frames that a camera or FFmpeg's probing kept back."""

_HELD_AT_MOST: Final = 32
"""Packets kept back until the first decoding time is known: twice the longest reordering that H.264 and H.265 allow."""


class Stamper:
    """Takes packets as they come and gives them back, in the same order, with whole time stamps.

    Matroska leaves out the first decoding times where frames are reordered, and so does FFmpeg for RTSP, so the first
    few packets are kept back until one has its own and are then counted back from it. Not for several threads.
    """

    def __init__(self, time_base: Fraction) -> None:
        """`time_base` is the stream's, seconds a tick."""
        self._back = max(1, span_to_ticks(BACK_TOLERANCE, time_base))
        self._ahead = max(1, span_to_ticks(AHEAD_TOLERANCE, time_base))
        self._time_base = time_base
        self._held: list[Packet] = []
        self._last: Stamped | None = None

    def offer(self, packet: Packet, waited: timedelta | None) -> Iterator[Stamped]:
        """Yield the packets that are now whole.

        `waited` is the time that passed since the packet before, None where nobody knows: in a recording.
        """
        if self._last is None and packet.dts is None and len(self._held) < _HELD_AT_MOST:
            self._held.append(packet)
            return
        if self._held:
            yield from self._release(packet)
        yield self._mend(packet, waited)

    def flush(self) -> Iterator[Stamped]:
        """Yield what is still kept back; the source has ended."""
        yield from self._release(None)

    def _release(self, after: Packet | None) -> Iterator[Stamped]:
        held, self._held = self._held, []
        if not held:
            return
        lasting = sum(map(_step, held))
        shown = [packet.pts for packet in (*held, *([after] if after else [])) if packet.pts is not None]
        # Without any decoding time, nothing is known of reordering: the first time of all begins the count.
        known = None if after is None else after.dts
        dts = min(shown, default=0) if known is None else known - lasting
        if held[0].pts is None and shown:
            # RTSP leaves out the first frame's time; the frame comes before all others, whatever order they came in.
            held[0] = replace(held[0], pts=max(dts, min(shown) - _step(held[0])))
        for packet in held:
            yield self._mend(replace(packet, dts=dts), None)
            dts += _step(packet)

    def _mend(self, packet: Packet, waited: timedelta | None) -> Stamped:
        last = self._last
        if last is None:
            dts = packet.dts if packet.dts is not None else packet.pts or 0
            jump = None
        else:
            dts = packet.dts if packet.dts is not None else last.dts + (last.duration or 1)
            jump = self._jump(dts - last.dts, waited)
            if jump is None:
                dts = max(dts, last.dts + 1)
        pts = packet.pts if packet.pts is not None else dts
        # A muxer refuses a frame that is shown before it is decoded; only a broken source sends one.
        self._last = Stamped(max(pts, dts), dts, packet.duration, packet.key, packet.payload, jump)
        return self._last

    def _jump(self, step: int, waited: timedelta | None) -> Jump | None:
        if step < -self._back:
            return Jump.BACK
        expected = 0 if waited is None else max(0, span_to_ticks(waited, self._time_base))
        return Jump.AHEAD if step > expected + self._ahead else None


def _step(packet: Packet) -> int:
    return packet.duration or 1
