"""homeward status: is everything at work, and what does it hold."""

from collections import Counter

import grpc
from rich.table import Table

from homeward.cli.console import console
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.stack.stack import readiness
from homeward.shared.settings import PeerTlsError
from homeward.shared.topics import AUTHORISATIONS, CAMERAS, CLIPS, DEAD_LETTERS, SIGHTINGS
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_OPEN, Authorisation
from homewardapi.clip.v1.clip_pb2 import Clip
from homewardapi.matching.v1.matching_service_pb2 import CountTemplatesRequest
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub


def status(data: DataFolder = DEFAULT_DATA_FOLDER) -> None:
    """Show whether each service is ready, and what is recorded, searched and at rest."""
    context = load_context(data)
    services = Table("service", "state")
    for service, port in context.operations_ports.items():
        parts = readiness(port)
        services.add_row(service, "[red]not ready[/]" if parts is None else "[green]ready[/]")
    console.print(services)
    log = EventLog(context.kafka)
    # A repeated event has the same id: it is counted once. Of a gap and the footage that filled it, footage holds.
    clips: dict[str, str | None] = {}
    for event in log.snapshot(CLIPS):
        if clips.get(event.event_id) != "stored":
            clips[event.event_id] = clip_outcome(event.message)
    outcomes = Counter(clips.values())
    open_searches = [
        event
        for event in log.state(AUTHORISATIONS).values()
        if isinstance(event.message, Authorisation) and event.message.state == AUTHORISATION_STATE_OPEN
    ]
    figures = Table("what", "count")
    figures.add_row("cameras", str(len(log.state(CAMERAS))))
    figures.add_row("clips stored", str(outcomes["stored"]))
    figures.add_row("gaps", str(outcomes["gap"]))
    figures.add_row("open authorisations", str(len(open_searches)))
    figures.add_row("sightings", str(len({event.event_id for event in log.snapshot(SIGHTINGS)})))
    figures.add_row("templates at rest", templates_at_rest(context))
    figures.add_row("dead letters", str(len({event.event_id for event in log.snapshot(DEAD_LETTERS)})))
    console.print(figures)


def clip_outcome(message: object) -> str | None:
    """Return "stored" or "gap"."""
    return message.WhichOneof("outcome") if isinstance(message, Clip) else None


def templates_at_rest(context: Context) -> str:
    """Return how many templates matching keeps, or why that is not known."""
    try:
        with context.matching() as channel:
            counted = MatchingServiceStub(channel).CountTemplates(CountTemplatesRequest(), timeout=5)
    except (grpc.RpcError, PeerTlsError):
        return "unknown: matching does not answer"
    return f"{counted.templates} of {counted.subjects} authorised searches"
