"""The backstop: the stores' own expiry, should retention itself ever stand still."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from homeward.retention.expiry import CLIP_LENGTH_MAX, ONE_DAY, Held
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.ports import TopicConfigs
from homeward.shared.clock import Clock
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET
from homeward.shared.objectstore.port import LifecycleRule, ObjectNotFoundError, ObjectStore
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import TOPICS

RELEASES_BUCKET: Final = "releases"

FOOTAGE_DAYS: Final = 31
"""The 30 days of footage and one more: retention deletes first, and certifies."""

_SINGLE: Final[Mapping[str, int]] = MappingProxyType(
    {
        # The longest authorisation, 72 h, and a day for S3, which counts whole days.
        SUBJECTS_BUCKET: 4,
        RELEASES_BUCKET: 14,
    }
)
_BY_DAY: Final = (FOOTAGE_BUCKET, CROPS_BUCKET)

_log = get_logger()


def footage_rules(now: datetime, held: Sequence[Held]) -> Sequence[LifecycleRule]:
    """Return the rules of a bucket of footage.

    One rule for all of it, unless something is held that would come due: the store knows no holds, so then each day
    has a rule of its own but for those with held footage. Days that are not named yet are named by a later sweep.
    """
    first = now - timedelta(days=FOOTAGE_DAYS + 10)
    if not held:
        return [LifecycleRule("backstop", "", FOOTAGE_DAYS)]
    days = [(first + ONE_DAY * offset).date() for offset in range(FOOTAGE_DAYS + 12)]
    kept = {
        day for day in days for hold in held if (hold.starts_at - CLIP_LENGTH_MAX).date() <= day <= hold.ends_at.date()
    }
    return [LifecycleRule(f"backstop-{day}", f"{day}/", FOOTAGE_DAYS) for day in days if day not in kept]


class Backstop:
    """Sets the expiry of buckets and topics."""

    def __init__(self, store: ObjectStore, topics: TopicConfigs, clock: Clock, metrics: RetentionMetrics) -> None:
        self._store = store
        self._topics = topics
        self._clock = clock
        self._metrics = metrics

    def set_topics(self) -> None:
        """Set the topics' retention.

        What the broker will not set is named in the log and does not stop the service: objects matter more.
        """
        unset = self._topics.apply(list(TOPICS.values()))
        self._metrics.topics_unset.set(len(unset))
        for name in unset:
            _log.warning("the broker does not set this topic's retention", topic=name)

    def set_buckets(self, held: Sequence[Held]) -> None:
        """Set the buckets' lifecycle rules. Raises ObjectStoreUnavailableError."""
        for bucket in _BY_DAY:
            self._set(bucket, footage_rules(self._clock.now(), held))
        for bucket, days in _SINGLE.items():
            self._set(bucket, [LifecycleRule("backstop", "", days)])

    def _set(self, bucket: str, rules: Sequence[LifecycleRule]) -> None:
        try:
            if list(self._store.lifecycle(bucket)) != list(rules):
                self._store.set_lifecycle(bucket, rules)
        except ObjectNotFoundError:
            # Not everybody releases footage; the rule comes with the sweep after the bucket does.
            _log.warning("no such bucket, so no lifecycle rule", bucket=bucket)
