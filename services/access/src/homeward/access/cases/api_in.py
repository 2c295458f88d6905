"""What programs send about requests."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel

from homeward.access.cases.model import (
    NOTE_MAX,
    REASON_MAX,
    REASON_MIN,
    REFERENCE_MAX,
    Approval,
    Basis,
    Details,
    IdentityCheck,
    IncidentDetails,
    MissingPersonDetails,
    Relation,
    RequestForm,
    Risk,
    SubjectAccessDetails,
)
from homeward.access.cases.scope import LIFETIME_MIN
from homeward.access.cases.secrets import TYPED_MAX
from homeward.shared.authorisation import Purpose
from homeward.shared.authorisation.ceilings import CAMERAS_MAX, LIFETIME_MAX, PHOTOS_MAX

CameraId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
CameraIds = Annotated[list[CameraId], Field(min_length=1, max_length=CAMERAS_MAX)]
Reason = Annotated[str, Field(min_length=REASON_MIN, max_length=REASON_MAX)]
Note = Annotated[str, Field(min_length=1, max_length=NOTE_MAX)]
NoteOrNone = Annotated[str, Field(max_length=NOTE_MAX)]
LifetimeS = Annotated[
    int,
    Field(
        ge=int(LIFETIME_MIN.total_seconds()),
        le=int(LIFETIME_MAX.total_seconds()),
        description="Seconds from the approval to the end.",
    ),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PhotoIn(_In):
    """What is known of a photo; the picture is the file at the same place among `photos`."""

    source: Note
    taken_on: date


class _RequestIn(_In):
    case_reference: Annotated[str, Field(min_length=1, max_length=REFERENCE_MAX)]
    reason: Reason
    camera_ids: CameraIds
    lifetime_s: LifetimeS | None = Field(default=None, description="None is the policy's default.")

    def _form(
        self,
        purpose: Purpose,
        details: Details,
        starts_at: AwareDatetime | None,
        ends_at: AwareDatetime | None,
        *,
        urgent: bool = False,
    ) -> RequestForm:
        return RequestForm(
            purpose,
            self.case_reference,
            self.reason,
            tuple(self.camera_ids),
            details,
            starts_at,
            ends_at,
            None if self.lifetime_s is None else timedelta(seconds=self.lifetime_s),
            urgent,
        )


class MissingPersonIn(_RequestIn):
    """A search for somebody missing."""

    purpose: Literal["missing_person"]
    urgent: bool = Field(default=False, description="Whether it may be started on the requester's signature alone.")
    relation: Relation
    basis: Basis
    basis_note: Note
    last_seen_at: AwareDatetime
    last_seen_place: Note
    risk: Risk
    risk_note: NoteOrNone = ""
    starts_at: AwareDatetime | None = Field(default=None, description="None is since the person was last seen.")
    ends_at: AwareDatetime | None = Field(default=None, description="None is live, until the search ends.")
    photos: Annotated[list[PhotoIn], Field(min_length=1, max_length=PHOTOS_MAX)]

    def to_form(self) -> RequestForm:
        """Return the form."""
        details = MissingPersonDetails(
            self.relation,
            self.basis,
            self.basis_note,
            self.last_seen_at,
            self.last_seen_place,
            self.risk,
            self.risk_note,
        )
        return self._form(Purpose.MISSING_PERSON, details, self.starts_at, self.ends_at, urgent=self.urgent)


class SubjectAccessIn(_RequestIn):
    """A request for one's own footage."""

    purpose: Literal["subject_access"]
    identity_check: IdentityCheck
    identity_note: Note
    representative: bool = False
    authority: NoteOrNone = Field(default="", description="By what right a representative asks.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    photos: Annotated[list[PhotoIn], Field(min_length=1, max_length=PHOTOS_MAX)]

    def to_form(self) -> RequestForm:
        """Return the form."""
        details = SubjectAccessDetails(self.identity_check, self.identity_note, self.representative, self.authority)
        return self._form(Purpose.SUBJECT_ACCESS, details, self.starts_at, self.ends_at)


class IncidentIn(_RequestIn):
    """A request for the footage of an incident. It takes no photo and searches no face."""

    purpose: Literal["incident"]
    event: Note
    unredacted: bool = Field(default=False, description="Whether faces are to be shown, which needs a higher rank.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    photos: Annotated[list[PhotoIn], Field(max_length=0)] = []

    def to_form(self) -> RequestForm:
        """Return the form."""
        details = IncidentDetails(self.event, self.unredacted)
        return self._form(Purpose.INCIDENT, details, self.starts_at, self.ends_at)


class RequestIn(RootModel[Annotated[MissingPersonIn | SubjectAccessIn | IncidentIn, Field(discriminator="purpose")]]):
    """A request, of one of the three purposes."""


class ApprovalIn(_In):
    """What an approver agrees to: where a field is left out, as much as was asked."""

    reason: Reason
    camera_ids: CameraIds | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    lifetime_s: LifetimeS | None = None
    redacted: bool = Field(default=False, description="Whether an incident's faces stay covered although asked for.")

    def to_approval(self) -> Approval:
        """Return the approval."""
        return Approval(
            self.reason,
            None if self.camera_ids is None else tuple(self.camera_ids),
            self.starts_at,
            self.ends_at,
            None if self.lifetime_s is None else timedelta(seconds=self.lifetime_s),
            self.redacted,
        )


class RefusalIn(_In):
    """Why not."""

    reason: Reason


class StopIn(_In):
    """Why it ends."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_MAX)]
    found: bool = Field(default=False, description="Whether the person was found.")


class ReceiptIn(_In):
    """Both lines of a receipt."""

    reference: Annotated[str, Field(min_length=1, max_length=TYPED_MAX)]
    secret: Annotated[str, Field(min_length=1, max_length=TYPED_MAX)]
