import threading
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from homeward.access.audit import checkpoints as checkpoints_module
from homeward.access.audit.checkpoints import CheckpointPart, Checkpoints, ForkedLogError
from homeward.access.audit.folding import AuditFolder
from homeward.access.audit.keys import CheckpointKeys
from homeward.access.audit.tables import AuditCheckpoint, AuditLine
from homeward.access.database.database import Database
from homeward.access.metrics import AccessMetrics
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.audit_log.checkpoint import Anchor, SignedCheckpoint
from homeward.shared.audit_log.copy import checkpoint_line, read_copy
from homeward.shared.audit_log.verification import verify
from homeward.shared.authorisation.keys import SigningKey
from homeward.shared.events import new_event
from homeward.shared.objectkeys import AUDIT_BUCKET
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.port import ObjectLockedError
from homeward.shared.topics import AUDIT
from homewardapi.audit.v1 import audit_pb2
from support import access_world
from support.access_world import MovableClock, RecordedAudit
from support.audit_logs import NOON, record


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock(NOON)
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket(AUDIT_BUCKET, object_lock=True)
        self.keys = CheckpointKeys.of_folder(folder / "audit", RecordedAudit())
        self.database = access_world.database()

    def checkpoints(self, database: Database | None = None) -> Checkpoints:
        return Checkpoints(database=database or self.database, store=self.store, keys=self.keys, clock=self.clock)

    def fold(self, first: int, end: int, database: Database | None = None, **fields: object) -> None:
        folder = AuditFolder(database or self.database)
        for number in range(first, end):
            message = record(number, **fields)
            folder.handle(new_event(AUDIT, message.record_id, "homeward/test", NOON, message))

    @property
    def anchors(self) -> list[Anchor]:
        keys = sorted(info.key for info in self.store.list(AUDIT_BUCKET))
        return [Anchor.from_json(self.store.get(AUDIT_BUCKET, key)) for key in keys]

    def copy(self) -> list[bytes]:
        with self.database.read() as session:
            lines = list(session.scalars(select(AuditLine.line).order_by(AuditLine.number)))
            note = session.scalars(select(AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc())).first() or ""
        return [*lines, checkpoint_line(SignedCheckpoint.parse(note))]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_new_is_signed_and_what_is_not_new_is_not(world: World) -> None:
    signing = world.checkpoints()
    assert not signing.sign()
    world.fold(0, 3)
    assert not signing.sign()
    signing.sign()
    world.clock.move(timedelta(minutes=1))
    world.fold(3, 5)
    signing.sign()
    assert [(anchor.first, anchor.signed.checkpoint.size) for anchor in world.anchors] == [(0, 3), (3, 5)]
    verdict = verify(read_copy(world.copy()), world.anchors, world.keys.public)
    assert verdict.good
    assert verdict.vouched == 5


def test_nobody_can_delete_a_checkpoint_before_its_time(world: World) -> None:
    world.fold(0, 3)
    world.checkpoints().sign()
    (info,) = world.store.list(AUDIT_BUCKET)
    world.clock.move(timedelta(days=729))
    with pytest.raises(ObjectLockedError):
        world.store.delete(AUDIT_BUCKET, info.key)


def test_a_restart_goes_on_where_the_bucket_ends(world: World) -> None:
    world.fold(0, 3)
    world.checkpoints().sign()
    world.clock.move(timedelta(days=2))
    world.fold(3, 5)
    restarted = world.checkpoints()
    restarted.sign()
    restarted.sign()
    assert [(anchor.first, anchor.signed.checkpoint.size) for anchor in world.anchors] == [(0, 3), (3, 5)]


def test_a_crash_between_bucket_and_database_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.fold(0, 3)
    with monkeypatch.context() as patched:
        patched.setattr(world.database, "begin", lambda: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            world.checkpoints().sign()
    world.clock.move(timedelta(minutes=1))
    world.fold(3, 4)
    world.checkpoints().sign()
    assert [(anchor.first, anchor.signed.checkpoint.size) for anchor in world.anchors] == [(0, 3), (3, 4)]
    assert verify(read_copy(world.copy()), world.anchors, world.keys.public).good


def test_a_long_log_is_signed_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints_module, "WIDEST_LINES", 3)
    world.fold(0, 7)
    signing = world.checkpoints()
    assert [signing.sign(), signing.sign(), signing.sign(), signing.sign()] == [True, True, False, False]
    assert [anchor.signed.checkpoint.size for anchor in world.anchors] == [3, 6, 7]
    assert verify(read_copy(world.copy()), world.anchors, world.keys.public).good


def test_another_log_than_was_signed_is_not_signed(world: World) -> None:
    world.fold(0, 3)
    world.checkpoints().sign()
    other = access_world.database()
    world.fold(0, 2, other)
    with pytest.raises(ForkedLogError, match="2 records, and 3 were signed"):
        world.checkpoints(other).sign()
    world.fold(2, 5, other, actor_id="homeward/nobody")
    with pytest.raises(ForkedLogError, match="first 3 records"):
        world.checkpoints(other).sign()
    assert len(world.anchors) == 1


def test_a_log_folded_anew_goes_on_as_if_nothing_had_happened(world: World) -> None:
    world.fold(0, 3)
    world.checkpoints().sign()
    other = access_world.database()
    world.fold(0, 4, other)
    world.clock.move(timedelta(minutes=1))
    world.checkpoints(other).sign()
    assert [anchor.signed.checkpoint.size for anchor in world.anchors] == [3, 4]


def test_what_others_put_into_the_bucket_is_passed_over(world: World) -> None:
    world.fold(0, 3)
    world.checkpoints().sign()
    day = f"{NOON.date().isoformat()}/"
    (ours,) = [anchor.signed.checkpoint for anchor in world.anchors]
    forged = SignedCheckpoint.sign(ours, SigningKey.generate())
    world.store.put(AUDIT_BUCKET, f"{day}99999999999999999999-a.json", Anchor(forged, 3, ()).to_json())
    world.store.put(AUDIT_BUCKET, f"{day}99999999999999999999-b.json", b"nothing")
    assert world.checkpoints()._newest() == ours


def test_a_changed_key_keeps_the_old_one_s_public_half(tmp_path: Path) -> None:
    first = CheckpointKeys.of_folder(tmp_path / "audit", RecordedAudit())
    assert CheckpointKeys.of_folder(tmp_path / "audit", RecordedAudit()).signing.key_id == first.signing.key_id
    (tmp_path / "audit" / "checkpoints.pem").rename(tmp_path / "audit" / "old.pem")
    second = CheckpointKeys.of_folder(tmp_path / "audit", RecordedAudit())
    assert second.signing.key_id != first.signing.key_id
    assert set(second.public.keys) == {first.signing.key_id, second.signing.key_id}


def test_the_part_signs_again_and_again_and_counts_what_keeps_it_from_that(world: World) -> None:
    stop = threading.Event()
    registry = CollectorRegistry()
    world.fold(0, 3)

    class Once(Checkpoints):
        def sign(self) -> bool:
            try:
                return super().sign()
            finally:
                stop.set()

    def run() -> None:
        stop.clear()
        checkpoints = Once(database=world.database, store=world.store, keys=world.keys, clock=world.clock)
        every = timedelta(seconds=1)
        CheckpointPart(checkpoints, every=every, clock=world.clock, metrics=metrics).run(stop)

    def failures(cause: str) -> float | None:
        return registry.get_sample_value("homeward_access_audit_failures_total", {"cause": cause})

    metrics = AccessMetrics(registry)
    run()
    looked_at = registry.get_sample_value("homeward_access_audit_looked_timestamp_seconds")
    assert looked_at == world.clock.now().timestamp()
    world.store.available = False
    run()
    assert (failures("object store"), failures("forked")) == (1, None)
    world.store.available = True
    world.database = access_world.database()
    run()
    assert (failures("object store"), failures("forked")) == (1, 1)
    assert len(world.anchors) == 1


def test_a_new_key_is_recorded_before_it_is_made(tmp_path: Path) -> None:
    audit = RecordedAudit()
    audit.away = True
    with pytest.raises(AuditUnavailableError):
        CheckpointKeys.of_folder(tmp_path / "audit", audit)
    assert list((tmp_path / "audit").iterdir()) == []
    audit.away = False
    keys = CheckpointKeys.of_folder(tmp_path / "audit", audit)
    CheckpointKeys.of_folder(tmp_path / "audit", audit)
    assert [entry.key_id for entry in audit.of(audit_pb2.AUDIT_ACTION_KEY_CHANGED)] == [keys.signing.key_id]
