"""homeward cameras status, gaps and coverage: what became of cameras' time."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from homeward.cli.camera_status import as_dict as status_as_dict
from homeward.cli.camera_status import latest, seen, status_table
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.coverage import as_dict, cause_name, covered, gap_as_dict, summary
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.registry import cameras_of
from homeward.cli.spans import InvalidTimeError, format_span, format_time, parse_instant, parse_span
from homeward.shared.clock import SystemClock
from homeward.shared.coverage import WindowCoverage
from homeward.shared.runtime.replay import LogReader, LogReadError
from homeward.shared.topics import FOOTAGE_RETENTION

Since = Annotated[str | None, typer.Option("--from", help="Begin of the window, in UTC unless it says otherwise.")]
Until = Annotated[str | None, typer.Option("--until", help="End of the window.", show_default="now")]
Last = Annotated[str | None, typer.Option("--last", help="The last 90min, 24h or 7d.", show_default="24h")]
Lines = Annotated[bool, typer.Option("--json", help="One JSON object a line, for another program.")]

_DEFAULT_LAST = timedelta(hours=24)


def status(
    cameras: Annotated[list[str] | None, typer.Argument(help="Cameras; all of them when none is named.")] = None,
    lines: Lines = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Show how each camera is recorded, and what needs a look."""
    context = load_context(data)
    now = SystemClock().now()
    named = _named(context, cameras)
    with _read_errors():
        found = seen(named, latest(LogReader(context.kafka), now))
    if lines:
        _write(status_as_dict(one, now) for one in found)
    else:
        console.print(status_table(found, now))


def coverage(
    cameras: Annotated[list[str] | None, typer.Argument(help="Cameras; all of them when none is named.")] = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    lines: Lines = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Show how much of a window is footage, from the log alone."""
    context = load_context(data)
    found = _covered(context, _named(context, cameras), since, until, last)
    if lines:
        _write(as_dict(camera_id, one) for camera_id, one in found.items())
        return
    width = max(map(len, found), default=0)
    for camera_id, one in found.items():
        console.print(f"{camera_id:{width}}  {summary(one)}", markup=False, highlight=False)


def gaps(
    camera: Annotated[str, typer.Argument(help="The camera.")],
    since: Since = None,
    until: Until = None,
    last: Last = None,
    lines: Lines = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Show each gap of a camera in a window: its cause, from when to when, and how long."""
    found = _covered(load_context(data), [camera], since, until, last)[camera]
    if lines:
        _write({"camera_id": camera} | gap_as_dict(gap) for gap in found.gaps)
        return
    if found.gaps:
        table = Table("cause", "from (UTC)", "to", "length")
        for gap in found.gaps:
            table.add_row(
                cause_name(gap.cause), format_time(gap.starts_at), format_time(gap.ends_at), format_span(gap.length)
            )
        console.print(table)
    console.print(summary(found), markup=False, highlight=False)


def _named(context: Context, cameras: list[str] | None) -> list[str]:
    return sorted(set(cameras)) if cameras else sorted(cameras_of(EventLog(context.kafka)))


def _covered(
    context: Context, cameras: list[str], since: str | None, until: str | None, last: str | None
) -> dict[str, WindowCoverage]:
    now = SystemClock().now()
    try:
        begins, ends = window(now, since, until, last)
    except InvalidTimeError as error:
        fail(str(error))
    with _read_errors():
        return dict(sorted(covered(LogReader(context.kafka), cameras, (begins, ends), now)))


def window(now: datetime, since: str | None, until: str | None, last: str | None) -> tuple[datetime, datetime]:
    """Return the window that the options say, by default the last 24 h; raise InvalidTimeError."""
    if last is not None and since is not None:
        raise InvalidTimeError("--last and --from each say when the window begins: give one of them")
    ends = min(now, now if until is None else parse_instant(until))
    begins = ends - (_DEFAULT_LAST if last is None else parse_span(last)) if since is None else parse_instant(since)
    if begins >= ends:
        raise InvalidTimeError("the window is empty: it begins at its end, or after it, or in the future")
    if now - begins > FOOTAGE_RETENTION:
        raise InvalidTimeError(f"the log keeps {FOOTAGE_RETENTION.days} days: begin the window later")
    return begins, ends


def _write(objects: Iterable[dict[str, Any]]) -> None:
    for one in objects:
        sys.stdout.write(json.dumps(one) + "\n")


@contextmanager
def _read_errors() -> Iterator[None]:
    try:
        yield
    except LogReadError as error:
        fail(f"Homeward's log cannot be read ({error}); is `homeward up` running?")
