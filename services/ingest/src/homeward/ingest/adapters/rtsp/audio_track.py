"""The sound of one session: RTP packets in, frames of sound out."""

from dataclasses import dataclass

from homeward.ingest.adapters.rtsp.audio import SoundReader
from homeward.ingest.adapters.rtsp.rtp import HEADER, LATE, Sequence, payload_span
from homeward.ingest.adapters.rtsp.timestamps import Unwrapper


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """One frame of sound, at the RTP time stamp `stamp` with its turns; it lasts `lasts` ticks."""

    stamp: int
    lasts: int
    data: bytes
    missing: int


class AudioTrack:
    """Takes the sound's RTP packets, in order; `frames` are the frames that are complete. For one thread."""

    def __init__(self, payload_type: int, reader: SoundReader) -> None:
        self.frames: list[SoundFrame] = []
        self.sequence = Sequence()
        self.times = Unwrapper()
        self.source: int | None = None
        self._payload_type = payload_type
        self._reader = reader
        self._missing = 0

    def begin(self, number: int) -> None:
        """Take no note of the announced first packet: a loss of sound is no gap."""

    def take(self, packet: memoryview, start: int, end: int) -> None:
        """Take the RTP packet at `start` to `end`."""
        if end - start < HEADER.size:
            return
        _, second, number, stamp, source = HEADER.unpack_from(packet, start)
        if self.source is None:
            self.source = source
        if source != self.source or second & 0x7F != self._payload_type:
            return
        lost = self.sequence.step(number)
        span = payload_span(packet, start, end)
        if lost == LATE or span is None:
            return
        if lost:
            self._missing += lost
            self._reader.lose()
        at = self.times.unwrap(stamp)
        for sound in self._reader.read(bytes(packet[slice(*span)]), marker=bool(second & 0x80)):
            self.frames.append(SoundFrame(at + sound.after, sound.lasts, sound.data, self._missing))
            self._missing = 0
