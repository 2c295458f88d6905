"""homeward cameras discover and probe: which cameras there are, and what they send."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import SecretStr
from rich.table import Table

from homeward.cli.console import console, fail
from homeward.cli.onvif.device import CLOCK_LIMIT, Device, OnvifError, Profile, add_command, suggested_id
from homeward.shared.clock import SystemClock

_LONGEST_BYTES: Final = 4096


def discover(
    seconds: Annotated[float, typer.Option(help="How long to listen for answers.", min=1, max=60)] = 5.0,
) -> None:
    """Look for ONVIF cameras on the local network, by WS-Discovery."""
    from homeward.cli.onvif import discovery  # noqa: PLC0415 - other commands need not wait for it

    try:
        found = discovery.discover(SystemClock(), timedelta(seconds=seconds))
    except OnvifError as error:
        fail(str(error))
    if not found:
        console.print(
            "No camera answered. Only those on this machine's own network segment can; many have discovery or ONVIF "
            "switched off. A camera whose address is known can be probed: homeward cameras probe 192.0.2.7"
        )
        return
    table = Table("address", "name", "hardware")
    for one in found:
        table.add_row(one.address, one.name, one.hardware)
    console.print(table)
    console.print(f"What one sends: homeward cameras probe {found[0].address}", highlight=False, markup=False)


def probe(
    host: Annotated[str, typer.Argument(help="The camera's address: 192.0.2.7, 192.0.2.7:8080 or https://192.0.2.7.")],
    credentials: Annotated[
        Path | None, typer.Option(help="A file that holds user:password, as in the recorder's credentials folder.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for user and password here.")] = False,
    seconds: Annotated[float, typer.Option(help="How long to wait for the camera.", min=1, max=120)] = 20.0,
) -> None:
    """Ask an ONVIF camera what it is and what it sends, and print the command that records it."""
    from homeward.cli.onvif import probing  # noqa: PLC0415 - its library takes a second to load

    said = _said(credentials, ask=ask)
    login = None if said is None else probing.Login(*said)
    try:
        address = probing.address_of(host)
        with console.status("asking"):
            device = probing.probe(address, login, SystemClock(), patience=timedelta(seconds=seconds))
    except OnvifError as error:
        hint = "" if login else "; where it wants credentials, give --credentials FILE or --ask"
        fail(f"{error}{hint}")
    _show(device)
    profile = device.best()
    if profile is None:
        fail("none of its profiles is H.264 or H.265: give it one in its own settings")
    console.print("\nTo record the largest:")
    console.print(
        add_command(device, profile, address.host, credentials=login is not None),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if login is not None:
        name = suggested_id(address.host)
        console.print(f"with user:password in the file {name} of the recorder's credentials folder.", highlight=False)


def read_credentials(path: Path) -> tuple[SecretStr, SecretStr]:
    """Return the user and the password that a file holds; end the command when it holds none."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        fail(f"{path} cannot be read as text")
    user, colon, password = text.rstrip("\r\n").partition(":")
    if not colon or not user:
        fail(f"{path} does not hold user:password")
    return SecretStr(user), SecretStr(password)


def _said(credentials: Path | None, *, ask: bool) -> tuple[SecretStr, SecretStr] | None:
    if credentials is not None:
        return read_credentials(credentials)
    if ask:
        return SecretStr(typer.prompt("user")), SecretStr(typer.prompt("password", hide_input=True))
    return None


def _show(device: Device) -> None:
    console.print(f"{device.manufacturer} {device.model}, firmware {device.firmware}", markup=False, highlight=False)
    if device.clock_offset is not None:
        seconds = device.clock_offset.total_seconds()
        console.print(f"its clock is {seconds:+.0f} s from this machine's", highlight=False)
        if abs(device.clock_offset) > CLOCK_LIMIT:
            console.print("[red]Set its clock by NTP[/]: until then its footage is placed by when it arrives.")
    table = Table("profile", "video", "size", "frames/s", "kbit/s", "sound", "stream")
    for one in device.profiles:
        table.add_row(*_row(one))
    console.print(table)


def _row(profile: Profile) -> list[str]:
    size = f"{profile.width_px}x{profile.height_px}" if profile.width_px and profile.height_px else ""
    figures = [f"{figure:g}" if figure else "" for figure in (profile.frames_per_s, profile.kbit_per_s)]
    return [profile.name, profile.codec or "", size, *figures, profile.audio_codec or "", profile.url]
