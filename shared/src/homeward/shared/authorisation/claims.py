"""What a token says: the registered claims and the caveats, read strictly and judged whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import ValidationError

from homeward.shared.authorisation import ceilings
from homeward.shared.authorisation.caveats import (
    ApprovalsCaveat,
    CamerasCaveat,
    Caveat,
    PurposeCaveat,
    RequesterCaveat,
    SubjectCaveat,
    UrgentCaveat,
    WindowCaveat,
)
from homeward.shared.authorisation.decisions import (
    AuthorisationDeniedError,
    Decision,
    Denial,
    DenialCode,
    Success,
)
from homeward.shared.authorisation.ranks import Purpose

ISSUER: Final = "homeward/access"
AUDIENCE: Final = "homeward"
CLAIMS: Final = ("iss", "aud", "jti", "iat", "nbf", "exp", "caveats")
"""Exactly the claims of a token: one less or one more is denied."""

_TYPES: Final[Mapping[str, type[Caveat]]] = MappingProxyType(
    {
        "purpose": PurposeCaveat,
        "cameras": CamerasCaveat,
        "window": WindowCaveat,
        "subject": SubjectCaveat,
        "requester": RequesterCaveat,
        "approvals": ApprovalsCaveat,
        "urgent": UrgentCaveat,
    }
)
_YEAR_10000_S: Final = 253_402_300_800

C = TypeVar("C", bound=Caveat)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one authorisation. Times are whole seconds in UTC, since a token knows no finer ones."""

    authorisation_id: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime
    caveats: tuple[Caveat, ...]

    @property
    def purpose(self) -> Purpose:
        """What the purpose caveat says; raise AuthorisationDeniedError when there is none."""
        return self.caveat(PurposeCaveat).purpose

    @property
    def requester(self) -> str:
        """Who the requester caveat says; raise AuthorisationDeniedError when there is none."""
        return self.caveat(RequesterCaveat).official_id

    def caveat(self, kind: type[C]) -> C:
        """Return the caveat of one kind; raise AuthorisationDeniedError when there is none."""
        for caveat in self.caveats:
            if isinstance(caveat, kind):
                return caveat
        raise AuthorisationDeniedError(
            Denial(DenialCode.MISSING_CAVEAT, f"the caveat {kind.model_fields['type'].default!r} is missing")
        )

    def judge(self) -> Decision:
        """Return whether the claims, taken together, can make an authorisation at any time at all."""
        for check in (self._judge_times, self._judge_kinds):
            decision = check()
            if not decision:
                return decision
        for caveat in self.caveats:
            decision = caveat.stands(self)
            if not decision:
                return decision
        return Success()

    def _judge_times(self) -> Decision:
        if not _is_canonical_id(self.authorisation_id):
            return Denial(DenialCode.BAD_CLAIM, "the authorisation's id is not a UUID in lower case")
        times = (self.issued_at, self.not_before, self.expires_at)
        if any(time.tzinfo is None or time.microsecond for time in times):
            return Denial(DenialCode.BAD_CLAIM, "a time of the token is not a whole second with a zone")
        if not self.issued_at <= self.not_before < self.expires_at:
            return Denial(DenialCode.BAD_CLAIM, "the token's times are out of order")
        if self.expires_at - self.issued_at > ceilings.LIFETIME_MAX:
            hours = int(ceilings.LIFETIME_MAX.total_seconds() // 3600)
            return Denial(DenialCode.LIFETIME, f"the token lives longer than {hours} h")
        return Success()

    def _judge_kinds(self) -> Decision:
        kinds = [type(caveat) for caveat in self.caveats]
        if len(set(kinds)) != len(kinds):
            # Two of a kind would leave it open which of them holds.
            return Denial(DenialCode.REPEATED_CAVEAT, "a kind of caveat stands twice in the token")
        needed: list[type[Caveat]] = [PurposeCaveat, CamerasCaveat, WindowCaveat, RequesterCaveat]
        if PurposeCaveat in kinds and self.purpose.searches_faces:
            needed.append(SubjectCaveat)
        for kind in needed:
            if kind not in kinds:
                return Denial(DenialCode.MISSING_CAVEAT, f"the caveat {kind.model_fields['type'].default!r} is missing")
        if (ApprovalsCaveat in kinds) == (UrgentCaveat in kinds):
            return Denial(DenialCode.MISSING_CAVEAT, "the token has neither approvals nor urgency, or both")
        return Success()

    def to_payload(self) -> dict[str, Any]:
        """Return the token's payload."""
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "jti": self.authorisation_id,
            "iat": int(self.issued_at.timestamp()),
            "nbf": int(self.not_before.timestamp()),
            "exp": int(self.expires_at.timestamp()),
            "caveats": [caveat.model_dump(mode="json") for caveat in self.caveats],
        }


def read_claims(payload: bytes) -> Claims:
    """Return the claims that `payload`, the signed JSON, holds.

    Raises AuthorisationDeniedError when it is not exactly what `to_payload` writes: a claim too few or too many, one
    that stands twice, a caveat of an unknown type. It does not judge them: that is `Claims.judge`.
    """
    claims = read_object(payload)
    if set(claims) != set(CLAIMS):
        raise AuthorisationDeniedError(Denial(DenialCode.BAD_CLAIM, "the token has a claim too few or too many"))
    if claims["iss"] != ISSUER:
        raise AuthorisationDeniedError(Denial(DenialCode.WRONG_ISSUER, "the token comes from another issuer"))
    if claims["aud"] != AUDIENCE:
        raise AuthorisationDeniedError(Denial(DenialCode.WRONG_AUDIENCE, "the token is meant for somebody else"))
    if not isinstance(claims["jti"], str) or not isinstance(claims["caveats"], list):
        raise AuthorisationDeniedError(Denial(DenialCode.BAD_CLAIM, "a claim has the wrong type"))
    return Claims(
        claims["jti"],
        _read_time(claims["iat"]),
        _read_time(claims["nbf"]),
        _read_time(claims["exp"]),
        tuple(_read_caveat(caveat) for caveat in claims["caveats"]),
    )


def read_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in `data`; raise AuthorisationDeniedError for anything else or a name that stands twice.

    Readers differ in which of two equal names they take, so that one of them could see a wider token.
    """
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise AuthorisationDeniedError(
            Denial(DenialCode.MALFORMED, "a part of the token is not JSON, or a name in it stands twice")
        ) from error
    if not isinstance(value, dict):
        raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "a part of the token is not a JSON object"))
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _read_time(value: object) -> datetime:
    if type(value) is not int or not 0 <= value < _YEAR_10000_S:
        raise AuthorisationDeniedError(Denial(DenialCode.BAD_CLAIM, "a time of the token is not a whole second"))
    return datetime.fromtimestamp(value, UTC)


def _read_caveat(value: object) -> Caveat:
    kind = value.get("type") if isinstance(value, dict) else None
    caveat = _TYPES.get(kind) if isinstance(kind, str) else None
    if caveat is None:
        raise AuthorisationDeniedError(
            Denial(DenialCode.UNKNOWN_CAVEAT, "the token has a caveat that this service does not know")
        )
    try:
        # As JSON, where a strict reader may take a list for a tuple and a text for an enum, and nothing else.
        read = caveat.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise AuthorisationDeniedError(
            Denial(DenialCode.BAD_CAVEAT, f"the caveat {kind!r} has a field too few, too many or malformed")
        ) from error
    return read


def _is_canonical_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
