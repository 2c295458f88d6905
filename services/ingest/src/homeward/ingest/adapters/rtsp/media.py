"""Which of a camera's tracks are taken, and how each is read."""

import base64
import binascii
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from homeward.ingest.adapters.rtsp import templates
from homeward.ingest.adapters.rtsp.audio import AAC_FRAME_TICKS, AacReader, G711Reader, OpusReader, SoundReader
from homeward.ingest.adapters.rtsp.errors import ProtocolError
from homeward.ingest.adapters.rtsp.h264 import H264Assembler
from homeward.ingest.adapters.rtsp.h265 import H265Assembler
from homeward.ingest.adapters.rtsp.nal import NalAssembler
from homeward.ingest.adapters.rtsp.sdp import Description, Media
from homeward.ingest.adapters.rtsp.sound_clock import VIDEO_HZ
from homeward.ingest.ports import AudioFormat

_VIDEO: Final = {"H264": "h264", "H265": "hevc"}
_SETS: Final = {"H264": ("sprop-parameter-sets",), "H265": ("sprop-vps", "sprop-sps", "sprop-pps")}
_MOST_CHANNELS: Final = 8
_HIGHEST_HZ: Final = 192_000
_RATES_HZ: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""What the 4 bits for a sampling rate mean (ISO/IEC 14496-3, table 1.18)."""


@dataclass(frozen=True, slots=True)
class VideoChoice:
    """The video that is taken. `codec` is FFmpeg's name, `sets` the parameter sets that the description holds."""

    media: Media
    codec: str
    sets: tuple[bytes, ...]

    def assembler(self) -> NalAssembler:
        """Return what puts its access units together."""
        return H264Assembler() if self.codec == "h264" else H265Assembler()


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """The sound that is taken, and its form for a muxer."""

    media: Media
    reader: SoundReader
    form: AudioFormat
    template: Any


def choose_video(description: Description) -> VideoChoice:
    """Return the first video that a clip can take. Raises ProtocolError where there is none."""
    videos = [media for media in description.media if media.kind == "video"]
    if not videos:
        raise ProtocolError("the source holds no video")
    media = next((media for media in videos if media.codec in _VIDEO), None)
    if media is None or media.clock_hz != VIDEO_HZ:
        raise ProtocolError("the video is neither H.264 nor H.265")
    if media.parameters.get("sprop-max-don-diff", "0") != "0":
        raise ProtocolError("the video's frames are interleaved, which is not taken")
    return VideoChoice(media, _VIDEO[media.codec], _sets(media))


def choose_audio(description: Description) -> AudioChoice | None:
    """Return the first sound that a clip can take, None where there is none."""
    for media in description.media:
        if media.kind == "audio":
            try:
                return _audio(media)
            except ProtocolError:
                continue
    return None


def _sets(media: Media) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for name in _SETS[media.codec]:
        for text in media.parameters.get(name, "").split(","):
            try:
                unit = base64.b64decode(text.strip(), validate=True)
            except (binascii.Error, ValueError):
                continue
            if unit:
                found.append(unit)
    return tuple(found)


def _audio(media: Media) -> AudioChoice:
    if not 0 < media.clock_hz <= _HIGHEST_HZ or not 0 < media.channels <= _MOST_CHANNELS:
        raise ProtocolError("its sound has an impossible form")
    match media.codec:
        case "MPEG4-GENERIC":
            return _aac(media)
        case "PCMA" | "PCMU":
            law, number = ("pcm_alaw", 6) if media.codec == "PCMA" else ("pcm_mulaw", 7)
            template = templates.g711_template(number, media.channels, media.clock_hz)
            return _choice(media, G711Reader(media.channels), law, template)
        case "OPUS" if media.clock_hz == 48_000:  # noqa: PLR2004 - the only clock it has
            # Its rtpmap always says 2 channels (RFC 7587, section 7).
            channels = 2 if media.parameters.get("sprop-stereo") == "1" else 1
            return _choice(media, OpusReader(), "opus", templates.opus_template(channels))
        case _:
            raise ProtocolError("its sound has an unknown form")


def _choice(media: Media, reader: SoundReader, codec: str, template: Any) -> AudioChoice:
    return AudioChoice(media, reader, AudioFormat(codec, Fraction(1, media.clock_hz)), template)


def _aac(media: Media) -> AudioChoice:
    parameters = media.parameters
    try:
        config = bytes.fromhex(parameters.get("config", ""))
        size, index, delta = (
            int(parameters.get(name, "0")) for name in ("sizelength", "indexlength", "indexdeltalength")
        )
    except ValueError:
        raise ProtocolError("its AAC has an impossible form") from None
    # Two bytes hold the type, the rate and the channels; what may follow is for the decoder.
    if parameters.get("mode", "").lower() != "aac-hbr" or not 2 <= len(config) <= 64:  # noqa: PLR2004
        raise ProtocolError("its AAC has an unknown form")
    rate = (config[0] & 7) << 1 | config[1] >> 7
    ticks = AAC_FRAME_TICKS
    if rate < len(_RATES_HZ):
        # With spectral band replication RTP's clock may run at twice the rate of the frames.
        ticks = AAC_FRAME_TICKS * media.clock_hz // _RATES_HZ[rate]
    reader = AacReader(size, index, delta, ticks or AAC_FRAME_TICKS)
    template = templates.aac_template(config)
    if template.codec_context.sample_rate not in (media.clock_hz, media.clock_hz // 2):
        raise ProtocolError("its AAC has two rates")
    return _choice(media, reader, "aac", template)
