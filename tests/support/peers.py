"""`python -m support.peers`: brings what the tests of real counterparts need, before any test's time runs.

A MinIO server is some minutes of compiling on a small machine, more than a test may take.
"""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import pytest

from support.dex_server import dex_program
from support.kafka import kafka_libraries
from support.minio_server import minio_program

PEERS: Final[Mapping[str, Callable[[], object]]] = MappingProxyType(
    {"Apache Kafka": kafka_libraries, "MinIO": minio_program, "Dex": dex_program}
)


def main() -> int:
    """Bring each; say which cannot be brought and why. Return 1 when one is missing that CI must have."""
    missing = 0
    for name, bring in PEERS.items():
        sys.stdout.write(f"{name}: ")
        sys.stdout.flush()
        try:
            bring()
        except pytest.skip.Exception as reason:
            sys.stdout.write(f"not here, its tests are skipped: {reason}\n")
        except pytest.fail.Exception as reason:
            sys.stdout.write(f"{reason}\n")
            missing += 1
        else:
            sys.stdout.write("ready\n")
    return min(missing, 1)


if __name__ == "__main__":
    sys.exit(main())
