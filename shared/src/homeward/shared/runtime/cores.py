"""No core of a service: it would put whatever was in memory on a disk, a template among it."""

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_cores() -> None:
    """See to it that a crash of this process leaves no core, by way of a file or of a program that collects them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The limit alone does not hold where the kernel hands cores to a program (core(5)).
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
