"""The log survives kill -9 at any step: each record once, in the order of the topic, chained and hashed whole."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

import support.audit_child as child_module
from homeward.access.audit.tables import AuditLine
from homeward.access.audit.tree import frontier_of
from homeward.access.database.base import Base
from homeward.access.database.database import Database
from homeward.shared.audit import Entry
from homeward.shared.audit_log.copy import read_copy
from homeward.shared.audit_log.merkle import leaf_hash, root_of
from homeward.shared.audit_log.verification import verify
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import AUDIT, DEAD_LETTERS
from homewardapi.audit.v1 import audit_pb2
from support.audit_child import STEPS
from support.tansu import running_tansu

_RECORDS = 12
_SUPPORT = Path(child_module.__file__).parents[1]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    with running_tansu(tmp_path_factory.mktemp("tansu")) as broker:
        create_topics(broker.kafka, [AUDIT, DEAD_LETTERS])
        producer = EventProducer(broker.kafka)
        recorder = AuditRecorder(producer, "homeward/test", SystemClock())
        for number in range(_RECORDS):
            entry = Entry(audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, "homeward/test", code=f"n{number}", nonce="once")
            recorder.record(entry)
            if number % 4 == 0:
                # A producer that could not know whether it was taken tells it again.
                recorder.record(entry)
        producer.close()
        yield broker.kafka


class Child:
    """A process that folds into its own database."""

    def __init__(self, kafka: KafkaSettings, name: str, url: str, **fate: object) -> None:
        told = {"kafka": kafka.model_dump(mode="json"), "group": f"audit-{name}", "database": url, **fate}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.audit_child", json.dumps(told)],
            env={**os.environ, "PYTHONPATH": str(_SUPPORT)},
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> int:
        return self._process.wait(120)

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(60)


def lines(database: Database) -> Sequence[bytes]:
    with database.read() as session:
        return session.scalars(select(AuditLine.line).order_by(AuditLine.number)).all()


def test_a_kill_at_any_step_leaves_each_record_once_and_in_order(kafka: KafkaSettings, tmp_path: Path) -> None:
    databases = {step: f"sqlite:///{tmp_path}/{step}.db" for step in STEPS}
    for url in databases.values():
        Base.metadata.create_all(Database(url).engine)
    victims = [Child(kafka, step, url, die_at=step, on_record=5) for step, url in databases.items()]
    assert [victim.wait() for victim in victims] == [-9] * len(STEPS)
    after = {step: len(lines(Database(url))) for step, url in databases.items()}
    # The fifth record that is handled is the fourth of the log: the first was told twice.
    assert after == {"begun": 3, "written": 3, "committed": 4}

    successors = [Child(kafka, step, url) for step, url in databases.items()]
    deadline = time.monotonic() + 120
    while any(len(lines(Database(url))) < _RECORDS for url in databases.values()):
        assert time.monotonic() < deadline, "the successors do not finish"
        time.sleep(0.2)
    assert [successor.stop() for successor in successors] == [0] * len(STEPS)
    for url in databases.values():
        _judge(Database(url))


def _judge(database: Database) -> None:
    found = lines(database)
    assert [json.loads(line)["code"] for line in found] == [f"n{number}" for number in range(_RECORDS)]
    assert verify(read_copy(found)).good
    with database.read() as session:
        frontier, last = frontier_of(session)
    assert frontier.size == _RECORDS
    assert frontier.root == root_of(leaf_hash(line) for line in found)
    assert last == leaf_hash(found[-1])
