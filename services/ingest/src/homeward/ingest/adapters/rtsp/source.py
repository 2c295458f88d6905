"""Opens cameras over RTSP."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Final

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.rtsp import address
from homeward.ingest.adapters.rtsp.carriers import Carrier, DatagramCarrier, InterleavedCarrier
from homeward.ingest.adapters.rtsp.connection import Connection
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError, RefusedError
from homeward.ingest.adapters.rtsp.opening import Playing, VideoLine, begin
from homeward.ingest.adapters.rtsp.session import RtspSession
from homeward.ingest.adapters.rtsp.streams import ByteStream, TcpStream, TlsStream, tls_context
from homeward.ingest.cameras.sources import SourceSpec, Transport
from homeward.ingest.ports import SourceCorruptError, SourceLostError, SourceUnreachableError
from homeward.shared.clock import Clock

SCHEMES: Final = frozenset({"rtsp", "rtsps"})


class RtspSources:
    """Opens rtsp:// and rtsps:// cameras. Safe to use from several threads."""

    def __init__(
        self,
        credentials: CredentialFiles,
        *,
        open_timeout: timedelta,
        read_timeout: timedelta,
        clock: Clock,
        tls_ca_file: Path | None = None,
    ) -> None:
        """`read_timeout` is how long a camera may show nothing. `tls_ca_file` makes rtsps be verified."""
        self._credentials = credentials
        self._open_timeout_s = open_timeout.total_seconds()
        self._read_timeout_s = read_timeout.total_seconds()
        self._clock = clock
        self._tls_ca_file = tls_ca_file

    def open(self, spec: SourceSpec) -> RtspSession:
        """Open the camera, blocking for at most the open timeout, beside the time that its name takes to resolve.

        Raises SourceUnreachableError, SourceCorruptError.
        """
        until_s = self._clock.monotonic() + self._open_timeout_s
        playing = self._play(spec, until_s)
        session = RtspSession(spec.camera_id, playing, read_timeout_s=self._read_timeout_s, clock=self._clock)
        try:
            session.wait_for_key_frame(until_s)
        except SourceLostError as error:
            session.close()
            raise SourceUnreachableError(str(error)) from None
        except BaseException:
            session.close()
            raise
        return session

    def _play(self, spec: SourceSpec, until_s: float) -> Playing:
        name = spec.camera_id
        login = self._login(spec)
        stream: ByteStream | None = None
        carrier: Carrier | None = None
        opened = False
        try:
            place = address.read(spec.url)
            plain = TcpStream(socket.create_connection((place.host, place.port), until_s - self._clock.monotonic()))
            stream = plain
            plain.limit(until_s - self._clock.monotonic())
            if place.tls:
                stream = TlsStream(plain, tls_context(self._tls_ca_file), place.host)
            line = VideoLine()
            connection = Connection(stream, login, clock=self._clock, astray=line.damage)
            if spec.transport is Transport.UDP and not place.tls:
                carrier = DatagramCarrier(connection.wire, plain.socket, self._clock.monotonic)
            else:
                carrier = InterleavedCarrier(connection.wire)
            playing = begin(connection, carrier, line, place.url, audio=spec.audio, clock=self._clock, until_s=until_s)
            opened = True
        except TimeoutError:
            raise SourceUnreachableError(f"camera {name}: the source did not answer in time") from None
        except OSError as error:
            raise SourceUnreachableError(f"camera {name}: the source failed ({type(error).__name__})") from None
        except (RefusedError, EndedError) as error:
            raise SourceUnreachableError(f"camera {name}: {error}") from None
        except ProtocolError as error:
            raise SourceCorruptError(f"camera {name}: {error}") from None
        finally:
            if not opened:
                if carrier is not None:
                    carrier.close()
                if stream is not None:
                    stream.close()
        return playing

    def _login(self, spec: SourceSpec) -> tuple[str, str] | None:
        if spec.credentials_ref is None:
            return None
        found = self._credentials.read(spec.camera_id, spec.credentials_ref)
        return found.user.get_secret_value(), found.password.get_secret_value()
