"""Recorded records of every topic: what downstream systems have in their logs and must be able to read for years."""

import base64
import json
from pathlib import Path
from typing import Final

from homeward.shared.events import Record
from homeward.shared.topics import TOPICS, Topic

FOLDER: Final = Path(__file__).parent.parent / "contract" / "recorded"


def load(topic: Topic) -> Record:
    """Return the record of `topic` as it was recorded."""
    data = json.loads((FOLDER / f"{topic.name}.json").read_text())
    return Record(
        base64.b64decode(data["key"]),
        base64.b64decode(data["value"]),
        [(name, value.encode()) for name, value in data["headers"].items()],
    )


def save(topic: Topic, record: Record) -> None:
    """Record `record`, once, when a topic is new: an old recording is a promise and is never made anew."""
    path = FOLDER / f"{topic.name}.json"
    if path.exists() or topic.name not in TOPICS:
        raise FileExistsError(f"{path.name} is recorded already, or its topic is none of ours")
    data = {
        "headers": {name: value.decode() for name, value in record.headers},
        "key": base64.b64encode(record.key).decode(),
        "value": base64.b64encode(record.value or b"").decode(),
    }
    path.write_text(json.dumps(data, indent=2) + "\n")
