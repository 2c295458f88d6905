"""What a library says over and over, said once in a while."""

import logging
from typing import Final

AGAIN_S: Final = 30.0
"""While a broker is away, librdkafka tells of every attempt of every client to connect: twenty lines a second."""

_MOST_KINDS: Final = 1000
"""Kinds remembered: each client has a few, and a process a handful of clients."""


class Seldom(logging.Filter):
    """Lets a line of the logger `name` pass unless one of its kind passed less than AGAIN_S before.

    Two lines are of one kind when their level and their first two words are the same: librdkafka writes what
    happened, then which client it happened to. Lines of other loggers pass.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._logger = name
        self._passed: dict[tuple[int, tuple[str, ...]], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the line."""
        if record.name != self._logger:
            return True
        kind = (record.levelno, tuple(record.getMessage().split(maxsplit=2)[:2]))
        passed = self._passed.get(kind)
        if passed is not None and 0 <= record.created - passed < AGAIN_S:
            return False
        if len(self._passed) < _MOST_KINDS or passed is not None:
            self._passed[kind] = record.created
        return True
