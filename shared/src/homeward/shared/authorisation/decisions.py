"""Decisions as data: yes, or no with a code for programs and a reason for people."""

from dataclasses import dataclass
from enum import StrEnum


class DenialCode(StrEnum):
    """Why something is denied. Codes are only ever added: they stand in audit records."""

    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    BAD_CLAIM = "bad_claim"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    LIFETIME = "lifetime"
    UNKNOWN_CAVEAT = "unknown_caveat"
    BAD_CAVEAT = "bad_caveat"
    REPEATED_CAVEAT = "repeated_caveat"
    MISSING_CAVEAT = "missing_caveat"
    PURPOSE = "purpose"
    CAMERAS = "cameras"
    WINDOW = "window"
    SUBJECT = "subject"
    REQUESTER = "requester"
    APPROVAL = "approval"
    LIVE_SEARCHES = "live_searches"


@dataclass(frozen=True, slots=True)
class Success:
    """Nothing stands against it."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Denial:
    """It may not be; `reason` is a sentence that names no person and repeats no value of the token."""

    code: DenialCode
    reason: str

    def __bool__(self) -> bool:
        return False


Decision = Success | Denial


class AuthorisationDeniedError(Exception):
    """The authorisation does not open what was asked; `denial` says why."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(f"{denial.code}: {denial.reason}")
        self.denial = denial


def require(decision: Decision) -> None:
    """Return when `decision` is a success; raise AuthorisationDeniedError otherwise."""
    if isinstance(decision, Denial):
        raise AuthorisationDeniedError(decision)
