"""Where the console leads to, and whom each place is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from homeward.access.people.principal import Principal, Role


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. `label` is a text of the catalogues, `icon` a name in `parts/icons.html`.

    An entry shows a place to whoever holds one of `roles`; the place's own route is what keeps others out.
    """

    path: str
    label: str
    icon: str
    roles: frozenset[Role]


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


PLACES: Final[Sequence[Place]] = (
    Place("/", _("Home"), "home", frozenset(Role)),
    Place("/ask", _("New request"), "plus", frozenset({Role.REQUESTER})),
    Place("/requests", _("Requests"), "tray", frozenset({Role.REQUESTER, Role.APPROVER})),
    Place("/review", _("Review sightings"), "eye", frozenset({Role.REVIEWER})),
    Place("/cameras", _("Cameras"), "camera", frozenset(Role) - {Role.AUDITOR}),
    Place("/audit", _("Audit log"), "ledger", frozenset({Role.AUDITOR})),
    Place("/policy", _("Policy"), "scales", frozenset(Role)),
)


def places_of(principal: Principal) -> list[Place]:
    """Return what is shown to somebody, in order."""
    return [place for place in PLACES if place.roles & principal.roles]


def current(path: str, places: Sequence[Place]) -> str:
    """Return the path of the place that `path` lies in; the empty string for none."""
    inside = [place.path for place in places if path == place.path or path.startswith(place.path.rstrip("/") + "/")]
    deeper = [place for place in inside if place != "/"]
    if deeper:
        return max(deeper, key=len)
    return "/" if path == "/" else ""
