"""Every metric of ingest, named and described once."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Stretch

_SEND_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""From a small clip to a store that is barely there."""

_LATENCY_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
"""From a clip that was sent at once to one that waited for a store for hours."""


class IngestMetrics:
    """What ingest counts of all cameras together; `CameraMetrics` tells of each."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clips = Counter("homeward_ingest_clips", "Clips spooled.", registry=registry)
        self._fenced = Counter(
            "homeward_ingest_stretches_fenced",
            "Stretches let go since another replica told of them.",
            registry=registry,
        )
        self._clip_bytes = Counter("homeward_ingest_clip_bytes", "Bytes of the clips spooled.", registry=registry)
        self._clip_seconds = Counter("homeward_ingest_clip_seconds", "Camera time recorded.", registry=registry)
        self._gap_seconds = Counter(
            "homeward_ingest_gap_seconds", "Camera time without footage, by cause.", ["cause"], registry=registry
        )
        self._recording = Gauge("homeward_ingest_sources_open", "Sources that are read now.", registry=registry)
        self._wanted = Gauge("homeward_ingest_cameras_wanted", "Cameras this replica shall record.", registry=registry)
        self._source_failures = Counter(
            "homeward_ingest_source_failures", "Sources that were lost or could not be opened.", registry=registry
        )
        self._recorder_failures = Counter(
            "homeward_ingest_recorder_failures", "Failures of a recorder that nobody expected.", registry=registry
        )
        self._spool_bytes = Gauge("homeward_ingest_spool_bytes", "Bytes in the spool.", registry=registry)
        self._spool_entries = Gauge(
            "homeward_ingest_spool_entries", "Stretches that wait to be sent.", registry=registry
        )
        self._given_up = Counter(
            "homeward_ingest_clips_given_up", "Clips given up because the spool was full.", registry=registry
        )
        self._sent = Histogram(
            "homeward_ingest_send_seconds",
            "Time to store and announce one stretch.",
            buckets=_SEND_BUCKETS_S,
            registry=registry,
        )
        self._latency = Histogram(
            "homeward_ingest_clip_latency_seconds",
            "Time from the end of a camera's clip, a frame after its last, to the delivery of its event.",
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._send_failures = Counter(
            "homeward_ingest_send_failures", "Attempts to store or announce that failed.", registry=registry
        )

    def fenced(self) -> None:
        """Count a stretch that was let go because another replica tells of its time."""
        self._fenced.inc()

    def told(self, stretch: Stretch) -> None:
        """Count a spooled stretch."""
        seconds = (stretch.ends_at - stretch.starts_at).total_seconds()
        if isinstance(stretch.outcome, Cause):
            self._gap_seconds.labels(stretch.outcome.value).inc(seconds)
            return
        self._clips.inc()
        self._clip_bytes.inc(stretch.outcome.size_bytes)
        self._clip_seconds.inc(seconds)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Count a source as open meanwhile."""
        self._recording.inc()
        try:
            yield
        finally:
            self._recording.dec()

    def wanted(self, cameras: int) -> None:
        """Set how many cameras shall be recorded."""
        self._wanted.set(cameras)

    def source_failed(self) -> None:
        """Count a source that failed."""
        self._source_failures.inc()

    def recorder_failed(self) -> None:
        """Count a failure that nobody expected."""
        self._recorder_failures.inc()

    def spool(self, used_bytes: int, entries: int) -> None:
        """Set what the spool holds."""
        self._spool_bytes.set(used_bytes)
        self._spool_entries.set(entries)

    def given_up(self, stretch: Stretch) -> None:
        """Count a clip for which the spool had no room."""
        self._given_up.inc()
        self._gap_seconds.labels(Cause.SPOOL_OVERFLOW.value).inc((stretch.ends_at - stretch.starts_at).total_seconds())

    def sent(self, seconds: float) -> None:
        """Note how long a stretch took to send."""
        self._sent.observe(seconds)

    def announced(self, seconds: float) -> None:
        """Note how long after its end a camera's clip was announced."""
        self._latency.observe(seconds)

    def send_failed(self) -> None:
        """Count an attempt that failed."""
        self._send_failures.inc()
