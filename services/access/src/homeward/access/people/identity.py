"""Somebody as the provider vouches for them."""

from dataclasses import dataclass
from datetime import datetime

from homeward.access.people.principal import official_id


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says. `issued_at` is the token's."""

    issuer: str
    subject: str
    name: str
    groups: tuple[str, ...]
    issued_at: datetime

    @property
    def official_id(self) -> str:
        """The opaque id by which events, logs and audit records know them."""
        return official_id(self.issuer, self.subject)
