"""Every metric of access, named and described once."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class AccessMetrics:
    """The metrics, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.audit_looked_at = Gauge(
            "homeward_access_audit_looked_timestamp_seconds",
            "When everything in the audit log was last known to be signed; an alert belongs on its age.",
            registry=registry,
        )
        self.audit_failures = Counter(
            "homeward_access_audit_failures_total",
            "Times that the audit log could not be signed, by cause; an alert belongs on `forked`.",
            ["cause"],
            registry=registry,
        )
