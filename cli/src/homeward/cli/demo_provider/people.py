"""The demo's people, whom one signs in as by a click."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who does not exist. `subject` is the provider's id, `groups` are those of the shipped policy."""

    subject: str
    name: str
    groups: tuple[str, ...]
    does: str


PEOPLE: Final = (
    DemoPerson("officer", "Lin Mei-hua", ("homeward-officers",), "An officer on duty: asks for a search"),
    DemoPerson("supervisor", "Chen Kuo-wei", ("homeward-supervisors",), "A supervisor: agrees, narrows or refuses"),
    DemoPerson("commander", "Wu Shu-fen", ("homeward-commanders",), "A commander: agrees to what is wider"),
    DemoPerson("reviewer-1", "Hsu Yi-chun", ("homeward-reviewers",), "A reviewer: is this the person?"),
    DemoPerson("reviewer-2", "Tsai Po-han", ("homeward-reviewers",), "A second reviewer, blind to the first"),
    DemoPerson("auditor", "Yang Li-ting", ("homeward-auditors",), "An auditor: who did what, and no picture"),
    DemoPerson("operator", "Kao Ming-te", ("homeward-operators",), "An operator: cameras, and no request"),
)


def person(subject: str) -> DemoPerson | None:
    """Return the person of an id, None when there is none."""
    return next((one for one in PEOPLE if one.subject == subject), None)
