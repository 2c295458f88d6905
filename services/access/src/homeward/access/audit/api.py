"""The API of the audit log, for auditors, and of the transparency report, for anybody."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from homeward.access.audit.exporting import AuditExport
from homeward.access.audit.reading import AuditFilter, AuditLog, AuditRow, Place
from homeward.access.audit.transparency import MonthOfPurposes, Transparency
from homeward.access.people.principal import Principal, Role
from homeward.access.web.app import API
from homeward.access.web.gate import Gate
from homeward.access.web.problems import problems
from homeward.shared.audit_log.copy import MEDIA_TYPE
from homeward.shared.audit_log.line import action_name, outcome_name
from homeward.shared.authorisation.keys import KeySet
from homewardapi.audit.v1.audit_pb2 import AuditAction, AuditOutcome

ACTIONS: Final = {action_name(value): value for value in AuditAction.values() if value}
OUTCOMES: Final = {outcome_name(value): value for value in AuditOutcome.values() if value}

ActionName = Annotated[str, Query(pattern=f"^({'|'.join(ACTIONS)})$", description="What was done.")]
OutcomeName = Annotated[str, Query(pattern=f"^({'|'.join(OUTCOMES)})$", description="Whether it was allowed.")]
ActorId = Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9/-]+$", description="Who: an official's opaque id.")]
RequestId = Annotated[
    str, Query(max_length=36, pattern=r"^[0-9a-f-]{36}$", description="The request or authorisation.")
]


class RecordOut(BaseModel):
    """One record of the log."""

    number: int = Field(description="Its place in the log, from 0.")
    record_id: str
    recorded_at: datetime
    actor_id: str
    action: str
    outcome: str
    facts: dict[str, str | int | float] = Field(description="What else it says, by the fields of AuditRecord.")


class RecordsOut(BaseModel):
    """Some records, newest first."""

    records: list[RecordOut]
    after: str | None = Field(description="Where older ones begin; absent records say null.")


class ProofOut(BaseModel):
    """That a record stands in the log that was signed (RFC 9162, 2.1.3)."""

    record: RecordOut
    line: str = Field(description="The leaf: its hash is SHA-256 of a zero byte and this text in UTF-8.")
    path: list[str] = Field(description="The siblings' hashes from the leaf up, in hexadecimal.")
    checkpoint: str = Field(description="The signed checkpoint.")


class ConsistencyOut(BaseModel):
    """That the log of an earlier size is the beginning of the one that was signed last (RFC 9162, 2.1.4)."""

    old: int
    path: list[str]
    checkpoint: str


class ToldOut(BaseModel):
    """A figure: about how much, or null where it is withheld; a small count is only told to be fewer than `below`."""

    about: float | None
    below: int | None


class SummaryOut(BaseModel):
    """The figures of one purpose."""

    requests: ToldOut
    approved: ToldOut
    refused: ToldOut
    urgent: ToldOut
    stopped: ToldOut
    withdrawn: ToldOut
    expired: ToldOut
    searches: ToldOut
    camera_hours: ToldOut
    faces_compared: ToldOut
    sightings: ToldOut
    confirmed: ToldOut
    rejected: ToldOut
    disputed: ToldOut
    median_s_to_delete: ToldOut = Field(description="Seconds from a case's end until nothing was left of its subject.")


class MonthOut(BaseModel):
    """The figures of one month, by purpose."""

    month: str
    purposes: dict[str, SummaryOut]


class TransparencyOut(BaseModel):
    """How Homeward is used, by purpose: only months that are over, counts in fives, small counts withheld."""

    through: str | None = Field(description="The last month that is told, in UTC.")
    purposes: dict[str, SummaryOut] = Field(description="Every month that is over, together.")
    months: list[MonthOut] = Field(description="Newest first.")


class KeyOut(BaseModel):
    """An Ed25519 public key."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeysOut(BaseModel):
    """A JWKS (RFC 7517)."""

    keys: list[KeyOut]


def wanted(
    *,
    action: ActionName | None = None,
    outcome: OutcomeName | None = None,
    actor_id: ActorId | None = None,
    request_id: RequestId | None = None,
    since: Annotated[AwareDatetime | None, Query(description="Recorded then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Recorded before.")] = None,
) -> AuditFilter:
    """Return the filter that a request's query names."""
    return AuditFilter(
        None if action is None else ACTIONS[action],
        None if outcome is None else OUTCOMES[outcome],
        actor_id,
        request_id,
        since,
        until,
    )


def audit_router(log: AuditLog, export: AuditExport, gate: Gate) -> APIRouter:
    """Return the routes of the log. Each look at it is a record in it."""
    router = APIRouter(prefix=f"{API}/audit", tags=["audit"], responses=problems())
    auditor = Annotated[Principal, Depends(gate.requires(Role.AUDITOR))]
    filtered = Annotated[AuditFilter, Depends(wanted)]
    copies: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}

    @router.get("", summary="The records, newest first; the look is recorded")
    def records(
        principal: auditor,
        which: filtered,
        after: Annotated[str | None, Query(max_length=50, description="The `after` of the page before.")] = None,
        size: Annotated[int, Query(ge=1, le=200, description="Records at most.")] = 50,
    ) -> RecordsOut:
        page = log.page(principal, which, None if after is None else Place.parse(after), size)
        return RecordsOut(
            records=[_record(row) for row in page.rows], after=None if page.after is None else str(page.after)
        )

    @router.get(
        "/export",
        summary="A copy to verify elsewhere: of the whole log, or, with a filter, a selection with proofs",
        response_class=StreamingResponse,
        responses={**problems(409), **copies},
    )
    def copy(principal: auditor, which: filtered) -> StreamingResponse:
        headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"', "Cache-Control": "no-store"}
        return StreamingResponse(export.export(principal, which), media_type=MEDIA_TYPE, headers=headers)

    @router.get("/records/{number}/proof", summary="Proof that a record stands in the log", responses=problems(409))
    def proof(principal: auditor, number: Annotated[int, Field(ge=0, lt=2**63)]) -> ProofOut:
        found = log.proof(principal, number)
        return ProofOut(record=_record(found.row), line=found.line, path=_hex(found.path), checkpoint=found.signed.note)

    @router.get("/consistency", summary="Proof that an earlier log is the beginning", responses=problems(409))
    def consistency(
        principal: auditor, old: Annotated[int, Query(ge=1, lt=2**63, description="The earlier log's size.")]
    ) -> ConsistencyOut:
        path, signed = log.consistency(principal, old)
        return ConsistencyOut(old=old, path=_hex(path), checkpoint=signed.note)

    return router


def transparency_router(transparency: Transparency, keys: KeySet) -> APIRouter:
    """Return the public routes: the report, and the keys that sign checkpoints of the log."""
    router = APIRouter(prefix=f"{API}/transparency", tags=["transparency"], responses=problems())

    @router.get("", summary="How Homeward is used, by purpose")
    def report() -> TransparencyOut:
        told = transparency.report()
        return TransparencyOut(
            through=told.through,
            purposes=_purposes(told.whole),
            months=[MonthOut(month=month.month, purposes=_purposes(month)) for month in told.months],
        )

    @router.get("/keys", summary="The public keys that sign checkpoints of the audit log")
    def public_keys() -> KeysOut:
        return KeysOut.model_validate(keys.to_jwks())

    return router


def _record(row: AuditRow) -> RecordOut:
    return RecordOut(
        number=row.number,
        record_id=row.record_id,
        recorded_at=row.recorded_at,
        actor_id=row.actor_id,
        action=row.action,
        outcome=row.outcome,
        facts=dict(row.facts),
    )


def _purposes(month: MonthOfPurposes) -> dict[str, SummaryOut]:
    return {purpose.value: SummaryOut.model_validate(asdict(told)) for purpose, told in month.purposes.items()}


def _hex(path: Sequence[bytes]) -> list[str]:
    return [part.hex() for part in path]
