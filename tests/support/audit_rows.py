"""A long audit log in a database, written in bulk: for benchmarks, which have no hour to fold a million records."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import insert

from homeward.access.audit.tables import AuditLine, AuditNode, AuditTree
from homeward.access.audit.tree import STEP
from homeward.access.database.database import Database
from homeward.shared.audit_log.line import NO_LINE, action_name, outcome_name
from homeward.shared.audit_log.merkle import Frontier, leaf_hash
from homeward.shared.ids import derived_id
from homeward.shared.instants import format_instant
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction

BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH: Final = 5_000
_REFUSED: Final = 0.02
_OFTEN: Final = (
    audit_pb2.AUDIT_ACTION_FACES_COMPARED,
    audit_pb2.AUDIT_ACTION_FACES_COMPARED,
    audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED,
    audit_pb2.AUDIT_ACTION_REQUEST_VIEWED,
)


def fill(database: Database, count: int, *, officials: int = 300, requests: int = 100_000, seed: int = 1) -> None:
    """Write a log of `count` records into empty tables, 20 s apart: some actions often, each by some official."""
    rows = _rows(count, officials, requests, seed)
    frontier, last = Frontier(), NO_LINE
    while batch := list(islice(rows, _BATCH)):
        lines: list[dict[str, Any]] = []
        nodes: list[dict[str, Any]] = []
        for row in batch:
            line = _line(row, last)
            last = leaf_hash(line)
            frontier, grown = frontier.grown(last)
            lines.append({**row, "line": line, "digest": last})
            nodes += [
                {"level": node.level, "place": node.index, "digest": node.digest}
                for node in grown
                if node.level and node.level % STEP == 0
            ]
        with database.begin() as session:
            session.execute(insert(AuditLine), lines)
            if nodes:
                session.execute(insert(AuditNode), nodes)
    with database.begin() as session:
        session.add(AuditTree(name="log", size=frontier.size, peaks=b"".join(frontier.peaks), last=last))


def _rows(count: int, officials: int, requests: int, seed: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)  # noqa: S311 - the same log each time
    people = [derived_id("official", number) for number in range(officials)]
    cases = [derived_id("request", number) for number in range(requests)]
    seldom = [action for action in AuditAction.values() if action]
    denied, allowed = audit_pb2.AUDIT_OUTCOME_DENIED, audit_pb2.AUDIT_OUTCOME_ALLOWED
    for number in range(count):
        action = chance.choice(_OFTEN if number % 4 else seldom)
        matching = action == audit_pb2.AUDIT_ACTION_FACES_COMPARED
        outcome = denied if chance.random() < _REFUSED else allowed
        at = BEGINS + timedelta(seconds=20 * number)
        yield {
            "number": number,
            "record_id": derived_id("record", number),
            "recorded_at": at,
            "action": action,
            "outcome": outcome,
            "refused_at": at if outcome == denied else None,
            "actor_id": "homeward/matching" if matching else chance.choice(people),
            "request_id": chance.choice(cases),
        }


def _line(row: dict[str, Any], previous: bytes) -> bytes:
    told = {
        "index": row["number"],
        "previous": previous.hex(),
        "record_id": row["record_id"],
        "recorded_at": format_instant(row["recorded_at"]),
        "actor_id": row["actor_id"],
        "action": action_name(row["action"]),
        "outcome": outcome_name(row["outcome"]),
        "request_id": row["request_id"],
    }
    return json.dumps(told, separators=(",", ":")).encode()
