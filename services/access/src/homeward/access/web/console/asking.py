"""What each purpose's form says, as a request. Field names are those of the use case's errors."""

from homeward.access.cases.model import (
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
from homeward.access.web.console.drafts import Draft
from homeward.shared.authorisation import Purpose


def request_form(draft: Draft, purpose: Purpose) -> RequestForm:
    """Return what a draft asks for; it counts only while the draft has no errors."""
    details = _details(draft, purpose)
    camera_ids = draft.many("camera_ids")
    return RequestForm(
        purpose=purpose,
        case_reference=draft.text("case_reference"),
        reason=draft.text("reason"),
        camera_ids=camera_ids,
        details=details,
        # Somebody missing is looked for from when they were last seen until the search ends, unless the form says else.
        starts_at=draft.optional_instant("starts_at", required=purpose is not Purpose.MISSING_PERSON),
        ends_at=draft.optional_instant("ends_at", required=purpose is not Purpose.MISSING_PERSON),
        lifetime=draft.optional_hours("lifetime"),
        urgent=draft.ticked("urgent"),
    )


def _details(draft: Draft, purpose: Purpose) -> Details:
    match purpose:
        case Purpose.MISSING_PERSON:
            return MissingPersonDetails(
                relation=draft.one_of("details.relation", Relation),
                basis=draft.one_of("details.basis", Basis),
                basis_note=draft.text("details.basis_note"),
                last_seen_at=draft.instant("details.last_seen_at"),
                last_seen_place=draft.text("details.last_seen_place"),
                risk=draft.one_of("details.risk", Risk),
                risk_note=draft.text("details.risk_note", required=False),
            )
        case Purpose.SUBJECT_ACCESS:
            representative = draft.ticked("details.representative")
            return SubjectAccessDetails(
                identity_check=draft.one_of("details.identity_check", IdentityCheck),
                identity_note=draft.text("details.identity_note"),
                representative=representative,
                authority=draft.text("details.authority", required=representative),
            )
        case Purpose.INCIDENT:
            return IncidentDetails(event=draft.text("details.event"), unredacted=draft.ticked("details.unredacted"))
