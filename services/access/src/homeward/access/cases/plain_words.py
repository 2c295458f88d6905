"""What a request means, in sentences for whoever decides upon it."""

from homeward.access.cases.model import (
    Details,
    IncidentDetails,
    MissingPersonDetails,
    RequestState,
    SubjectAccessDetails,
)
from homeward.access.cases.opening import in_force
from homeward.access.cases.tables import CaseRow
from homeward.access.sentence import Sentence
from homeward.shared.authorisation import Purpose

_WHAT = {
    Purpose.MISSING_PERSON: Sentence("Look for the face of one missing person, and of nobody else."),
    Purpose.SUBJECT_ACCESS: Sentence(
        "Look for the face of the one person who asks for their own footage, and of nobody else."
    ),
    Purpose.INCIDENT: Sentence("Open footage of named cameras and times. No face is searched for."),
}


def summary(case: CaseRow, details: Details | None) -> tuple[Sentence, ...]:
    """Return what a request opens, why, and until when."""
    said = [_WHAT[Purpose(case.purpose)], *_where(case), *_lasts(case)]
    if details is not None:
        said += _rests_on(details)
    return tuple(said)


def _where(case: CaseRow) -> list[Sentence]:
    scope = in_force(case)
    values = {"cameras": len(scope.camera_ids), "starts_at": scope.starts_at, "ends_at": scope.ends_at}
    if scope.ends_at is None:
        values.pop("ends_at")
        return [
            Sentence("On {cameras} cameras, in recordings since {starts_at} and live until the search ends.", values)
        ]
    return [Sentence("On {cameras} cameras, in footage from {starts_at} to {ends_at}.", values)]


def _lasts(case: CaseRow) -> list[Sentence]:
    match RequestState(case.state):
        case RequestState.SUBMITTED:
            return [
                Sentence(
                    "If it is approved, it ends by itself after {lifetime}; undecided, it ends at {decide_by}.",
                    {"lifetime": in_force(case).lifetime, "decide_by": case.decide_by},
                )
            ]
        case RequestState.OPEN_URGENT:
            return [
                Sentence(
                    "It runs on one signature: without a second one it stops at {deadline} and everything is wiped.",
                    {"deadline": case.urgent_deadline},
                )
            ]
        case RequestState.OPEN:
            return [Sentence("It runs, and ends by itself at {expires_at}.", {"expires_at": case.expires_at})]
        case _:
            return [Sentence("It ended at {ended_at}.", {"ended_at": case.ended_at})]


def _rests_on(details: Details) -> list[Sentence]:
    match details:
        case MissingPersonDetails():
            values = {"place": details.last_seen_place, "last_seen_at": details.last_seen_at}
            return [Sentence("The person was last seen at {last_seen_at}: {place}.", values)]
        case SubjectAccessDetails() if details.representative:
            return [
                Sentence("A representative asks, by this authority: {authority}.", {"authority": details.authority})
            ]
        case SubjectAccessDetails():
            return [Sentence("The person asks in their own name.")]
        case IncidentDetails():
            shown, covered = Sentence("Faces would be shown."), Sentence("Every face is covered.")
            about = Sentence("It is about: {event}.", {"event": details.event})
            return [about, shown if details.unredacted else covered]
