"""The review room, put together."""

from datetime import timedelta

from homeward.access.database.database import Database
from homeward.access.review.folding import Folding
from homeward.access.review.forgetting import Forgetting
from homeward.access.review.requests import RequestCases
from homeward.access.review.stream import Sessions, Streams
from homeward.access.review.usecases import ReviewUseCases
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homeward.shared.objectstore.port import ObjectStore


class ReviewRoom:
    """Sightings: `folding` handles their events, `streams` and `forgetting` are parts of the service."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        audit: Audit,
        clock: Clock,
        sessions: Sessions,
        keep: timedelta,
    ) -> None:
        """`keep` is how long references to pictures outlive their search."""
        cases = RequestCases()
        self.use_cases = ReviewUseCases.of(database, cases, audit, clock, store)
        self.folding = Folding(database, cases)
        self.streams = Streams(self.use_cases.feed, sessions, clock)
        self.forgetting = Forgetting(database, cases, clock, keep).part()
        database.on_commit(self.streams.changed)
