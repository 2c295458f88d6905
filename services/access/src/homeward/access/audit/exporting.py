"""Copies of the log for whoever verifies it elsewhere."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Select, select

from homeward.access.audit.reading import AuditFilter, newest, require_auditor
from homeward.access.audit.tables import AuditLine
from homeward.access.audit.tree import StoredTree
from homeward.access.database.database import Database
from homeward.access.errors import InvalidError
from homeward.access.people.principal import Principal
from homeward.access.sentence import Sentence
from homeward.shared.audit import Audit, Entry
from homeward.shared.audit_log.checkpoint import SignedCheckpoint
from homeward.shared.audit_log.copy import checkpoint_line, proof_line
from homewardapi.audit.v1 import audit_pb2

WIDEST_SELECTION: Final = 20_000
"""Lines of a selection at most: each has a proof of its own. The whole log has no limit."""

_LINES: Final = 500
"""Lines read at once: on SQLite a reader keeps the writer waiting."""


class AuditExport:
    """Makes copies. A copy ends with the newest checkpoint, and holds nothing that it does not vouch for."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def export(self, principal: Principal, wanted: AuditFilter) -> Iterator[bytes]:
        """Return the lines of a copy, each with its line feed: of the whole log, or a selection with proofs.

        Recorded before the first line is read. Raises ForbiddenError for whoever is no auditor, ConflictError while
        nothing is signed, InvalidError for a selection that is too wide, AuditUnavailableError and DatabaseAwayError.
        """
        require_auditor(principal, self._audit)
        with self._database.read() as session:
            signed = newest(session)
            size = signed.checkpoint.size
            numbers = None if wanted.empty else list(session.scalars(_selected(wanted, size)))
        if numbers is not None and len(numbers) > WIDEST_SELECTION:
            raise InvalidError(
                "too_wide",
                Sentence(
                    "this selects more than {most} records; narrow it, or take the whole log",
                    {"most": WIDEST_SELECTION},
                ),
            )
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_AUDIT_EXPORTED,
                principal.official_id,
                code="whole" if numbers is None else "selection",
                request_id=wanted.request_id,
                objects=size if numbers is None else len(numbers),
            )
        )
        return self._whole(signed) if numbers is None else self._selection(signed, numbers)

    def _whole(self, signed: SignedCheckpoint) -> Iterator[bytes]:
        size = signed.checkpoint.size
        for first in range(0, size, _LINES):
            chunk = select(AuditLine.line).where(
                AuditLine.number >= first, AuditLine.number < min(first + _LINES, size)
            )
            with self._database.read() as session:
                lines = session.scalars(chunk.order_by(AuditLine.number)).all()
            yield b"".join(line + b"\n" for line in lines)
        yield checkpoint_line(signed) + b"\n"

    def _selection(self, signed: SignedCheckpoint, numbers: list[int]) -> Iterator[bytes]:
        size = signed.checkpoint.size
        for first in range(0, len(numbers), _LINES):
            chunk = select(AuditLine.number, AuditLine.line).where(
                AuditLine.number.in_(numbers[first : first + _LINES])
            )
            with self._database.read() as session:
                tree = StoredTree(session)
                lines = [
                    line + b"\n" + proof_line(number, size, tree.inclusion(number, size)) + b"\n"
                    for number, line in session.execute(chunk)
                ]
            yield b"".join(lines)
        yield checkpoint_line(signed) + b"\n"


def _selected(wanted: AuditFilter, size: int) -> Select[int]:
    conditions = [*wanted.conditions(), AuditLine.number < size]
    return select(AuditLine.number).where(*conditions).order_by(AuditLine.number).limit(WIDEST_SELECTION + 1)
