"""What tests of access share: an audit log in memory, people, and the shipped policy."""

from typing import Final

from homeward.access.cases.policy import Policy
from homeward.access.database.base import Base
from homeward.access.database.database import Database
from homeward.access.people.principal import Principal, Role
from homeward.access.settings import SHIPPED_POLICY
from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.authorisation import Rank
from homeward.shared.ids import derived_id
from homewardapi.audit.v1.audit_pb2 import AuditAction
from support.authorisations import NOON, MovableClock

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
    """Return a new database in memory with every table of the modules imported so far."""
    made = Database("sqlite://")
    Base.metadata.create_all(made.engine)
    return made


def policy() -> Policy:
    """Return the policy that is shipped."""
    return Policy.load(POLICY_FILE)
