"""The caveats of an authorisation: what narrows it, one class each.

A token holds them as a list of JSON objects, each with its `type`. The serialisation is append-only: a type, a field
or the meaning of either is never changed or used again, and a new restriction is a new type. A verifier that meets a
type or a field it does not know denies, so that a token is never wider to an old service than to a new one.

`stands` judges a caveat against the rest of its token, once, when the token is verified; `allows` judges one use.
Both return decisions and raise nothing.
"""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from homeward.shared.authorisation import ceilings
from homeward.shared.authorisation.decisions import Decision, Denial, DenialCode, Success
from homeward.shared.authorisation.ranks import APPROVER_RANK, Purpose, Rank
from homeward.shared.authorisation.uses import ReadCrops, ReadPhoto, Use
from homeward.shared.instants import format_instant, parse_instant, require_aware
from homeward.shared.objectkeys import CAMERA_ID, ClipKey, InvalidKeyError, PhotoKey


def _read_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return require_aware(value)
    if not isinstance(value, str):
        raise ValueError("not a time as text")  # noqa: TRY004 - pydantic turns ValueError alone into its own error
    return parse_instant(value)


Instant = Annotated[datetime, BeforeValidator(_read_instant), PlainSerializer(format_instant)]

# Lower case alone: one official must not pass for two by the spelling of an id.
OfficialId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$")]


class Terms(Protocol):
    """What a caveat may know of the rest of its token."""

    @property
    def authorisation_id(self) -> str:
        """The token's "jti"."""
        ...

    @property
    def issued_at(self) -> datetime:
        """The token's "iat"."""
        ...

    @property
    def expires_at(self) -> datetime:
        """The token's "exp"."""
        ...

    @property
    def purpose(self) -> Purpose:
        """What the purpose caveat says."""
        ...

    @property
    def requester(self) -> str:
        """Who the requester caveat says."""
        ...


class Caveat(BaseModel):
    """One narrowing. The default for both judgements is that nothing stands against it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def stands(self, terms: Terms) -> Decision:
        """Judge the caveat against its token."""
        del terms
        return Success()

    def allows(self, use: Use) -> Decision:
        """Judge one use."""
        del use
        return Success()


class PurposeCaveat(Caveat):
    """Why: an incident never opens a face search, and so neither crops nor photos."""

    type: Literal["purpose"] = "purpose"
    purpose: Purpose

    def allows(self, use: Use) -> Decision:
        """Deny every use of faces to an incident."""
        del use  # every use there is, is one of faces
        if not self.purpose.searches_faces:
            return Denial(DenialCode.PURPOSE, "the purpose of the authorisation never opens a face search")
        return Success()


class CamerasCaveat(Caveat):
    """Where: the cameras, by id."""

    type: Literal["cameras"] = "cameras"
    camera_ids: tuple[str, ...]

    def stands(self, terms: Terms) -> Decision:
        """Deny none, too many, repeated or malformed cameras."""
        del terms
        if not 1 <= len(self.camera_ids) <= ceilings.CAMERAS_MAX:
            return Denial(DenialCode.CAMERAS, f"an authorisation names 1 to {ceilings.CAMERAS_MAX} cameras")
        if len(set(self.camera_ids)) != len(self.camera_ids):
            return Denial(DenialCode.CAMERAS, "a camera is named twice")
        if any(CAMERA_ID.fullmatch(camera) is None for camera in self.camera_ids):
            return Denial(DenialCode.CAMERAS, "a camera's id is malformed")
        return Success()

    def allows(self, use: Use) -> Decision:
        """Deny the crops of every other camera."""
        if not isinstance(use, ReadCrops):
            return Success()
        clip = _crops(use)
        if isinstance(clip, Denial):
            return clip
        if clip.camera_id not in self.camera_ids:
            return Denial(DenialCode.CAMERAS, "the clip's camera is none of the authorisation's")
        return Success()


class WindowCaveat(Caveat):
    """When: footage whose clip begins at `starts_at` or later and before `ends_at`."""

    type: Literal["window"] = "window"
    starts_at: Instant
    ends_at: Instant

    def stands(self, terms: Terms) -> Decision:
        """Deny a window that is empty, too long, or reaches beyond the authorisation's own end."""
        if self.starts_at >= self.ends_at:
            return Denial(DenialCode.WINDOW, "the window ends before it begins")
        if self.ends_at - self.starts_at > ceilings.WINDOW_MAX:
            return Denial(DenialCode.WINDOW, f"the window is longer than {_hours(ceilings.WINDOW_MAX)}")
        if self.ends_at > terms.expires_at:
            return Denial(DenialCode.WINDOW, "the window ends after the authorisation does")
        return Success()

    def allows(self, use: Use) -> Decision:
        """Deny the crops of clips that begin outside the window."""
        if not isinstance(use, ReadCrops):
            return Success()
        clip = _crops(use)
        if isinstance(clip, Denial):
            return clip
        if not self.starts_at <= clip.starts_at < self.ends_at:
            return Denial(DenialCode.WINDOW, "the clip begins outside the authorisation's window")
        return Success()


class SubjectCaveat(Caveat):
    """Who: one subject, by reference photos that stand under this authorisation's own prefix."""

    type: Literal["subject"] = "subject"
    photo_keys: tuple[str, ...]

    def stands(self, terms: Terms) -> Decision:
        """Deny none, too many or repeated photos, and those of another authorisation."""
        if not terms.purpose.searches_faces:
            return Denial(DenialCode.SUBJECT, "an authorisation that opens no face search has no subject")
        if not 1 <= len(self.photo_keys) <= ceilings.PHOTOS_MAX:
            return Denial(
                DenialCode.SUBJECT, f"an authorisation names 1 to {ceilings.PHOTOS_MAX} photos of one subject"
            )
        if len(set(self.photo_keys)) != len(self.photo_keys):
            return Denial(DenialCode.SUBJECT, "a reference photo is named twice")
        for key in self.photo_keys:
            try:
                photo = PhotoKey.parse(key)
            except InvalidKeyError:
                return Denial(DenialCode.SUBJECT, "a reference photo's key is malformed")
            if photo.authorisation_id != terms.authorisation_id:
                return Denial(DenialCode.SUBJECT, "a reference photo belongs to another authorisation")
        return Success()

    def allows(self, use: Use) -> Decision:
        """Deny every other photo."""
        if isinstance(use, ReadPhoto) and use.key not in self.photo_keys:
            return Denial(DenialCode.SUBJECT, "the photo is none of the authorisation's")
        return Success()


class RequesterCaveat(Caveat):
    """On whose request: an official's opaque id."""

    type: Literal["requester"] = "requester"
    official_id: OfficialId
    rank: Rank


class Approval(BaseModel):
    """One approver's signature."""

    model_config = Caveat.model_config

    official_id: OfficialId
    rank: Rank


class ApprovalsCaveat(Caveat):
    """By whose decision: at least one approver who is not the requester and holds the rank."""

    type: Literal["approvals"] = "approvals"
    approvals: tuple[Approval, ...]

    MAX: ClassVar[int] = 5

    def stands(self, terms: Terms) -> Decision:
        """Deny one person alone, one person twice, and too low a rank."""
        if not 1 <= len(self.approvals) <= self.MAX:
            return Denial(DenialCode.APPROVAL, "nobody has approved")
        approvers = [approval.official_id for approval in self.approvals]
        if len(set(approvers)) != len(approvers):
            return Denial(DenialCode.APPROVAL, "one person approves twice")
        if terms.requester in approvers:
            return Denial(DenialCode.APPROVAL, "the requester approves their own request")
        needed = APPROVER_RANK[terms.purpose]
        if not any(approval.rank.reaches(needed) for approval in self.approvals):
            return Denial(DenialCode.APPROVAL, f"no approver holds the rank of {needed}, which the purpose demands")
        return Success()


class UrgentCaveat(Caveat):
    """Instead of an approval: the requester's signature alone, until `deadline`."""

    type: Literal["urgent"] = "urgent"
    deadline: Instant

    def stands(self, terms: Terms) -> Decision:
        """Deny other purposes, a deadline too far away, and a token that outlives it."""
        if terms.purpose is not Purpose.MISSING_PERSON:
            return Denial(DenialCode.APPROVAL, "only a missing person may be looked for on one signature")
        if self.deadline - terms.issued_at > ceilings.URGENT_MAX:
            return Denial(DenialCode.APPROVAL, f"one signature carries no more than {_hours(ceilings.URGENT_MAX)}")
        if terms.expires_at > self.deadline:
            return Denial(DenialCode.APPROVAL, "the authorisation outlives its one signature")
        return Success()


def _crops(use: ReadCrops) -> ClipKey | Denial:
    try:
        key = ClipKey.parse(use.key)
    except InvalidKeyError:
        return Denial(DenialCode.CAMERAS, "the key is none of a clip's crops")
    if key.suffix != "crops":
        return Denial(DenialCode.CAMERAS, "the key is none of a clip's crops")
    return key


def _hours(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 3600)} h"
