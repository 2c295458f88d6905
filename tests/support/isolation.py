"""A network of one machine: loopback, and a way out that leads nowhere and on which every packet is seen.

Run as a program inside `unshare --net`, it lays the network, runs a command and prints what tried to get out.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

_LAY: Final = """
set -e
ip link set lo up
ip link add out type veth peer name drain
ip link set out arp off
ip addr add 192.0.2.2/24 dev out
ip -6 addr add 2001:db8::2/64 dev out nodad || true
ip link set drain up
ip link set out up
ip route add default dev out
ip -6 route add default dev out || true
"""
_EVERY_PROTOCOL: Final = 3
_HEADER: Final = 14
_DNS_PORT: Final = 53
_QUESTION_AT: Final = 8 + 12  # behind UDP's header and DNS's own
_IPV4, _IPV6 = 0x0800, 0x86DD
_MULTICAST_NOISE: Final = "ff02::"
"""The kernel's own neighbour discovery and multicast reports on a new link; no program sends them."""


@dataclass(frozen=True, slots=True)
class Isolated:
    """How a command ended inside, what it printed, and the addresses that something tried to reach."""

    status: int
    output: str
    attempts: list[str]


def require_isolation() -> None:
    """Skip the test where no network can be made, and fail it in CI."""
    tools = shutil.which("unshare") and shutil.which("ip")
    if tools and subprocess.run(["unshare", "--map-root-user", "--net", "true"], check=False).returncode == 0:
        return
    if os.environ.get("CI") == "true":
        pytest.fail("CI must be able to make a network namespace: it needs iproute2 and unshare")
    pytest.skip("this machine cannot make a network namespace (iproute2, unshare and the right to use them)")


def run_isolated(command: Sequence[str], timeout_s: float, environment: dict[str, str]) -> Isolated:
    """Run `command` on a network of its own and return how it went."""
    inside = ["unshare", "--map-root-user", "--net", sys.executable, str(Path(__file__)), *command]
    # The module's own imports, and nothing of the caller's network.
    ended = subprocess.run(
        inside, check=False, capture_output=True, text=True, timeout=timeout_s, env=os.environ | environment
    )
    if ended.returncode != 0:
        raise RuntimeError(f"no network could be laid: {ended.stderr[-2000:]}")
    return Isolated(**json.loads(ended.stdout.splitlines()[-1]))


def _destination(frame: bytes) -> str | None:
    """Return where a frame goes, with the name that it asks for when it is a question to a name server."""
    kind = int.from_bytes(frame[12:_HEADER])
    packet = frame[_HEADER:]
    if kind == _IPV4:
        payload = packet[(packet[0] & 15) * 4 :] if packet[9] == socket.IPPROTO_UDP else b""
        return str(ip_address(packet[16:20])) + _asked_name(payload)
    if kind == _IPV6:
        payload = packet[40:] if packet[6] == socket.IPPROTO_UDP else b""
        return str(ip_address(packet[24:40])) + _asked_name(payload)
    return None


def _asked_name(datagram: bytes) -> str:
    """Return " for NAME" for a DNS question (RFC 1035, section 4.1), and nothing for anything else."""
    if len(datagram) <= _QUESTION_AT or int.from_bytes(datagram[2:4]) != _DNS_PORT:
        return ""
    labels, at = [], _QUESTION_AT
    while at < len(datagram) and (length := datagram[at]):
        labels.append(datagram[at + 1 : at + 1 + length].decode(errors="replace"))
        at += 1 + length
    return f" for {'.'.join(labels)}"


def _listen(attempts: list[str], stop: threading.Event) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL)) as drain:
        drain.bind(("drain", 0))
        drain.settimeout(0.2)
        while not stop.is_set():
            try:
                reached = _destination(drain.recv(65535))
            except TimeoutError:
                continue
            if reached is not None and not reached.startswith(_MULTICAST_NOISE) and reached not in attempts:
                attempts.append(reached)


def _main() -> None:
    subprocess.run(["sh", "-c", _LAY], check=True, stdout=sys.stderr)
    attempts: list[str] = []
    stop = threading.Event()
    listener = threading.Thread(target=_listen, args=(attempts, stop))
    listener.start()
    ended = subprocess.run(
        sys.argv[1:], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    # A packet sent in the command's last moment is on its way.
    stop.wait(0.5)
    stop.set()
    listener.join()
    print(json.dumps({"status": ended.returncode, "output": ended.stdout[-4000:], "attempts": attempts}))  # noqa: T201 - the answer


if __name__ == "__main__":
    _main()
