"""Which partition a key's messages stand in: the rule by which `EventProducer` places them.

It is Java's default partitioner, librdkafka's "murmur2_random", said again so that a reader can go straight to the
partitions of the keys it wants.
"""

from typing import Final

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_ROTATION: Final = 24
_WORD_BYTES: Final = 4
_MASK_32: Final = 0xFFFFFFFF
_MASK_31: Final = 0x7FFFFFFF


def partition_of(key: str, partitions: int) -> int:
    """Return the partition, of 0 to `partitions` - 1, in which every message with `key` stands.

    Raises ValueError for no partition at all.
    """
    if partitions < 1:
        raise ValueError("a topic has at least one partition")
    return (murmur2(key.encode()) & _MASK_31) % partitions


def murmur2(data: bytes) -> int:
    """Return Kafka's MurmurHash2 of `data`, 32 bits, unsigned."""
    whole = len(data) - len(data) % _WORD_BYTES
    state = _SEED ^ len(data)
    for start in range(0, whole, _WORD_BYTES):
        word = int.from_bytes(data[start : start + _WORD_BYTES], "little") * _FACTOR & _MASK_32
        word = (word ^ word >> _ROTATION) * _FACTOR & _MASK_32
        state = state * _FACTOR & _MASK_32 ^ word
    if whole < len(data):
        state = (state ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK_32
    state = (state ^ state >> 13) * _FACTOR & _MASK_32
    return state ^ state >> 15
