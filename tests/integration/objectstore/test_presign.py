from datetime import timedelta

import pytest

from support.object_stores import Subject

KEY = "2026-11-23/cam-1/a clip+é.mp4"


def test_a_url_reads_one_object_without_a_key(subject: Subject, bucket: str) -> None:
    subject.store.put(bucket, KEY, b"footage")
    assert subject.fetch(subject.store.presign_get(bucket, KEY, timedelta(minutes=5))) == b"footage"


def test_a_url_runs_out(subject: Subject, bucket: str) -> None:
    subject.store.put(bucket, KEY, b"footage")
    url = subject.store.presign_get(bucket, KEY, timedelta(seconds=1))
    subject.pass_time(2.5)
    with pytest.raises(PermissionError):
        subject.fetch(url)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=7, seconds=1)])
def test_a_url_lives_a_second_to_a_week(subject: Subject, bucket: str, lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="7 days"):
        subject.store.presign_get(bucket, KEY, lifetime)
