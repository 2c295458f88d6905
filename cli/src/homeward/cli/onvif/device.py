"""What an ONVIF camera tells of itself, and the command that records it. Pure."""

import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

CLOCK_LIMIT: Final = timedelta(seconds=5)
"""Past so much a recorder does not place footage by the camera's clock; ONVIF tells whole seconds."""

RECORDED: Final = frozenset({"H264", "H265"})
"""Codecs, by ONVIF's names, that are recorded as they are sent."""

_LONGEST_ID: Final = 63


class OnvifError(Exception):
    """A device did not do what was asked; the text says what to look at, and holds no password."""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered on the network: where to probe it, and what it calls itself."""

    address: str
    name: str
    hardware: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One stream that a device offers. Figures are None where it does not tell them."""

    name: str
    url: str
    codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    frames_per_s: float | None = None
    kbit_per_s: int | None = None
    audio_codec: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What a device told. `clock_offset` is its clock less ours, None where it does not tell its time."""

    manufacturer: str
    model: str
    firmware: str
    clock_offset: timedelta | None
    profiles: tuple[Profile, ...]

    def best(self) -> Profile | None:
        """Return the profile to record: the largest picture in a codec that is recorded; None where there is none."""
        recorded = [one for one in self.profiles if one.codec is None or one.codec.upper() in RECORDED]
        return max(recorded, key=lambda one: (one.width_px or 0) * (one.height_px or 0), default=None)


def without_secrets(url: str) -> str:
    """Return a stream's URL without a user or a password, which some devices put in."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def add_command(device: Device, profile: Profile, host: str, *, credentials: bool) -> str:
    """Return the command that records `profile`."""
    words = ["homeward", "cameras", "add", suggested_id(host), profile.url]
    named = " ".join(filter(None, (device.manufacturer, device.model)))
    if named:
        words += ["--name", named]
    if credentials:
        words += ["--credentials", suggested_id(host)]
    return shlex.join(words)


def suggested_id(host: str) -> str:
    """Return a camera's id made from a host's name or address."""
    return re.sub(r"[^a-z0-9]+", "-", f"camera-{host.lower()}").strip("-")[:_LONGEST_ID].rstrip("-")


def name_in(scopes: list[str], what: str) -> str:
    """Return what the scopes of a discovered device tell of its "name" or "hardware"; empty where nothing."""
    prefix = f"onvif://www.onvif.org/{what}/"
    return next((scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix)), "")
