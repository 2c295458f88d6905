"""What running processes cost: CPU seconds and memory, as Linux accounts them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_USER_AT, _SYSTEM_AT = 13, 14  # of /proc/PID/stat, counted from 0
_BEHIND_NAME: Final = 2


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds since a process began, user and system, and its memory in bytes.

    `proportional_bytes` shares each page among those who map it (PSS), `private_bytes` are the pages of its own.
    """

    cpu_s: float
    resident_bytes: int
    proportional_bytes: int
    private_bytes: int

    @classmethod
    def of(cls, *pids: int) -> Self:
        """Return what the processes of `pids` and all that they started cost together, up to now."""
        family = [one for pid in pids for one in (pid, *_descendants(pid))]
        rollups = [_rollup(pid) for pid in family]
        return cls(
            sum(cpu_seconds(pid) for pid in family),
            sum(each["Rss"] for each in rollups),
            sum(each["Pss"] for each in rollups),
            sum(each["Private_Clean"] + each["Private_Dirty"] for each in rollups),
        )


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split()[0].rstrip(":"): int(line.split()[1]) * 1024 for line in lines}


def _descendants(pid: int) -> list[int]:
    children = [
        int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
    ]
    return [one for child in children for one in (child, *_descendants(child))]


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of process `pid` since it began, user and system."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # The name, in brackets, may hold blanks.
    fields = stat.rpartition(")")[2].split()
    user, system = fields[_USER_AT - _BEHIND_NAME], fields[_SYSTEM_AT - _BEHIND_NAME]
    return (int(user) + int(system)) / _TICKS_A_SECOND


def machine_idle_share(before: "Machine", after: "Machine") -> float:
    """Return which share of all cores' time was idle between two looks."""
    return (after.idle_s - before.idle_s) / (after.all_s - before.all_s)


@dataclass(frozen=True, slots=True)
class Machine:
    """All cores' seconds since the machine began: all of them, idle, and waiting for the disk."""

    all_s: float
    idle_s: float
    disk_s: float

    @classmethod
    def now(cls) -> Self:
        """Return the machine's account up to now."""
        first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        ticks = [int(each) / _TICKS_A_SECOND for each in first]
        return cls(sum(ticks[:8]), ticks[3], ticks[4])
