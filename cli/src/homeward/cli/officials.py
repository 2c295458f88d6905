"""The two demo officials who ask and agree by way of access, as people do in the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from homeward.cli.access_api import AccessApi, Upload
from homeward.cli.context import Context
from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.people import person
from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.stack.folder import DataFolder
from homeward.shared.authorisation import Purpose
from homeward.shared.clock import Clock

ASKS: Final = "officer"
AGREES: Final = "supervisor"
"""The ids at the demo provider of those who do so."""

_ASKED: Final = "Asked for with the command homeward authorise on a demo system"
_AGREED: Final = "Agreed to with the command homeward authorise on a demo system"
_STOPPED: Final = "Stopped with the command homeward authorise"


class NotSearchableError(Exception):
    """The purpose opens no face search."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A search that was opened. `urgent` is True while one signature alone carries it; the receipt is told once."""

    authorisation_id: str
    expires_at: datetime
    urgent: bool
    reference: str
    secret: str


class DemoOfficials:
    """The officer and the supervisor of the demo provider, each with a token of their own.

    They exist beside a demo system alone: the tokens are signed by the key in its data folder.
    """

    def __init__(self, context: Context, clock: Clock) -> None:
        """Raises NoDemoError where the data folder is none of a demo system, KeyFileError for an unusable key."""
        folder = DataFolder(context.keys_folder.parent)
        place = DemoPlace.load(folder)
        issuer = DemoIssuer.load(place, folder.keys)
        self._clock = clock

        def api(subject: str) -> AccessApi:
            who = person(subject)
            if who is None:
                raise LookupError(f"the demo provider knows no {subject}")
            return AccessApi(place.console, lambda: issuer.access_token(who, clock.now()))

        self.officer = api(ASKS)
        self.supervisor = api(AGREES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.officer.close()
        self.supervisor.close()

    def authorise(
        self,
        photos: Sequence[bytes],
        *,
        camera_ids: Sequence[str],
        starts_at: datetime,
        ends_at: datetime | None,
        purpose: Purpose = Purpose.MISSING_PERSON,
        lifetime: timedelta | None = None,
        urgent: bool = False,
    ) -> Opened:
        """Search for the one person in `photos` (JPEG or PNG) on `camera_ids`, in footage of [starts_at, ends_at).

        The officer asks and the supervisor agrees, unless `urgent`: then nobody agrees until `confirm`, and the search
        ends by itself. `ends_at` None is live, to the end. Raises AccessRefusedError with the policy's reason,
        AccessAwayError, and NotSearchableError for an incident.
        """
        if not purpose.searches_faces:
            raise NotSearchableError("an incident opens footage of named cameras, and never a face search")
        now = self._clock.now()
        asked = {
            "purpose": purpose.value,
            "case_reference": "demo",
            "reason": _ASKED,
            "camera_ids": list(camera_ids),
            "starts_at": starts_at.isoformat(),
            **({} if ends_at is None else {"ends_at": ends_at.isoformat()}),
            **({} if lifetime is None else {"lifetime_s": int(lifetime.total_seconds())}),
            **(_missing(starts_at, now, urgent=urgent) if purpose is Purpose.MISSING_PERSON else _SUBJECT_ACCESS),
        }
        uploads = [Upload(photo, "given to the command", now.date().isoformat()) for photo in photos]
        receipt = self.officer.ask(asked, uploads)
        request_id = str(receipt["request_id"])
        if urgent:
            self.officer.start(request_id)
        else:
            self.supervisor.approve(request_id, _AGREED)
        return self._opened(request_id, str(receipt["reference"]), str(receipt["secret"]))

    def confirm(self, authorisation_id: str) -> Opened:
        """Give an urgent search its second signature. Raises AccessRefusedError and AccessAwayError."""
        self.supervisor.approve(authorisation_id, _AGREED)
        return self._opened(authorisation_id, "", "")

    def stop(self, authorisation_id: str) -> None:
        """End a search now: it stops, and its photos and templates are wiped. Raises as `confirm` does."""
        self.officer.stop(authorisation_id, _STOPPED)

    def _opened(self, request_id: str, reference: str, secret: str) -> Opened:
        view = self.officer.request(request_id)
        expires_at = datetime.fromisoformat(str(view["expires_at"]))
        return Opened(request_id, expires_at, view["state"] == "open_urgent", reference, secret)


_SUBJECT_ACCESS: Final = {
    "identity_check": "known_to_staff",
    "identity_note": "A demo system: nobody's identity was checked",
}


def _missing(last_seen_at: datetime, now: datetime, *, urgent: bool) -> dict[str, object]:
    return {
        "urgent": urgent,
        "relation": "institution",
        "basis": "best_interest",
        "basis_note": "A demo system: nobody is missing",
        "last_seen_at": min(last_seen_at, now).isoformat(),
        "last_seen_place": "Before the cameras of the demo",
        "risk": "high" if urgent else "medium",
    }
