"""Which authorisation may be issued, from a request and the approvals it has. Pure: no clock, no key, no store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from homeward.shared.authorisation import ceilings
from homeward.shared.authorisation.caveats import (
    Approval,
    ApprovalsCaveat,
    CamerasCaveat,
    Caveat,
    PurposeCaveat,
    RequesterCaveat,
    SubjectCaveat,
    UrgentCaveat,
    WindowCaveat,
)
from homeward.shared.authorisation.claims import Claims
from homeward.shared.authorisation.decisions import Denial, DenialCode
from homeward.shared.authorisation.ranks import Purpose, Rank
from homeward.shared.instants import require_aware


@dataclass(frozen=True, slots=True)
class Official:
    """Somebody who asks or approves, by an opaque id."""

    official_id: str
    rank: Rank


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for.

    `photo_keys` are empty for an incident alone. `urgent_for` asks to begin on the requester's signature alone, for
    that long. `lifetime` is counted from the decision.
    """

    authorisation_id: str
    purpose: Purpose
    requester: Official
    camera_ids: tuple[str, ...]
    window_starts_at: datetime
    window_ends_at: datetime
    photo_keys: tuple[str, ...]
    lifetime: timedelta
    urgent_for: timedelta | None = None


def decide(
    request: Request,
    approvals: Sequence[Official],
    *,
    now: datetime,
    open_searches: int,
    search_limit: int = ceilings.LIVE_SEARCHES_DEFAULT,
) -> Claims | Denial:
    """Return the claims that may be signed now, or why none may.

    `open_searches` counts the face searches that are open, this one aside; `search_limit` is the operator's own
    limit. With an approval the request's urgency no longer matters: the same authorisation is issued anew, whole.
    """
    denial = _deny_count(request, open_searches, search_limit)
    if denial is not None:
        return denial
    if not approvals and request.urgent_for is None:
        return Denial(DenialCode.APPROVAL, "nobody has approved")
    issued_at = now.astimezone(UTC).replace(microsecond=0)
    expires_at = issued_at + _whole_seconds(request.lifetime)
    caveats: list[Caveat]
    try:
        caveats = [
            PurposeCaveat(purpose=request.purpose),
            CamerasCaveat(camera_ids=request.camera_ids),
            RequesterCaveat(official_id=request.requester.official_id, rank=request.requester.rank),
        ]
        if request.photo_keys:
            caveats.append(SubjectCaveat(photo_keys=request.photo_keys))
        if approvals:
            caveats.append(
                ApprovalsCaveat(approvals=tuple(Approval(official_id=by.official_id, rank=by.rank) for by in approvals))
            )
        else:
            deadline = issued_at + _whole_seconds(request.urgent_for or timedelta())
            expires_at = min(expires_at, deadline)
            caveats.append(UrgentCaveat(deadline=deadline))
        # Footage from after the end could never be read, so the window says no more than the authorisation gives.
        window_ends_at = min(require_aware(request.window_ends_at), expires_at)
        caveats.append(WindowCaveat(starts_at=request.window_starts_at, ends_at=window_ends_at))
    except ValueError:
        # Of which pydantic's own error is one.
        return Denial(DenialCode.BAD_CAVEAT, "the request has a malformed part, such as an official's id")
    claims = Claims(request.authorisation_id, issued_at, issued_at, expires_at, tuple(caveats))
    decision = claims.judge()
    return decision if isinstance(decision, Denial) else claims


def _deny_count(request: Request, open_searches: int, search_limit: int) -> Denial | None:
    if not 1 <= search_limit <= ceilings.LIVE_SEARCHES_MAX:
        return Denial(
            DenialCode.LIVE_SEARCHES, f"the limit of face searches lies between 1 and {ceilings.LIVE_SEARCHES_MAX}"
        )
    if request.purpose.searches_faces and open_searches >= search_limit:
        return Denial(DenialCode.LIVE_SEARCHES, f"{search_limit} face searches are open already; stop one first")
    return None


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))
