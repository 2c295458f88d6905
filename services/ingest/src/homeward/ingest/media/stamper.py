"""Makes time stamps whole: fills in what a container leaves out, mends small disorder, tells a jump from a pause."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final

from homeward.ingest.media.packets import Jump, Packet, Stamped, span_to_ticks

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

    @property
    def holds(self) -> bool:
        """Whether packets are kept back."""
        return bool(self._held)

    def offer(self, packet: Packet, waited: timedelta | None) -> Sequence[Stamped]:
        """Return the packets that are now whole.

        `waited` is the time that passed since the packet before, None where nobody knows: in a recording.
        """
        if self._last is None and packet.dts is None and len(self._held) < _HELD_AT_MOST:
            self._held.append(packet)
            return ()
        if self._held:
            return [*self._release(packet), self._mend(packet, waited)]
        return (self._mend(packet, waited),)

    def flush(self) -> Sequence[Stamped]:
        """Return what is still kept back; the source has ended."""
        return self._release(None)

    def _release(self, after: Packet | None) -> list[Stamped]:
        held, self._held = self._held, []
        if not held:
            return []
        lasting = sum(map(_step, held))
        shown = [packet.pts for packet in (*held, *([after] if after else [])) if packet.pts is not None]
        # Without any decoding time, nothing is known of reordering: the first time of all begins the count.
        known = None if after is None else after.dts
        dts = min(shown, default=0) if known is None else known - lasting
        if held[0].pts is None and shown:
            # RTSP leaves out the first frame's time; the frame comes before all others, whatever order they came in.
            held[0] = held[0]._replace(pts=max(dts, min(shown) - _step(held[0])))
        whole: list[Stamped] = []
        for packet in held:
            whole.append(self._mend(packet._replace(dts=dts), None))
            dts += _step(packet)
        return whole

    def _mend(self, packet: Packet, waited: timedelta | None) -> Stamped:
        pts, dts, duration, key, payload, _, _, missing, damaged = packet
        last = self._last
        jump = None
        if last is None:
            dts = dts if dts is not None else pts or 0
        else:
            dts = dts if dts is not None else last.dts + (last.duration or 1)
            step = dts - last.dts
            if step < 1 or step > self._ahead:
                jump = self._jump(step, waited)
                if jump is None:
                    dts = max(dts, last.dts + 1)
        # A muxer refuses a frame that is shown before it is decoded; only a broken source sends one.
        shown = dts if pts is None or pts < dts else pts
        self._last = Stamped(shown, dts, duration, key, payload, jump, missing, damaged)
        return self._last

    def _jump(self, step: int, waited: timedelta | None) -> Jump | None:
        if step < -self._back:
            return Jump.BACK
        expected = 0 if waited is None else max(0, span_to_ticks(waited, self._time_base))
        return Jump.AHEAD if step > expected + self._ahead else None


def _step(packet: Packet) -> int:
    return packet.duration or 1
