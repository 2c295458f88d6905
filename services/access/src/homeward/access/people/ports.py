"""What the people room asks of the world."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from homeward.access.people.principal import Role
from homeward.shared.authorisation.ranks import Rank


class ProviderAwayError(Exception):
    """The provider does not answer, or not as a provider does; it may be tried again."""


class CodeRefusedError(Exception):
    """The provider does not take the code: it was used, is too old, or is of another client."""


class RoleTable(Protocol):
    """Which group holds what: the policy."""

    def roles_of(self, groups: Iterable[str]) -> tuple[frozenset[Role], Rank]:
        """Return what the members of all `groups` may do and their highest rank; returns at once, raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider's pages are: absolute URLs. `end_session` is None where it has no page to sign out."""

    authorization: str
    end_session: str | None


class Provider(Protocol):
    """The OIDC provider. Called by many threads; each call blocks for some seconds at most."""

    def endpoints(self) -> Endpoints:
        """Return the provider's endpoints; raise ProviderAwayError."""
        ...

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Return the ID token that `code` stands for; raise CodeRefusedError and ProviderAwayError."""
        ...

    def key_set(self) -> Mapping[str, Any]:
        """Return the provider's JWKS, fetched now; raise ProviderAwayError."""
        ...
