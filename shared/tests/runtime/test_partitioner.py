"""Kafka's own examples (UtilsTest.testMurmur2), and the rule's bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.runtime.partitioner import murmur2, partition_of


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_agrees_with_kafka(text: str, hashed: int) -> None:
    assert murmur2(text.encode()) == hashed % 2**32


@given(st.text(), st.integers(1, 100))
def test_a_key_always_stands_in_one_partition_that_exists(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
    assert partition_of(key, partitions) == partition_of(key, partitions)


def test_a_topic_without_partitions_has_none_to_name() -> None:
    with pytest.raises(ValueError, match="at least one"):
        partition_of("gate", 0)
