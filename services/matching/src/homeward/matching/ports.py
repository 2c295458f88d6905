"""What the use cases ask of the world."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from homeward.matching.subject import Count, Probe, StoredSubject, Subject, Wiped
from homeward.matching.template import Template
from homeward.shared.events import Event
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import Topic


class EmbedderAwayError(RetryableError):
    """The embedder cannot be reached, or broke off: the same may be asked again later."""


class LogAwayError(RetryableError):
    """The log cannot be read now: the same may be asked again later."""


class EmbedderDeniedError(Exception):
    """The embedder refused the authorisation itself."""


class StoreAwayError(RetryableError):
    """The store of the subjects' templates cannot be reached: the same may be asked again later."""


class NotEnrolledError(Exception):
    """No subject is enrolled under this authorisation by this model."""


class NotWipedError(Exception):
    """Something of a subject is still there after a wipe."""


class SearchEndedError(Exception):
    """The authorisation ended, or its subject was wiped, while it was searched for."""


@dataclass(frozen=True, slots=True)
class CropReference:
    """One crop: `length_bytes` at `offset_bytes` of an object in the bucket crops."""

    crops_key: str
    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class PhotoReference:
    """One reference photo, an object in the bucket subjects."""

    photo_key: str


Reference = CropReference | PhotoReference


@dataclass(frozen=True, slots=True)
class NoTemplate:
    """Why a reference has no template: a value of homewardapi.embedding.v1.RefusalReason."""

    reason: int


class Embedder(Protocol):
    """Computes templates of references; it reads the pictures itself."""

    def embed(
        self, token: str, references: Sequence[Reference], wanted: Callable[[], bool]
    ) -> list[Template | NoTemplate]:
        """Return the answer to each of `references`, in their order, computed under the authorisation `token`.

        Blocks until all are answered, or `wanted`, asked at every answer, says no.
        Raises EmbedderAwayError, EmbedderDeniedError, SearchEndedError when it is wanted no more.
        """
        ...

    def stream(
        self, token: str, references: Iterator[Reference], wanted: Callable[[], bool]
    ) -> Iterator[list[tuple[int, Template | NoTemplate]]]:
        """Yield answers as they come, a few at a time, each with the number of its reference, counted from 0.

        `references` is read on a thread of the embedder's own, ahead of the answers, and may wait for them; it is read
        no more once the answers end. Ends when all are answered; raises as `embed` does, within a second of
        `wanted` saying no, answers or none.
        """
        ...


class Subjects(Protocol):
    """The subjects' templates at rest. Safe to use from several threads; every method may raise StoreAwayError."""

    def put(self, subject: Subject) -> None:
        """Store a subject in place of what is stored under the same authorisation and model."""
        ...

    def find(self, authorisation_id: str) -> list[StoredSubject]:
        """Return what is stored under an authorisation, one entry a model."""
        ...

    def score(self, authorisation_id: str, probes: Sequence[Probe], now: datetime) -> list[float | None]:
        """Return the cosine similarity of each probe with the subject, None outside the subject's scope at `now`.

        The probes are of one model. Raises NotEnrolledError when no subject is stored under this authorisation and
        their model: templates of different models never meet.
        """
        ...

    def enrolled(self) -> frozenset[str]:
        """Return the authorisations under which anything is stored."""
        ...

    def count(self) -> Count:
        """Return how much is stored."""
        ...

    def wipe(self, authorisation_id: str) -> Wiped:
        """Delete what is stored under an authorisation, of every model, and count afterwards."""
        ...


class Log(Protocol):
    """The log of a topic, read from where one says. Every method may raise LogAwayError."""

    def partitions(self, topic: Topic) -> list[int]:
        """Return the topic's partitions."""
        ...

    def span(self, topic: Topic, partition: int, since: datetime, until: datetime) -> tuple[int, int]:
        """Return the first offset and the end offset of what was written from `since` until `until`."""
        ...

    def read(
        self, topic: Topic, partition: int, first_offset: int, end_offset: int, keys: Collection[str]
    ) -> Iterator[tuple[int, Event]]:
        """Yield each event of `keys` in a stretch, after its offset; what cannot be decoded is passed over."""
        ...


class Announcer(Protocol):
    """Takes events that cannot wait for the end of what is being handled."""

    def send(self, events: Sequence[Event]) -> None:
        """Write `events` in order and return when each is acknowledged; an error of its own stops the service."""
        ...


class Meter(Protocol):
    """What is counted."""

    def refused(self, reason: str) -> None:
        """Count a search that could not start."""
        ...

    def compared(self, mode: str, faces: int) -> None:
        """Count faces compared."""
        ...

    def passed_over(self, cause: str, faces: int) -> None:
        """Count faces that were not compared."""
        ...

    def found(self, mode: str, sightings: int) -> None:
        """Count sightings."""
        ...

    def stopped(self, cause: str) -> None:
        """Count a stretch of work given up because its authorisation had ended or was refused."""
        ...

    def at_rest(self, count: Count) -> None:
        """Set how many templates are at rest."""
        ...

    def wiped(self, cause: str) -> None:
        """Count a subject wiped."""
        ...
