"""Refusals: recorded, then told to whoever asked."""

from typing import NoReturn

from homeward.access.errors import AccessError, ForbiddenError
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import Audit, Entry
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction


class Refusals:
    """Refuses, and leaves a record of it."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def refuse(
        self,
        principal: Principal,
        error: AccessError,
        request_id: str | None = None,
        action: AuditAction.ValueType = audit_pb2.AUDIT_ACTION_ACCESS_REFUSED,
    ) -> NoReturn:
        """Record that `principal` was refused by `error`'s code, then raise it; raise AuditUnavailableError."""
        self._audit.record(
            Entry(
                action,
                principal.official_id,
                audit_pb2.AUDIT_OUTCOME_DENIED,
                request_id=request_id,
                code=error.code,
            )
        )
        raise error

    def require(self, principal: Principal, role: Role, request_id: str | None = None) -> None:
        """Return when `principal` holds `role`; refuse otherwise."""
        if not principal.has(role):
            self.refuse(principal, ForbiddenError("role", f"this needs the role of {role.value}"), request_id)
