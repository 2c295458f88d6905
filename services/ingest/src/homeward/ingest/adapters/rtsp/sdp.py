"""What a camera offers, as its session description tells it (RFC 8866)."""

import re
from dataclasses import dataclass, field
from typing import Final

from homeward.ingest.adapters.rtsp.errors import ProtocolError

LARGEST_BYTES: Final = 64 << 10
"""A camera's description has 1 to 2 KB."""
_MOST_LINES: Final = 1000
_MOST_MEDIA: Final = 16

_STATIC: Final = {0: ("PCMU", 8000, 1), 8: ("PCMA", 8000, 1)}
"""The payload types that need no `rtpmap` (RFC 3551, section 6), of those that are taken."""

_RTPMAP: Final = re.compile(r"(\d{1,3})\s+([A-Za-z0-9_.-]{1,32})/(\d{1,9})(?:/(\d{1,2}))?")
_MEDIA: Final = re.compile(r"(\w{1,16})\s+\d{1,5}(?:/\d+)?\s+([A-Z/]{1,32})\s+(\d{1,3})\b")
_CONTROL: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_LARGEST_PAYLOAD_TYPE: Final = 127


@dataclass(slots=True)
class Media:
    """One of the tracks. `codec` is its name in capitals; `control` is its address, absolute or not."""

    kind: str
    payload_type: int
    codec: str = ""
    clock_hz: int = 0
    channels: int = 1
    control: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Description:
    """What a camera offers. `control` is the address of all of it, empty where it tells none."""

    control: str
    media: tuple[Media, ...]


def read(body: bytes) -> Description:
    """Return what `body` describes; tracks that make no sense are left out. Raises ProtocolError past a limit."""
    lines = body.decode("utf-8", "replace").splitlines()
    if len(body) > LARGEST_BYTES or len(lines) > _MOST_LINES:
        raise ProtocolError("its description is too long")
    control = ""
    media: list[Media] = []
    in_media = False
    for line in lines:
        mark, _, value = line.strip().partition("=")
        if mark == "m":
            in_media = True
            if len(media) >= _MOST_MEDIA:
                raise ProtocolError("it offers too many tracks")
            media.append(_media(value))
        elif mark == "a" and in_media:
            _attribute(media[-1], value)
        elif mark == "a" and value.startswith("control:"):
            control = _control(value.partition(":")[2])
    return Description(control, tuple(one for one in media if one.codec and one.clock_hz))


def _media(value: str) -> Media:
    found = _MEDIA.match(value)
    if found is None or not found[2].startswith("RTP/AVP") or int(found[3]) > _LARGEST_PAYLOAD_TYPE:
        return Media("", -1)
    payload_type = int(found[3])
    return Media(found[1], payload_type, *_STATIC.get(payload_type, ("", 0, 1)))


def _attribute(media: Media, value: str) -> None:
    name, _, text = value.partition(":")
    match name:
        case "control":
            media.control = _control(text)
        case "rtpmap":
            found = _RTPMAP.match(text)
            if found is not None and int(found[1]) == media.payload_type:
                media.codec, media.clock_hz = found[2].upper(), int(found[3])
                media.channels = int(found[4] or 1) or 1
        case "fmtp":
            number, _, parameters = text.strip().partition(" ")
            if number == str(media.payload_type):
                media.parameters = _parameters(parameters)
        case _:
            pass


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _control(text: str) -> str:
    """Return an address that may stand in a request, empty for one that may not."""
    text = text.strip()
    return text if _CONTROL.fullmatch(text) else ""
