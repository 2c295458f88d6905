"""From where a request comes, as far as that can be believed."""

import ipaddress
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request

_STATE: Final = "homeward_client"
_UNKNOWN: Final = "unknown"
_IPV6_PREFIX: Final = 64
"""What one subscriber holds of IPv6: whoever has one address has them all."""


class ClientAddress:
    """Reads the address of a request's client: the peer's, or what `hops` proxies in front of access have added.

    Each proxy appends to X-Forwarded-For whom it was called by; what stands further left the client wrote itself.
    """

    def __init__(self, hops: int) -> None:
        self._hops = hops

    def of(self, scope: Any) -> str:
        """Return the address, an IPv6 one by its /64; "unknown" when there is none."""
        if self._hops == 0:
            peer = scope.get("client")
            return _normal(peer[0] if peer else "")
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        return _normal(forwarded[-self._hops].strip() if len(forwarded) >= self._hops else "")

    def note(self, scope: Any) -> str:
        """Return the address, and keep it in `scope` for `client_address`."""
        address = self.of(scope)
        scope.setdefault("state", {})[_STATE] = address
        return address


def client_address(request: Request) -> str:
    """Return the address of a request's client, for limits alone: it is kept nowhere and stands in no log."""
    return str(getattr(request.state, _STATE, _UNKNOWN))


def _normal(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)
