"""What a search has found, once each by id and best first."""

from collections.abc import Sequence

from rich.table import Table

from homeward.cli.eventlog import EventLog
from homeward.shared.instants import from_timestamp
from homeward.shared.topics import SIGHTINGS
from homewardapi.sighting.v1.sighting_pb2 import SearchMode, Sighting


def sightings_of(log: EventLog, authorisation_id: str) -> list[Sighting]:
    """Return the sightings of an authorisation, once each by id, best score first."""
    found = {
        event.message.sighting_id: event.message
        for event in log.snapshot(SIGHTINGS)
        if isinstance(event.message, Sighting) and event.message.authorisation_id == authorisation_id
    }
    return sorted(found.values(), key=lambda sighting: (-sighting.score, sighting.sighting_id))


def results_table(sightings: Sequence[Sighting]) -> Table:
    """Return a table of sightings: each is a question for review, not an answer."""
    table = Table(
        "camera",
        "from (UTC)",
        "to",
        "score",
        "one stranger in",
        "likelier the same",
        "face",
        "mode",
        title="To be reviewed, best first",
    )
    for sighting in sightings:
        first, last = from_timestamp(sighting.first_seen_at), from_timestamp(sighting.last_seen_at)
        table.add_row(
            sighting.camera_id,
            first.strftime("%Y-%m-%d %H:%M:%S"),
            last.strftime("%H:%M:%S"),
            f"{sighting.score:.2f}",
            *_worth(sighting),
            f"{sighting.crop.face_width_px:.0f} px",
            SearchMode.Name(sighting.mode).removeprefix("SEARCH_MODE_").lower(),
        )
    return table


def _worth(sighting: Sighting) -> tuple[str, str]:
    """Return what the score is worth, in words for a reviewer: how rare it is among strangers, and how telling."""
    if not sighting.HasField("optional_likelihood_ratio") or not sighting.optional_false_match_rate:
        return "", ""
    ratio = sighting.optional_likelihood_ratio
    return f"{1 / sighting.optional_false_match_rate:,.0f}", f"{ratio:,.0f} times" if ratio >= 1 else "no"
