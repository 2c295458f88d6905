"""What every use case of a request stands on."""

from dataclasses import dataclass

from homeward.access.cases.policy import Policy
from homeward.access.database.database import Database
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock


@dataclass(frozen=True, slots=True)
class Ground:
    """Where requests are kept, where what is done is recorded, what time it is and what the site allows."""

    database: Database
    audit: Audit
    clock: Clock
    policy: Policy
