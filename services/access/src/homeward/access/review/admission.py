"""Who may look at the sightings of which search."""

from typing import Final

from sqlalchemy.orm import Session

from homeward.access.errors import ForbiddenError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.access.review.ports import ReviewCase, ReviewCases
from homeward.access.sentence import Sentence
from homeward.shared.audit import Audit, Entry
from homewardapi.audit.v1 import audit_pb2

_NO_SUCH: Final = Sentence("there is no such search")


class Admission:
    """Lets reviewers into searches that are none of their own. Every refusal is recorded before it is told."""

    def __init__(self, cases: ReviewCases, audit: Audit) -> None:
        self._cases = cases
        self._audit = audit

    def check_reviewer(self, principal: Principal) -> None:
        """Return when `principal` may review at all; raise ForbiddenError."""
        if not principal.has(Role.REVIEWER):
            self._refuse(principal, None, "role", Sentence("this needs the role of reviewer"))
        if principal.has(Role.AUDITOR):
            # The log holds every answer, of which a reviewer must not know.
            self._refuse(principal, None, "auditor", Sentence("whoever reads the audit log cannot review"))

    def reviewer(self, session: Session, principal: Principal, request_id: str) -> ReviewCase:
        """Return the search that `principal` may review, open or ended.

        Raises NotFoundError, and ForbiddenError for those who asked for it or decided on it.
        """
        self.check_reviewer(principal)
        case = self._cases.find(session, request_id)
        if case is None:
            raise NotFoundError("search", _NO_SUCH)
        if principal.official_id in case.officials:
            self._refuse(
                principal, request_id, "own_case", Sentence("whoever asked or decided cannot review the sightings")
            )
        return case

    def official(self, session: Session, principal: Principal, request_id: str) -> ReviewCase:
        """Return the search for which `principal` asked, or on which they decided; raise NotFoundError otherwise."""
        case = self._cases.find(session, request_id)
        if case is None or principal.official_id not in case.officials:
            raise NotFoundError("search", _NO_SUCH)
        return case

    def _refuse(self, principal: Principal, request_id: str | None, code: str, reason: Sentence) -> None:
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_ACCESS_REFUSED,
                principal.official_id,
                audit_pb2.AUDIT_OUTCOME_DENIED,
                request_id=request_id,
                code=code,
            )
        )
        raise ForbiddenError(code, reason)
