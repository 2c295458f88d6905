"""Every metric of the runtime, named and described once."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_HANDLE_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""From a lookup to a long search task."""


class RuntimeMetrics:
    """What the consumers, the tables and the log readers of one service count.

    Labels are consumer groups, topics and partitions: never a camera, whose number is unbounded, or an event.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._handled = Counter(
            "homeward_events_handled",
            "Events whose effects were delivered; each is counted once its events are acknowledged.",
            ["group", "topic"],
            registry=registry,
        )
        self._retried = Counter(
            "homeward_events_retried",
            "Attempts that ended in a retry, because something was away.",
            ["group", "topic"],
            registry=registry,
        )
        self._dead_lettered = Counter(
            "homeward_events_dead_lettered",
            "Records put in the dead letters.",
            ["group", "topic"],
            registry=registry,
        )
        self._invalid = Counter(
            "homeward_records_passed_over",
            "Records that a table or a replay could not read and passed over.",
            ["topic"],
            registry=registry,
        )
        self._seconds = Histogram(
            "homeward_event_handle_seconds",
            "Time that the handler took for one event, failed attempts included.",
            ["group", "topic"],
            buckets=_HANDLE_BUCKETS_S,
            registry=registry,
        )
        self._in_flight = Gauge(
            "homeward_events_in_flight",
            "Events that a handler has in hand.",
            ["group"],
            registry=registry,
        )
        self._lag = Gauge(
            "homeward_consumer_lag",
            "Records behind the end of the partition, as the last fetch told it.",
            ["group", "topic", "partition"],
            registry=registry,
        )

    def handled(self, group: str, topic: str) -> None:
        """Count an event handled and delivered."""
        self._handled.labels(group, topic).inc()

    def retried(self, group: str, topic: str) -> None:
        """Count an attempt that will be repeated."""
        self._retried.labels(group, topic).inc()

    def dead_lettered(self, group: str, topic: str) -> None:
        """Count a record put in the dead letters."""
        self._dead_lettered.labels(group, topic).inc()

    def passed_over(self, topic: str) -> None:
        """Count a record that a table or a replay could not read."""
        self._invalid.labels(topic).inc()

    def took(self, group: str, topic: str, seconds: float) -> None:
        """Note how long a handler took."""
        self._seconds.labels(group, topic).observe(seconds)

    def in_flight(self, group: str, count: int) -> None:
        """Set how many events are in hand."""
        self._in_flight.labels(group).set(count)

    def lag(self, group: str, topic: str, partition: int, records: int) -> None:
        """Set how far behind a partition's end the group is."""
        self._lag.labels(group, topic, str(partition)).set(records)

    def forget_lag(self, group: str, topic: str, partition: int) -> None:
        """Stop telling the lag of a partition that another member holds now."""
        if (group, topic, str(partition)) in self._lag._metrics:  # noqa: SLF001 - remove() raises for one never told
            self._lag.remove(group, topic, str(partition))
