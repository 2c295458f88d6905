"""What was decided upon, as one canonical text: its digest stands in the audit log."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter

from homeward.access.cases.forms import scope_of
from homeward.access.cases.model import (
    Details,
    IncidentDetails,
    MissingPersonDetails,
    RequestForm,
    SubjectAccessDetails,
)
from homeward.access.cases.scope import Scope
from homeward.shared.authorisation import Purpose
from homeward.shared.instants import format_instant

_DETAILS: Final[Mapping[Purpose, TypeAdapter[Details]]] = {
    Purpose.MISSING_PERSON: TypeAdapter(MissingPersonDetails),
    Purpose.SUBJECT_ACCESS: TypeAdapter(SubjectAccessDetails),
    Purpose.INCIDENT: TypeAdapter(IncidentDetails),
}


def write_details(purpose: Purpose, details: Details) -> str:
    """Return a form's details as JSON."""
    return _DETAILS[purpose].dump_json(details).decode()


def read_details(purpose: Purpose, text: str) -> Details:
    """Return the details that `write_details` wrote."""
    return _DETAILS[purpose].validate_json(text)


def canonical(document: Mapping[str, object]) -> bytes:
    """Return `document` as its one text: names sorted, no space, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(document: Mapping[str, object]) -> str:
    """Return the SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


def request_digest(request_id: str, requester_id: str, form: RequestForm, photos: Sequence[bytes], salt: bytes) -> str:
    """Return the digest of a request.

    The random `salt` is kept with the request: from the digest alone, nobody can try out what the texts may have been.
    """
    return digest(
        {
            "request_id": request_id,
            "requester_id": requester_id,
            "purpose": form.purpose.value,
            "urgent": form.urgent,
            "case_reference": form.case_reference,
            "reason": form.reason,
            "details": json.loads(write_details(form.purpose, form.details)),
            "photos": [hashlib.sha256(photo).hexdigest() for photo in photos],
            "salt": salt.hex(),
            **_scope(scope_of(form)),
        }
    )


def approval_digest(request_digest: str, approver_id: str, reason: str, scope: Scope, salt: bytes) -> str:
    """Return the digest of an approval: of what was asked, and of what was agreed to."""
    return digest(
        {
            "request": request_digest,
            "approver_id": approver_id,
            "reason": reason,
            "salt": salt.hex(),
            **_scope(scope),
        }
    )


def _scope(scope: Scope) -> dict[str, object]:
    return {
        "camera_ids": list(scope.camera_ids),
        "starts_at": format_instant(scope.starts_at),
        "ends_at": None if scope.ends_at is None else format_instant(scope.ends_at),
        "lifetime_s": int(scope.lifetime.total_seconds()),
        "unredacted": scope.unredacted,
    }
