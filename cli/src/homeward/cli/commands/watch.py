"""homeward watch: events as they come."""

import json
import sys
import threading
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict

from homeward.cli.console import console, fail
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.shared.events import Event
from homeward.shared.instants import format_instant
from homeward.shared.topics import TOPICS, Topic

_SHORT = {name.removeprefix("homeward.").removesuffix(".v1"): topic for name, topic in TOPICS.items()}


_WITHHELD = "(withheld)"


def watch(
    topics: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(_SHORT)}; all of them when none is named.")
    ] = None,
    lines: Annotated[bool, typer.Option("--json", help="One JSON object a line, for another program.")] = False,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with what is in the log already.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Show events as they come, until Ctrl-C. No event holds a name, a photo, a template or a picture."""
    chosen = [_topic(name) for name in topics or _SHORT]
    log = EventLog(load_context(data).kafka)
    try:
        for event in log.follow(chosen, threading.Event(), from_start=from_start):
            if event is not None:
                _show(event, lines=lines)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # The reader of a pipe has seen enough.
        sys.stderr.close()


def _topic(name: str) -> Topic:
    topic = TOPICS.get(name) or _SHORT.get(name)
    if topic is None:
        fail(f"there is no topic {name}; choose from {', '.join(_SHORT)}")
    return topic


def as_dict(event: Event) -> dict[str, Any]:
    """Return the event as JSON-serialisable data; the token of an authorisation, which opens a search, is left out."""
    data = None
    if event.message is not None:
        data = MessageToDict(event.message, preserving_proto_field_name=True)
        if "optional_token" in data:
            data["optional_token"] = _WITHHELD
    return {
        "topic": event.topic.name,
        "id": event.event_id,
        "time": event.time.isoformat(),
        "source": event.source,
        "key": event.key,
        "data": data,
    }


def _show(event: Event, *, lines: bool) -> None:
    if lines:
        sys.stdout.write(json.dumps(as_dict(event)) + "\n")
        sys.stdout.flush()
        return
    shown = as_dict(event)["data"]
    text = "removed" if shown is None else json.dumps(shown)
    width = max(40, console.width - 60)
    short = text if len(text) <= width else text[: width - 1] + "…"
    topic = event.topic.name.removeprefix("homeward.").removesuffix(".v1")
    console.print(f"{format_instant(event.time)[:15]} {topic:14} {event.key[:18]:18} {short}", markup=False)
