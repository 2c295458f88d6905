"""The use case of answering: one reviewer's answer to one sighting, and the verdict that may follow from it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.errors import ConflictError, NotFoundError
from homeward.access.people.principal import Principal
from homeward.access.review.admission import Admission
from homeward.access.review.entries import entry
from homeward.access.review.model import SightingView
from homeward.access.review.ports import ReviewCase, ReviewCases
from homeward.access.review.tables import AnswerRow, SightingRow
from homeward.access.review.tallies import next_entry
from homeward.access.review.verdict import Answer, Verdict, verdict_of
from homeward.access.review.views import sighting_views
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2


class Answering:
    """Takes answers. Recorded before they count; safe to use from several threads and replicas."""

    def __init__(self, database: Database, cases: ReviewCases, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._admission = Admission(cases, audit)

    def answer(self, principal: Principal, sighting_id: str, answer: Answer) -> SightingView:
        """Take what `principal` says, and return the sighting as it stands for them then.

        An answer may be changed while nobody else has answered: whoever answers second learns what the two came to,
        and could otherwise follow the first. Giving the same answer again changes nothing.
        Raises NotFoundError, ForbiddenError, ConflictError when the search has ended or the answer is final, and
        AuditUnavailableError; then nothing was done.
        """
        with self._database.begin() as session:
            case, row = self._locked(session, principal, sighting_id)
            now = self._clock.now()
            if not case.open_at(now):
                raise ConflictError("ended", "the search has ended, and takes no more answers")
            answers = {
                given.reviewer_id: given
                for given in session.scalars(
                    # Whoever became an official of the case after answering has no voice in it.
                    select(AnswerRow).where(
                        AnswerRow.sighting_id == sighting_id, AnswerRow.reviewer_id.not_in(sorted(case.officials))
                    )
                )
            }
            own = answers.get(principal.official_id)
            if own is not None and own.answer == answer:
                (view,) = sighting_views(session, [row], {sighting_id: answer}, is_open=True)
                self._audit.record(entry(audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED, principal, case, "answer", **_of(row)))
                return view
            if Verdict(row.verdict).final:
                raise ConflictError("decided", "the sighting is decided already")
            if own is not None and len(answers) > 1:
                raise ConflictError("answered", "your answer is final since somebody else has answered too")
            if own is None:
                own = AnswerRow(
                    sighting_id=sighting_id,
                    reviewer_id=principal.official_id,
                    request_id=case.request_id,
                    answer="",
                    given_at=now,
                )
                session.add(own)
                answers[principal.official_id] = own
            own.answer = answer.value
            own.given_at = now
            entries = [entry(audit_pb2.AUDIT_ACTION_SIGHTING_ANSWERED, principal, case, answer.value, **_of(row))]
            verdict = verdict_of([Answer(given.answer) for given in answers.values()])
            if verdict != row.verdict:
                row.verdict = verdict.value
                entries.append(
                    entry(audit_pb2.AUDIT_ACTION_SIGHTING_DECIDED, principal, case, verdict.value, **_of(row))
                )
                if verdict.final:
                    row.decided_at = now
                    row.decided = next_entry(session, case.request_id)
            session.flush()
            (view,) = sighting_views(session, [row], {sighting_id: answer}, is_open=True)
            self._audit.record(*entries)
        return view

    def _locked(self, session: Session, principal: Principal, sighting_id: str) -> tuple[ReviewCase, SightingRow]:
        """Return the sighting, which nobody else can answer before this transaction ends."""
        self._admission.check_reviewer(principal)
        row = session.get(SightingRow, sighting_id, with_for_update=True)
        if row is None:
            raise NotFoundError("sighting", "there is no such sighting")
        case = self._admission.reviewer(session, principal, row.request_id)
        if not case.covers(row.camera_id, row.clip_starts_at):
            raise NotFoundError("sighting", "there is no such sighting")
        return case, row


class SearchReviews:
    """The port `Reviews` of requests."""

    def has_answered(self, session: Session, request_id: str, official_id: str) -> bool:
        """Return whether an official has answered any sighting of a search."""
        theirs = select(AnswerRow.sighting_id).where(
            AnswerRow.request_id == request_id, AnswerRow.reviewer_id == official_id
        )
        return session.scalar(theirs.limit(1)) is not None


def _of(row: SightingRow) -> dict[str, str]:
    return {"sighting_id": row.sighting_id, "camera_id": row.camera_id}
