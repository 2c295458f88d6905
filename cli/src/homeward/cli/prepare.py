"""What must be there before any service starts: topics and buckets."""

from typing import Final

from homeward.shared.objectkeys import AUDIT_BUCKET, CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import TOPICS

BUCKETS: Final = (FOOTAGE_BUCKET, CROPS_BUCKET, SUBJECTS_BUCKET)


def prepare(kafka: KafkaSettings, store: ObjectStore) -> None:
    """Make every topic and bucket that is not there yet; doing it again changes nothing."""
    create_topics(kafka, list(TOPICS.values()))
    make_buckets(store)


def make_buckets(store: ObjectStore) -> None:
    """Make every bucket that is not there yet; raise ObjectStoreError where one is there without its lock."""
    for bucket in BUCKETS:
        store.ensure_bucket(bucket)
    # Checkpoints of the audit log are locked: who rewrites the log cannot rewrite what was signed of it.
    store.ensure_bucket(AUDIT_BUCKET, object_lock=True)
