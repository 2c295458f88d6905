"""What each purpose's form must say, judged by the policy. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from homeward.access.cases.model import (
    NOTE_MAX,
    REASON_MAX,
    REASON_MIN,
    REFERENCE_MAX,
    Details,
    IncidentDetails,
    MissingPersonDetails,
    PhotoUpload,
    RequestForm,
    SubjectAccessDetails,
)
from homeward.access.cases.policy import Policy, PurposePolicy
from homeward.access.cases.scope import LIFETIME_MIN, Scope
from homeward.access.cases.texts import clean
from homeward.access.errors import InvalidError
from homeward.access.sentence import Sentence
from homeward.shared.authorisation import Purpose
from homeward.shared.authorisation.ceilings import PHOTOS_MAX
from homeward.shared.instants import require_aware
from homeward.shared.objectkeys import CAMERA_ID
from homeward.shared.topics import FOOTAGE_RETENTION

_CLOCKS_APART: Final = timedelta(minutes=5)
"""How far a form's clock may run ahead of ours."""

_DETAILS: Final = {
    Purpose.MISSING_PERSON: MissingPersonDetails,
    Purpose.SUBJECT_ACCESS: SubjectAccessDetails,
    Purpose.INCIDENT: IncidentDetails,
}


def check_form(form: RequestForm, photos: Sequence[PhotoUpload], policy: Policy, now: datetime) -> RequestForm:
    """Return `form` with its texts cleaned, its times in UTC and its defaults filled in, `ends_at` None aside.

    Raises InvalidError, which names the field, for what is missing, malformed or more than the policy gives.
    """
    part = policy.of(form.purpose)
    if not isinstance(form.details, _DETAILS[form.purpose]):
        raise InvalidError("details", "the details are those of another purpose", "details")
    if form.urgent and not part.urgent:
        raise InvalidError("urgent", "this purpose never begins on one signature", "urgent")
    _check_photos(form.purpose, photos, now)
    form = replace(
        form,
        case_reference=clean(form.case_reference, "case_reference", least=1, most=REFERENCE_MAX),
        reason=clean(form.reason, "reason", least=REASON_MIN, most=REASON_MAX, lines=True),
        camera_ids=_cameras(form.camera_ids, part),
        details=_details(form.details, now),
    )
    return _with_window(form, part, now)


def scope_of(form: RequestForm) -> Scope:
    """Return how much a checked form asks for."""
    if form.starts_at is None or form.lifetime is None:
        raise ValueError("the form was not checked")
    unredacted = isinstance(form.details, IncidentDetails) and form.details.unredacted
    return Scope(form.camera_ids, form.starts_at, form.ends_at, form.lifetime, unredacted)


def _with_window(form: RequestForm, part: PurposePolicy, now: datetime) -> RequestForm:
    lifetime = part.default_lifetime if form.lifetime is None else form.lifetime
    if not LIFETIME_MIN <= lifetime <= part.max_lifetime:
        raise InvalidError(
            "lifetime",
            Sentence("it may last from 5 minutes to {hours} hours", {"hours": part.max_lifetime_h}),
            "lifetime",
        )
    starts_at, ends_at = _start(form, part, now), None if form.ends_at is None else _aware(form.ends_at, "ends_at")
    if starts_at > now:
        raise InvalidError("window", "the window begins in the future", "starts_at")
    if ends_at is None and form.purpose is not Purpose.MISSING_PERSON:
        raise InvalidError("window", "say when the footage ends", "ends_at")
    latest = now + (lifetime if form.purpose is Purpose.MISSING_PERSON else _CLOCKS_APART)
    if ends_at is not None and ends_at > latest:
        raise InvalidError("window", "the window ends after the search, or in the future", "ends_at")
    if ends_at is not None and ends_at <= starts_at:
        raise InvalidError("window", "the window ends before it begins", "ends_at")
    if ends_at is not None and ends_at <= now - FOOTAGE_RETENTION:
        raise InvalidError(
            "gone", Sentence("footage is kept for {days} days: it is gone", {"days": FOOTAGE_RETENTION.days}), "ends_at"
        )
    made = replace(form, starts_at=starts_at, ends_at=ends_at, lifetime=lifetime)
    if scope_of(made).span(now) > part.max_window:
        raise InvalidError(
            "window", Sentence("the window is longer than {hours} hours", {"hours": part.max_window_h}), "starts_at"
        )
    return made


def _start(form: RequestForm, part: PurposePolicy, now: datetime) -> datetime:
    if form.starts_at is not None:
        return _aware(form.starts_at, "starts_at")
    if not isinstance(form.details, MissingPersonDetails):
        raise InvalidError("window", "say when the footage begins", "starts_at")
    return min(now, max(form.details.last_seen_at, now - part.default_window))


def _cameras(camera_ids: Sequence[str], part: PurposePolicy) -> tuple[str, ...]:
    if not camera_ids:
        raise InvalidError("cameras", "choose one camera at least", "camera_ids")
    if len(camera_ids) > part.max_cameras:
        raise InvalidError(
            "cameras", Sentence("choose {most} cameras at the most", {"most": part.max_cameras}), "camera_ids"
        )
    if any(CAMERA_ID.fullmatch(camera) is None for camera in camera_ids):
        raise InvalidError("cameras", "a camera's id is malformed", "camera_ids")
    return tuple(dict.fromkeys(camera_ids))


def _check_photos(purpose: Purpose, photos: Sequence[PhotoUpload], now: datetime) -> None:
    if not purpose.searches_faces:
        if photos:
            raise InvalidError("no_photo", "a request for an incident takes no photo and searches no face", "photos")
        return
    if not photos:
        raise InvalidError("photos", "add a photo of the person", "photos")
    if len(photos) > PHOTOS_MAX:
        raise InvalidError(
            "photos", Sentence("add {most} photos at the most, all of one person", {"most": PHOTOS_MAX}), "photos"
        )
    for index, photo in enumerate(photos):
        clean(photo.source, f"photos.{index}.source", least=1, most=NOTE_MAX)
        # The day of whoever took it may have begun before ours.
        if photo.taken_on > (now + timedelta(days=1)).date():
            raise InvalidError("taken_on", "the photo's date lies in the future", f"photos.{index}.taken_on")


def _details(details: Details, now: datetime) -> Details:
    match details:
        case MissingPersonDetails():
            last_seen_at = _aware(details.last_seen_at, "details.last_seen_at")
            if last_seen_at > now + _CLOCKS_APART:
                raise InvalidError("last_seen", "the person was last seen in the future", "details.last_seen_at")
            return replace(
                details,
                basis_note=_note(details.basis_note, "details.basis_note"),
                last_seen_at=last_seen_at,
                last_seen_place=_note(details.last_seen_place, "details.last_seen_place"),
                risk_note=_note(details.risk_note, "details.risk_note", least=0),
            )
        case SubjectAccessDetails():
            if not details.representative and details.authority.strip():
                raise InvalidError("authority", "only a representative has an authority", "details.authority")
            return replace(
                details,
                identity_note=_note(details.identity_note, "details.identity_note"),
                authority=_note(details.authority, "details.authority", least=1 if details.representative else 0),
            )
        case IncidentDetails():
            return replace(details, event=_note(details.event, "details.event"))


def _note(text: str, field: str, *, least: int = 1) -> str:
    return clean(text, field, least=least, most=NOTE_MAX, lines=True)


def _aware(instant: datetime, field: str) -> datetime:
    try:
        return require_aware(instant)
    except (ValueError, OverflowError):
        raise InvalidError("time", "the time needs a zone", field) from None
