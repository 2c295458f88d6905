"""Who may see a request and what they may do with it. Pure: deny by default."""

from homeward.access.cases.model import Action, RequestState
from homeward.access.cases.policy import Policy
from homeward.access.cases.tables import CaseRow
from homeward.access.people.principal import Principal, Role
from homeward.shared.authorisation import Purpose, Rank

_DECIDABLE = frozenset({RequestState.SUBMITTED, RequestState.OPEN_URGENT})


def sees(principal: Principal, case: CaseRow) -> bool:
    """Whether `principal` may know of a request: its requester, approvers, auditors; reviewers once it has opened."""
    if principal.has(Role.APPROVER) or principal.has(Role.AUDITOR):
        return True
    if is_own(principal, case):
        return True
    return principal.has(Role.REVIEWER) and case.opened_at is not None and Purpose(case.purpose).searches_faces


def is_own(principal: Principal, case: CaseRow) -> bool:
    """Whether `principal` made the request, and may still make one."""
    return principal.has(Role.REQUESTER) and principal.official_id == case.requester_id


def actions(principal: Principal, case: CaseRow, policy: Policy) -> frozenset[Action]:
    """Return what `principal` may do with a request as it stands."""
    state, purpose = RequestState(case.state), Purpose(case.purpose)
    own, part = is_own(principal, case), policy.of(Purpose(case.purpose))
    may: set[Action] = set()
    if own and case.urgent and part.urgent and state is RequestState.SUBMITTED:
        may.add(Action.START)
    if may_decide(principal, case, part.approver_rank):
        may |= {Action.NARROW, Action.REFUSE}
        if principal.rank.reaches(Rank(case.needed_rank)):
            may.add(Action.APPROVE)
    if not state.ended and (own or principal.has(Role.APPROVER)):
        may.add(Action.STOP)
    looks = own or principal.has(Role.APPROVER) or (principal.has(Role.REVIEWER) and state.runs)
    if looks and purpose.searches_faces and not state.ended:
        may.add(Action.SEE_PHOTOS)
    return frozenset(may)


def may_decide(principal: Principal, case: CaseRow, least: Rank) -> bool:
    """Whether `principal` may decide at all: an approver of the rank, who did not ask."""
    return (
        principal.has(Role.APPROVER)
        and principal.official_id != case.requester_id
        and principal.rank.reaches(least)
        and RequestState(case.state) in _DECIDABLE
    )
