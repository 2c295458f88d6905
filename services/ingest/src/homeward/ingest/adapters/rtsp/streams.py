"""The connection to a camera as a stream of bytes: TCP, or TLS over it."""

import socket
import ssl
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

_TIMEVAL: Final = struct.Struct("@ll")
_RECORD_BYTES: Final = 64 << 10
"""How much of TLS is read at once: four of its longest records."""


class ByteStream(Protocol):
    """A connection that blocks. Every method may raise OSError, of which a time limit that passed is TimeoutError."""

    def limit(self, seconds: float) -> None:
        """Set how long each later call may block."""
        ...

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for bytes and put them into `buffer`; return how many, 0 where the camera hung up."""
        ...

    @property
    def drained(self) -> bool:
        """Whether the last call took all that had come."""
        ...

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        ...

    def fileno(self) -> int:
        """Return the socket's number, to wait on it."""
        ...

    def close(self) -> None:
        """Hang up; never raises."""
        ...


class TcpStream:
    """A plain connection.

    Its time limits are the kernel's own: with Python's, each call would be two, of which one only waits.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.drained = True
        self._limit_s = 0.0
        connected.settimeout(None)

    def limit(self, seconds: float) -> None:
        """Set how long each later call may block, 1 ms at the least."""
        seconds = max(seconds, 0.001)
        if seconds != self._limit_s:
            self._limit_s = seconds
            whole = int(seconds)
            value = _TIMEVAL.pack(whole, int((seconds - whole) * 1_000_000))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for bytes."""
        try:
            count = self.socket.recv_into(buffer)
        except BlockingIOError:
            raise TimeoutError from None
        self.drained = count < len(buffer)
        return count

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self.socket.sendall(data)
        except BlockingIOError:
            raise TimeoutError from None

    def fileno(self) -> int:
        """Return the socket's number."""
        return self.socket.fileno()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.socket.close()


class TlsStream:
    """TLS over a plain connection.

    It reads in large pieces and decrypts from memory: Python's own socket reads twice for each record, of which a
    camera sends one for each RTP packet.
    """

    def __init__(self, plain: TcpStream, context: ssl.SSLContext, host: str) -> None:
        """Shake hands; `host` is what the camera's certificate must name where `context` verifies."""
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._scratch = memoryview(bytearray(_RECORD_BYTES))
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._more()
            else:
                self._flush()
                return

    @property
    def drained(self) -> bool:
        """Whether nothing more has come; the start of a record may be left."""
        return self._plain.drained and not self._tls.pending() and self._starved

    _starved = True

    def limit(self, seconds: float) -> None:
        """Set how long each later call may block."""
        self._plain.limit(seconds)

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for bytes, and decrypt as many as there are."""
        count = 0
        self._starved = False
        while count < len(buffer):
            try:
                took = int(self._tls.read(len(buffer) - count, buffer[count:]))
            except ssl.SSLWantReadError:
                self._flush()
                if count:
                    self._starved = True
                    return count
                self._more()
            except ssl.SSLZeroReturnError:
                return count
            else:
                if took == 0:
                    return count
                count += took
        return count

    def send(self, data: bytes) -> None:
        """Encrypt and send all of `data`."""
        self._tls.write(data)
        self._flush()

    def fileno(self) -> int:
        """Return the socket's number."""
        return self._plain.fileno()

    def close(self) -> None:
        """Hang up, with TLS's farewell where it can be said at once."""
        with suppress(OSError, ValueError):
            self._tls.unwrap()
        with suppress(OSError):
            self._flush()
        self._plain.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._plain.send(self._outgoing.read())

    def _more(self) -> None:
        count = self._plain.recv_into(self._scratch)
        if count:
            self._incoming.write(self._scratch[:count])
        else:
            self._incoming.write_eof()


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """Return how to speak TLS: verified by the certificates in `authorities`, or unverified where there are none.

    Raises OSError where they cannot be read.
    """
    if authorities is not None:
        return ssl.create_default_context(cafile=str(authorities))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Cameras come with certificates that they signed themselves; an operator who wants them verified says by which.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
