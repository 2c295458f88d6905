"""The use cases of review, together: what its routes and pages are given."""

from dataclasses import dataclass
from typing import Self

from homeward.access.database.database import Database
from homeward.access.review.answering import Answering
from homeward.access.review.feed import Feed
from homeward.access.review.pictures import Pictures
from homeward.access.review.ports import ReviewCases
from homeward.access.review.results import Results
from homeward.access.review.review import Review
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homeward.shared.objectstore.port import ObjectStore


@dataclass(frozen=True, slots=True)
class ReviewUseCases:
    """What reviewers, and the officials of a case, can do with sightings."""

    review: Review
    answering: Answering
    pictures: Pictures
    results: Results
    feed: Feed

    @classmethod
    def of(cls, database: Database, cases: ReviewCases, audit: Audit, clock: Clock, store: ObjectStore) -> Self:
        """Return the use cases on one database, audit log, clock and object store."""
        return cls(
            review=Review(database, cases, audit, clock),
            answering=Answering(database, cases, audit, clock),
            pictures=Pictures(database, cases, audit, clock, store),
            results=Results(database, cases, audit, clock),
            feed=Feed(database, cases, audit, clock),
        )
