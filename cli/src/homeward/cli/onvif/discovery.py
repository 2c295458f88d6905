"""Looking for ONVIF devices on the local network by WS-Discovery: messages by WSDiscovery, sockets by ourselves.

The library's own sockets take part in the network as a service does: they bind the well-known port, join the group on
every interface and go on in threads. To ask once and listen for some seconds, a socket for each interface is enough.
"""

import ipaddress
import selectors
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import ifaddr
from wsdiscovery import QName
from wsdiscovery.actions import constructProbe
from wsdiscovery.message import createSOAPMessage, parseSOAPMessage

from homeward.cli.onvif.device import Found, OnvifError, name_in
from homeward.shared.clock import Clock

GROUP: Final = ("239.255.255.250", 3702)
"""Where WS-Discovery asks, by its specification."""

_CAMERA: Final = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
_REPEAT_S: Final = 0.5  # a datagram may be lost: SOAP over UDP asks twice
_LARGEST_BYTES: Final = 65_535


def own_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine's interfaces, without loopback."""
    return [
        address.ip
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if isinstance(address.ip, str) and not ipaddress.ip_address(address.ip).is_loopback
    ]


def discover(
    clock: Clock, listen: timedelta, *, addresses: Sequence[str] | None = None, group: tuple[str, int] = GROUP
) -> list[Found]:
    """Ask for cameras from each of `addresses`, and return those that answer within `listen`, each once.

    Nothing leaves the local network: the question lives for one hop. Raises OnvifError when no interface can ask.
    """
    probe = constructProbe([_CAMERA], None)
    question = createSOAPMessage(probe).encode()
    found: dict[str, Found] = {}
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for address in own_addresses() if addresses is None else addresses:
            asking = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            asking.bind((address, 0))
            asking.settimeout(0)
            selector.register(asking, selectors.EVENT_READ)
        began_s = clock.monotonic()
        for until_s in (_REPEAT_S, listen.total_seconds()):
            if not _ask(selector, question, group):
                raise OnvifError("no network interface lets multicast through; probe a camera by its address instead")
            while (left_s := began_s + until_s - clock.monotonic()) > 0:
                for key, _ in selector.select(left_s):
                    _take(key.fileobj, probe.getMessageId(), found)
    return sorted(found.values(), key=lambda one: one.address)


def _ask(selector: selectors.BaseSelector, question: bytes, group: tuple[str, int]) -> bool:
    """Send the question from every socket; return whether one took it."""
    asked = False
    for key in selector.get_map().values():
        asking: Any = key.fileobj
        try:
            asking.sendto(question, group)
            asked = True
        except OSError:
            # An interface that is down, or knows no multicast, is none to find cameras on.
            continue
    return asked


def _take(listening: Any, question_id: str, found: dict[str, Found]) -> None:
    try:
        data, (host, _) = listening.recvfrom(_LARGEST_BYTES)
        answer = parseSOAPMessage(data, host)
        matches = answer.getProbeResolveMatches() if answer and answer.getRelatesTo() == question_id else ()
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        # Anybody on the network may send anything; the library does not say which errors it lets through.
        return
    for match in matches:
        scopes = [unquote(scope.getValue()) for scope in match.getScopes()]
        found[match.getEPR()] = Found(
            _address(match.getXAddrs(), host), name_in(scopes, "name"), name_in(scopes, "hardware")
        )


def _address(told: Sequence[str], host: str) -> str:
    """Return where to probe a device that answered from `host`: a URL of its own on that host, else the host."""
    for url in told:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname == host:
            return host if (parts.scheme, parts.port or 80) == ("http", 80) else f"{parts.scheme}://{parts.netloc}"
    return host
