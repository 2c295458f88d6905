"""homeward search: how a search stands."""

import threading
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.progress import SearchProgress, Tally
from homeward.cli.results import results_table, sightings_of
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event
from homeward.shared.topics import AUTHORISATIONS, SEARCH_TASKS, SIGHTINGS
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_CLOSED, Authorisation
from homewardapi.sighting.v1.sighting_pb2 import Sighting

_SILENT_TURNS: Final = 10
"""Looks at the log, 0.2 s each, in which nothing comes: whatever the search had told before it was closed is read."""


def search(
    authorisation_id: Annotated[
        str, typer.Argument(help="The authorisation, as `homeward authorise start` printed it.")
    ],
    live: Annotated[bool, typer.Option("--live", help="Go on with what the cameras see from now on.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the recordings.")] = 3600.0,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Follow the search of an authorisation: progress over the recordings, then what was found, best first."""
    context = load_context(data)
    if authorisation_id not in EventLog(context.kafka).state(AUTHORISATIONS):
        fail(f"there is no authorisation {authorisation_id}; `homeward authorise start` makes one and prints its id")
    progress, closed = follow_archive(context, authorisation_id, timedelta(seconds=timeout_s))
    if progress.refusal is not None:
        fail(f"the search cannot start: {progress.refusal}")
    if not progress.finished and not closed:
        fail("the search over the recordings has not ended in time; call again to go on watching it")
    console.print(summary(progress.recordings))
    found = sightings_of(EventLog(context.kafka), authorisation_id)
    console.print(results_table(found) if found else "Nothing to review.")
    if not progress.finished:
        fail("the authorisation was closed before all recordings were searched")
    if live:
        _follow_live(context, authorisation_id)


def follow_archive(context: Context, authorisation_id: str, timeout: timedelta) -> tuple[SearchProgress, bool]:
    """Show the progress of the search over recordings until it ends, is closed, or `timeout` is over.

    Returns how it stands, and whether its authorisation is closed: then nobody works on it any more.
    """
    clock = SystemClock()
    until = clock.monotonic() + timeout.total_seconds()
    stop = threading.Event()
    state = SearchProgress()
    closed, silent = False, 0
    with Progress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("planning", total=None, figures="")
        for event in EventLog(context.kafka).follow([AUTHORISATIONS, SEARCH_TASKS], stop, from_start=True):
            silent = silent + 1 if event is None else 0
            if event is not None and event.topic == AUTHORISATIONS:
                closed = _is_closed(event) if event.key == authorisation_id else closed
            elif event is not None:
                state = state.after(event, authorisation_id)
                bar.update(
                    task,
                    description="searching recordings",
                    total=state.tasks,
                    completed=len(state.completed),
                    figures=_figures(state.recordings),
                )
            if state.finished or clock.monotonic() > until or (closed and silent >= _SILENT_TURNS):
                stop.set()
    return state, closed


def _is_closed(event: Event) -> bool:
    return not isinstance(event.message, Authorisation) or event.message.state == AUTHORISATION_STATE_CLOSED


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.2f}"


def _figures(tally: Tally) -> str:
    hours = _hours(tally.camera_time)
    return f"{hours} camera-hours, {tally.faces_compared} faces compared, {tally.candidates} candidates"


def summary(tally: Tally) -> str:
    """Return what was searched and what could not be: "not found" must never be read as "not there"."""
    text = f"Searched {_figures(tally)}; {tally.expected_false_candidates:.1f} strangers are expected among these."
    if tally.faces_too_poor:
        text += f" {tally.faces_too_poor} faces were seen and were too poor to compare."
    if tally.faces_unreadable:
        text += f" Of {tally.faces_unreadable} faces no picture could be read."
    if tally.clips_unreadable:
        text += f" {tally.clips_unreadable} clips could not be read in whole."
    return text


def _follow_live(context: Context, authorisation_id: str) -> None:
    console.print("Watching the cameras; Ctrl-C ends the watching, not the search.")
    state = SearchProgress()
    try:
        for event in EventLog(context.kafka).follow([SIGHTINGS, SEARCH_TASKS], threading.Event(), from_start=False):
            if event is None:
                continue
            state = state.after(event, authorisation_id)
            sighting = event.message
            if isinstance(sighting, Sighting) and sighting.authorisation_id == authorisation_id:
                console.print(results_table([sighting]))
    except KeyboardInterrupt:
        console.print(f"Of the clips with faces since the watching began: {summary(state.cameras)}")
