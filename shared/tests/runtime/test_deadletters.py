from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.events import decode, encode
from homeward.shared.runtime.deadletters import dead_letter
from homeward.shared.runtime.record import FetchedRecord
from homeward.shared.topics import DEAD_LETTERS

_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_BYTES = st.none() | st.binary(max_size=50)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=10) | st.just("ce_id")


@given(
    key=_BYTES,
    value=_BYTES,
    headers=st.lists(st.tuples(_NAMES, _BYTES), max_size=5),
    error=st.text(st.characters(exclude_categories=["Cs"]), max_size=2000),
    partition=st.integers(0, 1000),
    offset=st.integers(0, 2**62),
)
def test_any_record_makes_a_dead_letter_that_holds_it_as_it_came(
    *,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    error: str,
    partition: int,
    offset: int,
) -> None:
    record = FetchedRecord(("homeward.clips.v1", partition), offset, key, value, headers)
    written = encode(dead_letter(record, group="detection", source="homeward/detection", error=error, now=_NOW))
    event = decode(DEAD_LETTERS, written.key, written.value, [*written.headers])
    letter = event.message
    assert isinstance(letter, DEAD_LETTERS.message)
    found = {name.name: getattr(letter, name.name) for name in letter.DESCRIPTOR.fields}
    assert (found["topic"], found["partition"], found["offset"]) == ("homeward.clips.v1", partition, offset)
    assert found["optional_key"] == (key or b"")
    assert found["optional_value"] == (value or b"")
    assert [header.optional_value for header in found["headers"]] == [value or b"" for _, value in headers]
    assert [header.name for header in found["headers"]] == [name or "(empty)" for name, _ in headers]
    assert error.startswith(found["error"]) or not error
    assert event.event_id == found["dead_letter_id"]


def test_refusing_a_record_twice_gives_one_dead_letter_and_another_group_another() -> None:
    record = FetchedRecord(("homeward.clips.v1", 3), 7, b"key", b"value", [("ce_id", b"clip-1")])

    def refused(group: str) -> str:
        return dead_letter(record, group=group, source="homeward/test", error="no", now=_NOW).event_id

    assert refused("detection") == refused("detection")
    assert refused("detection") != refused("retention")
