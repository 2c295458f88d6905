"""Asking one ONVIF device what it is and what it sends, by onvif-zeep-async."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from onvif import ONVIFCamera, ONVIFError
from pydantic import SecretStr
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault

from homeward.cli.onvif.device import Device, OnvifError, Profile, without_secrets
from homeward.shared.clock import Clock

_STREAM: Final = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
_DENIED: Final = ("NotAuthorized", "not authorized", "FailedAuthentication", "Unauthorized")


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and password, neither of which prints itself."""

    user: SecretStr
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device answers. `base` is its host, with https:// in front where that is asked for."""

    base: str
    host: str
    port: int


def address_of(text: str) -> Address:
    """Return the address that `text` says: a host, host:port, or an http:// or https:// URL; raise OnvifError."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise OnvifError("give the camera's address as 192.0.2.7, 192.0.2.7:8080 or https://192.0.2.7, and no more")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"https://{host}" if parts.scheme == "https" else parts.hostname
    return Address(base, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def probe(address: Address, login: Login | None, clock: Clock, *, patience: timedelta) -> Device:
    """Return what the device tells; blocks for at most `patience`. Raises OnvifError."""
    # The library sets the root logger up as a program would, and tells of each request.
    logging.getLogger().setLevel(logging.ERROR)
    try:
        return asyncio.run(_within(address, login, clock, patience))
    except TimeoutError:
        raise OnvifError("the device did not answer in time") from None
    except Fault as error:
        said = f"{error.message} {error.code} {error.subcodes}"
        if any(word in said for word in _DENIED):
            raise OnvifError(
                "the device refuses the credentials: many want a user made for ONVIF, and refuse all when their "
                "clock is wrong"
            ) from None
        raise OnvifError("the device refuses to answer") from None
    except (ONVIFError, ZeepError, aiohttp.ClientError, OSError, AttributeError, TypeError, ValueError) as error:
        # Texts may repeat what was sent. A device that answers other things than it should breaks in many ways.
        raise OnvifError(f"no ONVIF device answers as it should ({type(error).__name__})") from None


async def _within(address: Address, login: Login | None, clock: Clock, patience: timedelta) -> Device:
    async with asyncio.timeout(patience.total_seconds()), _opened(address, login) as camera:
        device = await _service(camera, "devicemgmt", login)
        offset = await _clock_offset(device, clock)
        await camera.update_xaddrs()
        for url in camera.xaddrs.values():
            if urlsplit(url).hostname != address.host:
                # Else a device could have the credentials' digest sent to any other.
                raise OnvifError("the device names another host for its services: probe it by that address")
        info = await (await _service(camera, "devicemgmt", login)).GetDeviceInformation()
        profiles = await _profiles(await _service(camera, "media", login))
        return Device(_text(info.Manufacturer), _text(info.Model), _text(info.FirmwareVersion), offset, profiles)


@asynccontextmanager
async def _opened(address: Address, login: Login | None) -> AsyncIterator[Any]:
    camera: Any = ONVIFCamera(
        address.base,
        address.port,
        None if login is None else login.user.get_secret_value(),
        None if login is None else login.password.get_secret_value(),
        no_cache=True,
        # A digest holds the time, and a device with a wrong clock would refuse ours.
        adjust_time=login is not None,
    )
    try:
        yield camera
    finally:
        await camera.close()


async def _service(camera: Any, name: str, login: Login | None) -> Any:
    service = await camera.create_onvif_service(name)
    if login is None:
        # The library would sign with a user that is none.
        service.ws_client = service.ws_client_authless
    return service


async def _clock_offset(device: Any, clock: Clock) -> timedelta | None:
    asked = clock.now()
    told = (await device.authless_GetSystemDateAndTime()).UTCDateTime
    if told is None:
        return None
    at = datetime(
        told.Date.Year, told.Date.Month, told.Date.Day, told.Time.Hour, told.Time.Minute, told.Time.Second, tzinfo=UTC
    )
    # Told in whole seconds, cut: half of one is added, and the answer is as old as half of the way.
    return at + timedelta(seconds=0.5) - (asked + (clock.now() - asked) / 2)


async def _profiles(media: Any) -> tuple[Profile, ...]:
    found = []
    for profile in await media.GetProfiles() or ():
        answer = await media.GetStreamUri({"StreamSetup": _STREAM, "ProfileToken": profile.token})
        found.append(_profile(profile, without_secrets(str(answer.Uri))))
    return tuple(found)


def _profile(profile: Any, url: str) -> Profile:
    video = profile.VideoEncoderConfiguration
    sound = profile.AudioEncoderConfiguration
    size = None if video is None else video.Resolution
    rate = None if video is None else video.RateControl
    return Profile(
        _text(profile.Name),
        url,
        None if video is None else _text(video.Encoding) or None,
        None if size is None else size.Width,
        None if size is None else size.Height,
        None if rate is None else rate.FrameRateLimit,
        None if rate is None else rate.BitrateLimit,
        None if sound is None else _text(sound.Encoding) or None,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
