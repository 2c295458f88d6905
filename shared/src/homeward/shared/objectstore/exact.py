"""A stream that has to hold what was promised of it."""

from typing import BinaryIO


class ExactStream:
    """The first `size_bytes` of a stream; raises ValueError where the stream ends before.

    An upload that ended with the stream would store the part as if it were the whole.
    """

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        if size_bytes < 0:
            raise ValueError("an object's size is not negative")
        self._stream = stream
        self._left = size_bytes

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that are left when it is negative, nothing at the promised end."""
        wanted = self._left if size < 0 else min(size, self._left)
        if wanted == 0:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise ValueError(f"the stream ended {self._left} bytes early")
        self._left -= len(data)
        return data
