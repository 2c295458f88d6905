"""Instants as text and as Protobuf time stamps: UTC, to the microsecond, and never by guess."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_COMPACT = "%Y%m%dT%H%M%S.%fZ"


def require_aware(instant: datetime) -> datetime:
    """Return `instant` in UTC; raise ValueError when it carries no zone, since a naive time is a guess."""
    if instant.tzinfo is None:
        raise ValueError(f"the time {instant.isoformat()} has no zone; give it in UTC")
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Return `instant` as compact ISO 8601 in UTC, to the microsecond: 20261123T205000.000000Z."""
    return require_aware(instant).strftime(_COMPACT)


def parse_instant(text: str) -> datetime:
    """Return the instant that `format_instant` wrote; raise ValueError for anything else."""
    return datetime.strptime(text, _COMPACT).replace(tzinfo=UTC)


def to_timestamp(instant: datetime) -> Timestamp:
    """Return `instant` as a Protobuf time stamp, to the microsecond."""
    timestamp = Timestamp()
    timestamp.FromDatetime(require_aware(instant))
    return timestamp


def from_timestamp(timestamp: Timestamp) -> datetime:
    """Return a Protobuf time stamp as an aware time in UTC, nanoseconds cut to microseconds."""
    return timestamp.ToDatetime(tzinfo=UTC)


def to_duration(span: timedelta) -> Duration:
    """Return `span` as a Protobuf duration."""
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def from_duration(duration: Duration) -> timedelta:
    """Return a Protobuf duration as a time span."""
    return duration.ToTimedelta()
