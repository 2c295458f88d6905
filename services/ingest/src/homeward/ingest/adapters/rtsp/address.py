"""Where a camera is, out of its URL, and where its tracks are, out of its answers."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from homeward.ingest.adapters.rtsp.errors import RefusedError

_PORTS: Final = {"rtsp": 554, "rtsps": 322}
_ABSOLUTE: Final = re.compile(r"rtsps?://[\x21-\x7e]{1,2048}", re.IGNORECASE)
_AS_THEY_ARE: Final = "/?&=:;,@!$'()*+~%-._[]#"


@dataclass(frozen=True, slots=True)
class Address:
    """A camera's place. `url` is what stands in requests: without a user, in ASCII."""

    host: str
    port: int
    tls: bool
    url: str


def read(url: str) -> Address:
    """Return where `url` leads. Raises RefusedError where it leads nowhere."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        name = host.encode("ascii" if host.isascii() else "idna").decode()
    except (ValueError, UnicodeError):
        raise RefusedError("its source is not a URL") from None
    if not host or not port:
        raise RefusedError("its source is not a URL")
    place = f"[{name}]" if ":" in name else name
    if parts.port is not None:
        place += f":{parts.port}"
    path, query = quote(parts.path, safe=_AS_THEY_ARE), quote(parts.query, safe=_AS_THEY_ARE)
    return Address(name, port, parts.scheme == "rtsps", urlunsplit((parts.scheme, place, path, query, "")))


def base(told: str, asked: str) -> str:
    """Return what tracks' addresses are relative to: what the camera told, if that is an address, else `asked`."""
    return told if _ABSOLUTE.fullmatch(told) else asked


def joined(root: str, control: str) -> str:
    """Return a track's address. A relative one is put behind `root` as it is, query and all, as cameras expect."""
    if control in ("", "*"):
        return root
    if _ABSOLUTE.fullmatch(control):
        return control
    return root.rstrip("/") + "/" + control.lstrip("/")
