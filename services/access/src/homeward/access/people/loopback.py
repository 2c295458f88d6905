"""What is on this machine alone, where there is no TLS."""

import ipaddress
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """Return the host of a URL; empty when there is none."""
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> str:
    """Return the scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine by its address; of names, "localhost" alone is."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_protected(url: str) -> str:
    """Return `url`; raise ValueError when it is neither https nor on loopback."""
    if not url.startswith("https://") and not is_loopback(host_of(url)):
        raise ValueError("must be https: without it anybody on the way could read sessions and tokens")
    return url
