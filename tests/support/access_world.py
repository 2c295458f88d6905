"""What tests of access share: an audit log in memory, people, and the shipped policy."""

import os
import weakref
from functools import cache
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, create_engine, make_url, text

from homeward.access.cases.policy import Policy
from homeward.access.database.database import Database
from homeward.access.database.schema import SCHEMA
from homeward.access.people.principal import Principal, Role
from homeward.access.settings import SHIPPED_POLICY
from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.authorisation import Rank
from homeward.shared.ids import derived_id
from homewardapi.audit.v1.audit_pb2 import AuditAction
from support.authorisations import NOON, MovableClock

TEST_DATABASE_URL: Final = "HOMEWARD_TEST_DATABASE_URL"
POLICY_FILE: Final = SHIPPED_POLICY

__all__ = ["NOON", "POLICY_FILE", "MovableClock", "RecordedAudit", "database", "policy", "principal"]


class RecordedAudit:
    """An audit log in memory, in the order of its entries; `away` refuses everything."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.away = False

    def record(self, *entries: Entry) -> None:
        if self.away:
            raise AuditUnavailableError("the audit log is away")
        self.entries.extend(entries)

    def of(self, action: AuditAction.ValueType) -> list[Entry]:
        """Return the entries of one action."""
        return [entry for entry in self.entries if entry.action == action]


def principal(*roles: Role, rank: Rank = Rank.OFFICER, name: str = "somebody") -> Principal:
    """Return somebody with `roles`; the same `name` is the same person."""
    return Principal(derived_id("official", "test", name), name, frozenset(roles), rank)


def database() -> Database:
    """Return a new database with every table: SQLite's in memory, or one on the server that TEST_DATABASE_URL names."""
    server = os.environ.get(TEST_DATABASE_URL)
    if server is not None:
        return _copy(server, _template(server))
    made = Database("sqlite://")
    with made.engine.connect() as connection:
        _driver(connection).deserialize(_every_table())
    return made


@cache
def _every_table() -> bytes:
    """Return SQLite's image of a database with every table, made once: hundreds of tests begin with one."""
    made = Database("sqlite://")
    SCHEMA.create_all(made.engine)
    with made.engine.connect() as connection:
        image: bytes = _driver(connection).serialize()
    made.close()
    return image


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@cache
def _template(server: str) -> str:
    """Return a database with every table, made once: a copy of it takes a tenth of the time."""
    made = _copy(server, "template0")
    SCHEMA.create_all(made.engine)
    made.close()
    return str(made.engine.url.database)


def _copy(server: str, template: str) -> Database:
    name = f"test_{uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    admin.dispose()
    made = Database(make_url(server).set(database=name).render_as_string(hide_password=False), pool_size=5)
    # A test lets its database go without closing it; its connections are closed all the same.
    weakref.finalize(made, made.engine.dispose)
    return made


def policy() -> Policy:
    """Return the policy that is shipped."""
    return Policy.load(POLICY_FILE)
