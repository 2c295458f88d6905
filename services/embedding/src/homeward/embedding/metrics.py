"""Every metric of embedding."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_EMBED_BUCKETS_S = (0.002, 0.004, 0.006, 0.008, 0.012, 0.02, 0.05, 0.1, 0.5, 2)
"""From one face on a fast core to a full batch on a busy one."""


class EmbeddingMetrics:
    """What the service counts. Nothing here tells one authorisation, camera or face from another."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._templates = Counter("homeward_embedding_templates", "Templates answered.", ["kind"], registry=registry)
        self._refusals = Counter(
            "homeward_embedding_refusals", "References answered with a refusal.", ["kind", "reason"], registry=registry
        )
        self._denied = Counter(
            "homeward_embedding_streams_denied", "Streams refused at their opening.", ["code"], registry=registry
        )
        self._streams = Gauge("homeward_embedding_streams", "Streams that are open.", registry=registry)
        self._batch = Histogram(
            "homeward_embedding_batch_faces",
            "Faces that went through an engine together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self._seconds = Histogram(
            "homeward_embedding_batch_seconds",
            "Time that an engine took for one batch.",
            buckets=_EMBED_BUCKETS_S,
            registry=registry,
        )

    def template(self, kind: str) -> None:
        """Count a template of a "crop" or a "photo"."""
        self._templates.labels(kind).inc()

    def refusal(self, kind: str, reason: str) -> None:
        """Count a refusal of a "crop" or a "photo"."""
        self._refusals.labels(kind, reason).inc()

    def denied(self, code: str) -> None:
        """Count a stream that was refused at its opening."""
        self._denied.labels(code).inc()

    def opened(self) -> None:
        """Count a stream that was opened."""
        self._streams.inc()

    def closed(self) -> None:
        """Count a stream that has ended."""
        self._streams.dec()

    def embedded(self, faces: int, seconds: float) -> None:
        """Note one batch."""
        self._batch.observe(faces)
        self._seconds.observe(seconds)
