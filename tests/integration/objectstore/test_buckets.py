from datetime import timedelta

import pytest

from homeward.cli.prepare import make_buckets
from homeward.shared.objectkeys import AUDIT_BUCKET
from homeward.shared.objectstore.port import ObjectLockedError
from support.object_stores import Subject


def test_what_is_signed_of_the_audit_log_cannot_be_deleted(subject: Subject) -> None:
    make_buckets(subject.store)
    make_buckets(subject.store)
    key = "2026-11-23/checkpoint.json"
    subject.store.put(AUDIT_BUCKET, key, b"{}", retain_until=subject.clock.now() + timedelta(minutes=1))
    with pytest.raises(ObjectLockedError):
        subject.store.delete(AUDIT_BUCKET, key)
    assert subject.store.get(AUDIT_BUCKET, key) == b"{}"
