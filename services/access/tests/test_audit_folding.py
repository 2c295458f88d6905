import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from homeward.access.audit.folding import AuditFolder, append
from homeward.access.audit.tables import AuditLine, AuditNode
from homeward.access.audit.tree import StoredTree, frontier_of
from homeward.access.database.database import Database
from homeward.shared.audit_log.line import read_line
from homeward.shared.audit_log.merkle import consistent, includes, leaf_hash, root_of
from homeward.shared.events import Event, InvalidEventError, new_event
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import AUDIT, HOLDS
from homewardapi.audit.v1.audit_pb2 import AuditRecord
from support import access_world, examples
from support.audit_logs import NOON, SignedLog, record


def told(message: AuditRecord) -> Event:
    return new_event(AUDIT, message.record_id, "homeward/test", NOON, message)


def folded(size: int) -> tuple[Database, AuditFolder]:
    database = access_world.database()
    folder = AuditFolder(database)
    for number in range(size):
        assert folder.handle(told(record(number))) == []
    return database, folder


def lines(database: Database) -> list[bytes]:
    with database.read() as session:
        return list(session.scalars(select(AuditLine.line).order_by(AuditLine.number)))


def test_records_become_lines_in_their_order() -> None:
    database, _ = folded(20)
    assert lines(database) == SignedLog(20).lines
    with database.read() as session:
        frontier, last = frontier_of(session)
        assert frontier.size == 20
        assert frontier.root == root_of(SignedLog(20).leaves)
        assert last == SignedLog(20).leaves[-1]


def test_a_record_told_again_is_one_line() -> None:
    database, folder = folded(3)
    folder.handle(told(record(1)))
    # A service that repeats what it could not know to be recorded repeats it at another time.
    later = record(1, recorded_at=to_timestamp(NOON + timedelta(hours=1)))
    folder.handle(told(later))
    assert lines(database) == SignedLog(3).lines


def test_a_record_that_bears_another_s_id_is_refused() -> None:
    database, folder = folded(3)
    with pytest.raises(InvalidEventError, match="another record"):
        folder.handle(told(record(1, actor_id="homeward/nobody")))
    assert lines(database) == SignedLog(3).lines


def test_what_is_no_record_is_refused() -> None:
    _, folder = folded(0)
    with pytest.raises(InvalidEventError, match="no audit record"):
        folder.handle(examples.example(HOLDS))


def test_a_database_that_is_away_holds_the_log_back() -> None:
    database = Database("sqlite://")
    with pytest.raises(RetryableError):
        AuditFolder(database).handle(told(record(0)))


def test_a_replica_that_was_overtaken_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    database, folder = folded(3)
    with database.read() as session:
        old = frontier_of(session)
    folder.handle(told(record(3)))
    with monkeypatch.context() as patched:
        patched.setattr("homeward.access.audit.folding.frontier_of", lambda *_, **__: old)
        with pytest.raises(RetryableError):
            folder.handle(told(record(4)))
    folder.handle(told(record(4)))
    assert lines(database) == SignedLog(5).lines


def test_the_database_itself_refuses_to_change_a_line() -> None:
    database, _ = folded(3)
    with pytest.raises(DBAPIError, match="never changed"), database.begin() as session:
        session.execute(update(AuditLine).values(actor_id="homeward/nobody"))
    with pytest.raises(DBAPIError, match="never changed"), database.begin() as session:
        session.execute(delete(AuditLine))
    assert lines(database) == SignedLog(3).lines


def test_proofs_read_from_the_database_hold() -> None:
    size = 530
    database = access_world.database()
    with database.begin() as session:
        for number in range(size):
            append(session, record(number))
    leaves = [read_line(line).digest for line in lines(database)]
    with database.read() as session:
        assert len(session.scalars(select(AuditNode.level)).all()) == size // 256
        tree = StoredTree(session)
        for index in (0, 1, 255, 256, 511, 512, size - 1):
            assert includes(leaves[index], index, size, tree.inclusion(index, size), root_of(leaves))
        for old in (1, 255, 256, 257, 512, size - 1, size):
            assert tree.root(old) == root_of(leaves[:old])
            assert consistent(old, tree.root(old), size, root_of(leaves), tree.consistency(old, size))
        with pytest.raises(LookupError):
            tree.root(size + 1)


def test_a_line_can_be_filtered_by_what_it_says() -> None:
    database, folder = folded(0)
    request = record(0).record_id
    folder.handle(told(record(1, optional_authorisation_id=request)))
    folder.handle(told(record(2, optional_request_id=request, optional_authorisation_id=record(9).record_id)))
    with database.read() as session:
        rows = session.scalars(select(AuditLine).where(AuditLine.request_id == request).order_by("number")).all()
    assert [row.number for row in rows] == [0, 1]
    for row in rows:
        line = json.loads(row.line)
        assert (row.record_id, row.actor_id) == (line["record_id"], line["actor_id"])
        assert row.digest == leaf_hash(row.line)
