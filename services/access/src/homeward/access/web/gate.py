"""Lets requests in: who asks, and whether their role opens the route."""

from collections.abc import Callable
from typing import Protocol

from fastapi import Request

from homeward.access.errors import ForbiddenError, NotSignedInError
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import Audit, Entry
from homewardapi.audit.v1 import audit_pb2


class Authenticator(Protocol):
    """Tells who sends a request."""

    def authenticate(self, request: Request) -> Principal | None:
        """Return who is signed in by the request's cookie or bearer token, None for nobody.

        Called by many threads; blocks for a look into the database at most. Raises TooManyError and ForbiddenError,
        the latter for a request that changes something without the session's CSRF token.
        """
        ...


class Gate:
    """What routes depend on. Deny by default: a route without `requires` or `anybody` is a public one, by review."""

    def __init__(self, authenticator: Authenticator, audit: Audit) -> None:
        self._authenticator = authenticator
        self._audit = audit

    def anybody(self, request: Request) -> Principal:
        """Return who is signed in, whatever their role; raise NotSignedInError."""
        principal = self._authenticator.authenticate(request)
        if principal is None:
            raise NotSignedInError("not_signed_in", "sign in first")
        # Pages, and the page of an error, show the navigation of whoever was let in.
        request.state.principal = principal
        return principal

    def requires(self, *roles: Role) -> Callable[[Request], Principal]:
        """Return the dependency that lets in whoever holds one of `roles`; anybody else is refused and recorded."""

        def let_in(request: Request) -> Principal:
            principal = self.anybody(request)
            if not principal.roles.intersection(roles):
                self._audit.record(
                    Entry(
                        audit_pb2.AUDIT_ACTION_ACCESS_REFUSED,
                        principal.official_id,
                        audit_pb2.AUDIT_OUTCOME_DENIED,
                        code="role",
                    )
                )
                wanted = " or ".join(role.value for role in roles)
                raise ForbiddenError("role", f"this needs the role of {wanted}")
            return principal

        return let_in
