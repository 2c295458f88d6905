"""Every metric of retention, named and described once."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class RetentionMetrics:
    """The metrics, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.objects_deleted = Counter(
            "homeward_retention_objects_deleted_total",
            "Objects deleted, by the listing after the deletion.",
            ["bucket"],
            registry=registry,
        )
        self.last_sweep_at = Gauge(
            "homeward_retention_last_sweep_timestamp_seconds",
            "When the last whole sweep ended; an alert belongs on its age.",
            registry=registry,
        )
        self.wipes_pending = Gauge(
            "homeward_retention_wipes_pending",
            "Ended authorisations whose photos or templates are not proven gone yet.",
            registry=registry,
        )
        self.failures = Counter(
            "homeward_retention_failures_total",
            "Steps that failed and are tried again, by what was away.",
            ["cause"],
            registry=registry,
        )
        self.topics_unset = Gauge(
            "homeward_retention_topics_unset",
            "Topics whose retention the broker would not set.",
            registry=registry,
        )
