"""What is recorded of a look at a search's sightings, and of an answer."""

from homeward.access.people.principal import Principal
from homeward.access.review.ports import ReviewCase
from homeward.shared.audit import Entry
from homewardapi.audit.v1.audit_pb2 import AuditAction


def entry(
    action: AuditAction.ValueType,
    principal: Principal,
    case: ReviewCase,
    code: str | None = None,
    *,
    sighting_id: str | None = None,
    camera_id: str | None = None,
) -> Entry:
    """Return the record of what `principal` is about to do with the sightings of `case`, or with one of them."""
    return Entry(
        action,
        principal.official_id,
        request_id=case.request_id,
        authorisation_id=case.request_id,
        sighting_id=sighting_id,
        camera_id=camera_id,
        purpose=case.purpose.value,
        code=code,
    )
