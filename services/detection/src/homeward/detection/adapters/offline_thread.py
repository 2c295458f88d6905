"""A thread from which nothing reaches the network, for libraries that report their use to their makers.

MediaPipe 1.x sends usage statistics over HTTPS from threads of its own, and has neither an option nor a variable that
stops it. The kernel can: a seccomp filter holds for the thread that asks for it and for every thread that this one
starts, and for no other. So the library is loaded, used and closed on one thread that may not make sockets, while the
service's own clients work as before. https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

# Offsets within struct seccomp_data.
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4

# Classic BPF: load a word, jump when equal, jump when greater or equal, return.
_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EACCES

_X32_NUMBERS: Final = 0x40000000
"""From here on x86-64 numbers the same calls once more, for its 32-bit pointers."""

# AUDIT_ARCH value and the numbers of socket and io_uring_setup (a ring can make sockets too).
_ARCHITECTURES: Final = {
    "x86_64": (0xC000003E, (41, 425)),
    "aarch64": (0xC00000B7, (198, 425)),
}

Result = TypeVar("Result")


class OfflineUnavailableError(RuntimeError):
    """This system cannot keep a thread off the network."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class OfflineThread:
    """One thread that cannot make a socket, and so neither can any thread that it starts.

    Safe to call from several threads: the work is done in the order asked for.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; raise OfflineUnavailableError where the kernel offers no way."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        try:
            self.call(_refuse_sockets)
        except BaseException:
            self._pool.shutdown()
            raise

    def call(self, work: Callable[[], Result]) -> Result:
        """Run `work` on the thread; block until it is done, and return or raise what it does."""
        return self._pool.submit(work).result()

    def close(self) -> None:
        """Wait for the work under way and end the thread."""
        self._pool.shutdown()


def _refuse_sockets() -> None:
    """Refuse the calling thread, for ever, every system call that makes a socket."""
    program = _filter()
    libc = ctypes.CDLL(None, use_errno=True)
    # Without this only root may install a filter.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OfflineUnavailableError(f"the kernel refused PR_SET_NO_NEW_PRIVS: errno {ctypes.get_errno()}")
    pointer = ctypes.byref(_Program(len(program) // 8, program))
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, pointer, 0, 0) != 0:
        raise OfflineUnavailableError(f"the kernel refused a seccomp filter: errno {ctypes.get_errno()}")


def _filter() -> bytes:
    """Return the BPF program: refuse calls of a foreign architecture and those that make sockets, allow the rest."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        raise OfflineUnavailableError(
            f"a thread can be kept off the network on Linux on {' or '.join(_ARCHITECTURES)} alone"
        )
    architecture, refused = _ARCHITECTURES[platform.machine()]
    checks = [(_IF_AT_LEAST, _X32_NUMBERS), *((_IF_EQUAL, number) for number in refused)]
    lines = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_IF_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _REFUSE)]
    lines.append((_LOAD, 0, 0, _NUMBER_AT))
    # Each check jumps over those after it and over the allowing return.
    lines.extend((code, len(checks) - index, 0, value) for index, (code, value) in enumerate(checks))
    lines.extend(((_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
