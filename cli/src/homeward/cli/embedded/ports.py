"""Free ports on loopback for programs that must be told theirs."""

import secrets
import socket
from collections.abc import Sequence
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_FIRST: Final = 10_000
_END: Final = 22_000  # with the companion's distance still below the ports that Linux lends to outgoing connections
_TRIES: Final = 1_000


class NoFreePortError(Exception):
    """The machine has no free ports left where Homeward looks for them."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` of loopback now; it may be taken a moment later."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int, companion: int = 0) -> Sequence[int]:
    """Return `count` different free ports; with `companion`, port + companion is free and reserved as well.

    They are chosen at random, so that programs started side by side do not ask for the same. Raises NoFreePortError.
    """
    found: list[int] = []
    reserved: set[int] = set()
    for _ in range(_TRIES):
        if len(found) == count:
            return found
        port = _FIRST + secrets.randbelow(_END - _FIRST)
        wanted = {port, port + companion}
        if not wanted & reserved and all(is_free(each) for each in wanted):
            found.append(port)
            reserved |= wanted
    raise NoFreePortError(f"no {count} free ports between {_FIRST} and {_END} of {LOOPBACK}")
