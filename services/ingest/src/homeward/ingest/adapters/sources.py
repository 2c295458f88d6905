"""The port `VideoSources`: each scheme has its own client."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from homeward.ingest.adapters import pyav_source
from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.pyav_source import PyavSources
from homeward.ingest.adapters.rtsp import source as rtsp_source
from homeward.ingest.adapters.rtsp.source import RtspSources
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.ports import SourceUnreachableError, VideoSession
from homeward.shared.clock import Clock


class Sources:
    """The port `VideoSources`: RTSP by a client of our own, files and HTTP by FFmpeg. Safe for several threads."""

    def __init__(
        self,
        credentials: CredentialFiles,
        *,
        open_timeout: timedelta,
        read_timeout: timedelta,
        clock: Clock,
        tls_ca_file: Path | None = None,
    ) -> None:
        """`read_timeout` is how long a source may say nothing. `tls_ca_file` makes rtsps and https be verified."""
        ffmpeg = PyavSources(
            credentials, open_timeout=open_timeout, read_timeout=read_timeout, clock=clock, tls_ca_file=tls_ca_file
        )
        rtsp = RtspSources(
            credentials, open_timeout=open_timeout, read_timeout=read_timeout, clock=clock, tls_ca_file=tls_ca_file
        )
        self._ffmpeg = ffmpeg
        self._by_scheme: Mapping[str, RtspSources | PyavSources] = dict.fromkeys(rtsp_source.SCHEMES, rtsp) | (
            dict.fromkeys(pyav_source.SCHEMES, ffmpeg)
        )

    def open(self, spec: SourceSpec) -> VideoSession:
        """Open the source, blocking for at most the open timeout."""
        sources = self._by_scheme.get(spec.scheme)
        if sources is None:
            raise SourceUnreachableError(f"camera {spec.camera_id}: no client speaks its source's scheme")
        return sources.open(spec)

    def content(self, spec: SourceSpec) -> str:
        """Return what tells the content of a file from another's."""
        return self._ffmpeg.content(spec)
