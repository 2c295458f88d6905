"""Dead letters: what is kept of a message that no retry can mend."""

from datetime import datetime
from typing import Final

from homeward.shared.events import Event, new_event
from homeward.shared.ids import dead_letter_id
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.record import FetchedRecord
from homeward.shared.topics import DEAD_LETTERS
from homewardapi.deadletter.v1.dead_letter_pb2 import DeadLetter, Header

_LONGEST_ERROR: Final = 1000
"""Characters of the error kept: enough for any sentence of ours, too few to carry a picture."""


def dead_letter(record: FetchedRecord, *, group: str, source: str, error: str, now: datetime) -> Event:
    """Return the event that keeps `record`, refused by `group` for the reason `error`.

    Its id is derived from the group and the record's origin, so that refusing it twice gives one dead letter. Bytes
    that are empty are kept as absent, and a header without a name as "(empty)", since an event of ours holds neither.
    """
    topic, partition = record.partition
    letter = DeadLetter(
        dead_letter_id=dead_letter_id(group, topic, partition, record.offset),
        consumer_group=group,
        topic=topic,
        partition=partition,
        offset=record.offset,
        headers=[Header(name=name or "(empty)", optional_value=value or None) for name, value in record.headers],
        error=(error or "no reason was given")[:_LONGEST_ERROR],
        refused_at=to_timestamp(now),
    )
    if record.key:
        letter.optional_key = record.key
    if record.value:
        letter.optional_value = record.value
    event_id = _event_id(record)
    if event_id:
        letter.optional_event_id = event_id
    return new_event(DEAD_LETTERS, letter.dead_letter_id, source, now, letter)


def _event_id(record: FetchedRecord) -> str | None:
    values = [value for name, value in record.headers if name == "ce_id" and value]
    return values[0].decode(errors="replace") if values else None
