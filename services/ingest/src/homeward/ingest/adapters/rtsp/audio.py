"""Sound out of RTP payloads: AAC (RFC 3640), G.711 (RFC 3551), Opus (RFC 7587)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from homeward.ingest.adapters.rtsp.errors import ProtocolError

AAC_FRAME_TICKS: Final = 1024
"""How many samples an AAC frame has (ISO/IEC 14496-3); cameras use no other length."""

_LARGEST_AAC_BYTES: Final = 8192
"""The length field of RFC 3640's high bit rate mode has 13 bits."""

_OPUS_FRAMES: Final = (480, 960, 1920, 2880, 480, 960, 480, 960, 120, 240, 480, 960)
"""How long Opus' frames are at 48 kHz: 4 lengths of SILK's modes, 2 twice of hybrid, 4 of CELT (RFC 6716, 3.1)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One frame of sound: `after` ticks past its RTP packet's time stamp, `lasts` ticks."""

    after: int
    lasts: int
    data: bytes


class SoundReader(Protocol):
    """Takes the payloads of one track, in order."""

    def read(self, payload: bytes, *, marker: bool) -> Sequence[Sound]:
        """Return the frames that are complete with this payload; none where it is damaged."""
        ...

    def lose(self) -> None:
        """Take note that packets were lost before the next one."""
        ...


class AacReader:
    """AAC in high bit rate mode: lengths in front, then frames; a long frame may come in pieces."""

    def __init__(self, size_bits: int = 13, index_bits: int = 3, delta_bits: int = 3, frame_ticks: int = 1024) -> None:
        """The sizes of a header's fields, as the SDP tells them. Raises ProtocolError where they cannot be."""
        if not 1 <= size_bits <= 16 or not 0 <= index_bits <= 8 or not 0 <= delta_bits <= 8:  # noqa: PLR2004
            raise ProtocolError("its AAC has headers of an impossible size")
        self._size_bits = size_bits
        self._first_bits = size_bits + index_bits
        self._next_bits = size_bits + delta_bits
        self._frame_ticks = frame_ticks
        self._piece = b""

    def read(self, payload: bytes, *, marker: bool) -> Sequence[Sound]:
        """Return the payload's frames."""
        bits = int.from_bytes(payload[:2], "big")
        data = payload[2 + (bits + 7) // 8 :]
        sizes = self._sizes(payload, bits)
        if len(sizes) == 1 and sizes[0] > len(data):
            return self._pieced(data, sizes[0], marker=marker)
        self._piece = b""
        if not sizes or sum(sizes) > len(data):
            return ()
        frames: list[Sound] = []
        at = 0
        for size in sizes:
            frames.append(Sound(len(frames) * self._frame_ticks, self._frame_ticks, data[at : at + size]))
            at += size
        return frames

    def lose(self) -> None:
        """Let the pieces of a frame go."""
        self._piece = b""

    def _pieced(self, data: bytes, size: int, *, marker: bool) -> Sequence[Sound]:
        self._piece += data
        if len(self._piece) > _LARGEST_AAC_BYTES * 8:
            self._piece = b""
        if not marker and len(self._piece) < size:
            return ()
        whole, self._piece = self._piece, b""
        return (Sound(0, self._frame_ticks, whole),) if len(whole) == size else ()

    def _sizes(self, payload: bytes, bits: int) -> list[int]:
        headers = int.from_bytes(payload[2 : 2 + (bits + 7) // 8], "big")
        left = 8 * len(payload[2 : 2 + (bits + 7) // 8])
        unread, step, sizes = min(bits, left), self._first_bits, list[int]()
        while unread >= step:
            left -= step
            unread -= step
            sizes.append((headers >> left & (1 << step) - 1) >> step - self._size_bits)
            step = self._next_bits
        return [size for size in sizes if size]


class G711Reader:
    """G.711: each byte is a sample of one channel."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels

    def read(self, payload: bytes, *, marker: bool) -> Sequence[Sound]:  # noqa: ARG002 - the port's
        """Return the payload as one frame."""
        return (Sound(0, len(payload) // self._channels, payload),) if payload else ()

    def lose(self) -> None:
        """Do nothing: each packet is whole."""


class OpusReader:
    """Opus: each payload is one packet, which tells its own length."""

    def read(self, payload: bytes, *, marker: bool) -> Sequence[Sound]:  # noqa: ARG002 - the port's
        """Return the payload as one frame."""
        lasts = opus_ticks(payload)
        return (Sound(0, lasts, payload),) if lasts else ()

    def lose(self) -> None:
        """Do nothing: each packet is whole."""


def opus_ticks(packet: bytes) -> int:
    """Return how long an Opus packet lasts, in samples at 48 kHz; 0 where it is none (RFC 6716, section 3.1)."""
    if not packet:
        return 0
    mode = packet[0] >> 3
    if mode < 12:  # noqa: PLR2004 - SILK: 10, 20, 40 or 60 ms
        lasts = _OPUS_FRAMES[mode % 4]
    elif mode < 16:  # noqa: PLR2004 - hybrid: 10 or 20 ms
        lasts = _OPUS_FRAMES[4 + mode % 2]
    else:
        lasts = _OPUS_FRAMES[8 + mode % 4]
    count = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[packet[0] & 3]
    return lasts * count
