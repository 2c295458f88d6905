"""The subjects' templates in Qdrant: a server, or its client's local mode in a folder of ours."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from homeward.matching.ports import NotEnrolledError, NotWipedError, StoreAwayError
from homeward.matching.subject import Count, Probe, Scope, StoredSubject, Subject, Wiped
from homeward.matching.template import Model
from homeward.shared.ids import derived_id

_COLLECTION: Final = re.compile(
    r"homeward_(?P<authorisation>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_(?P<name>[a-z0-9.-]{1,60})_"
    r"(?P<sha256>[0-9a-f]{64})"
)
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TIMEOUT_S: Final = 10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class QdrantSubjects:
    """A collection a subject and model, with one point each: the only thing that is ever written.

    Templates of different models never meet, because no collection holds two models; those of different
    authorisations never meet, because none holds two subjects. To wipe is to drop the collection, file and all: a
    point that is merely deleted stays in the store's files until something overwrites it. The point carries the
    authorisation's cameras, window and end, and every query demands them of it, so that a template answers nothing
    outside its authorisation even if a caller asks.

    Local mode is not safe for threads, so one lock guards it.
    """

    def __init__(self, client: QdrantClient, folder: Path | None = None) -> None:
        """`folder` is local mode's own; None for a server, or for local mode in memory."""
        self._client = client
        self._folder = folder
        self._lock: AbstractContextManager[Any] = threading.RLock()

    @classmethod
    def in_folder(cls, folder: Path) -> "QdrantSubjects":
        """Open local mode in `folder`, of which one process alone may be the owner; raise StoreAwayError otherwise."""
        try:
            client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
        except RuntimeError as error:
            raise StoreAwayError("another process owns the folder of the templates") from error
        return cls(client, folder)

    @classmethod
    def in_memory(cls) -> "QdrantSubjects":
        """Return local mode that keeps nothing: for tests."""
        return cls(QdrantClient(":memory:"))

    @classmethod
    def at_server(cls, url: str, api_key: SecretStr | None) -> "QdrantSubjects":
        """Return the store at a Qdrant server; it is asked nothing yet."""
        key = None if api_key is None else api_key.get_secret_value()
        store = cls(QdrantClient(url=url, api_key=key, timeout=_TIMEOUT_S, check_compatibility=False))
        store._lock = nullcontext()  # a server needs no lock of ours
        return store

    def close(self) -> None:
        """Give the store back; in local mode, to the next owner."""
        with self._lock:
            self._client.close()

    def put(self, subject: Subject) -> None:
        """Store a subject in place of what is stored under the same authorisation and model."""
        scope, template = subject.scope, subject.template
        collection = _collection(scope.authorisation_id, template.model)
        point = models.PointStruct(
            id=derived_id("template", scope.authorisation_id, template.model.name, template.model.sha256),
            vector=template.values.tolist(),
            payload=_payload(scope),
        )
        with self._asking():
            if not self._client.collection_exists(collection):
                self._create(collection, len(template.values))
            self._client.upsert(collection, [point], wait=True)

    def find(self, authorisation_id: str) -> list[StoredSubject]:
        """Return what is stored under an authorisation, one entry a model."""
        with self._asking():
            found = (self._describe(name) for name in self._collections(authorisation_id))
            return [subject for subject in found if subject is not None]

    def score(self, authorisation_id: str, probes: Sequence[Probe], now: datetime) -> list[float | None]:
        """Return the cosine similarity of each probe with the subject, None outside the subject's scope at `now`.

        The probes are of one model. Raises NotEnrolledError when nothing is stored under the authorisation by it.
        """
        if not probes:
            return []
        requests = [
            models.QueryRequest(
                query=probe.template.values.tolist(),
                filter=_filter(authorisation_id, probe, now),
                limit=1,
            )
            for probe in probes
        ]
        with self._asking():
            collection = _collection(authorisation_id, probes[0].template.model)
            if collection not in self._collections(authorisation_id):
                raise NotEnrolledError("no subject is stored under the authorisation by this model")
            answers = self._client.query_batch_points(collection, requests)
        return [answer.points[0].score if answer.points else None for answer in answers]

    def enrolled(self) -> frozenset[str]:
        """Return the authorisations under which anything is stored."""
        with self._asking():
            return frozenset(match["authorisation"] for match in self._names())

    def count(self) -> Count:
        """Return how much is stored."""
        with self._asking():
            counts = {match: self._count(match.string) for match in self._names()}
        subjects = {match["authorisation"] for match, count in counts.items() if count}
        return Count(sum(counts.values()), len(subjects))

    def wipe(self, authorisation_id: str) -> Wiped:
        """Drop the collections of an authorisation, then count.

        Raises NotWipedError when a file of theirs is still in local mode's folder.
        """
        with self._asking():
            deleted = 0
            for name in self._collections(authorisation_id):
                deleted += self._count(name)
                self._client.delete_collection(name)
                if self._folder is not None and (self._folder / "collection" / name).exists():
                    # The client passes over what it cannot remove.
                    raise NotWipedError(f"the templates of {authorisation_id} could not be removed from the folder")
            return Wiped(deleted, sum(map(self._count, self._collections(authorisation_id))))

    def _names(self) -> list[re.Match[str]]:
        listed = self._client.get_collections().collections
        return [match for each in listed if (match := _COLLECTION.fullmatch(each.name)) is not None]

    def _collections(self, authorisation_id: str) -> list[str]:
        return [match.string for match in self._names() if match["authorisation"] == authorisation_id]

    def _create(self, collection: str, size: int) -> None:
        try:
            self._client.create_collection(
                collection,
                vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE),
                # One point each: a server's defaults would set 32 MiB of log aside for every one.
                wal_config=models.WalConfigDiff(wal_capacity_mb=1),
                optimizers_config=models.OptimizersConfigDiff(default_segment_number=1),
            )
        except UnexpectedResponse as error:
            if error.status_code != _CONFLICT:
                raise
            # Another replica was faster.

    def _describe(self, collection: str) -> StoredSubject | None:
        match = _COLLECTION.fullmatch(collection)
        points = self._client.scroll(collection, limit=1, with_payload=True, with_vectors=False)[0]
        if match is None or not points:
            return None
        expires_at = _instant((points[0].payload or {})["expires_us"])
        return StoredSubject(match["authorisation"], Model(match["name"], match["sha256"]), expires_at)

    def _count(self, collection: str) -> int:
        return self._client.count(collection, exact=True).count

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Hold the lock, and turn the client's errors into ours. They may hold a request's body: none is chained."""
        with self._lock:
            try:
                yield
            except UnexpectedResponse as error:
                status = error.status_code
            except ApiException as error:
                status, kind = None, type(error).__name__
                raise StoreAwayError(f"Qdrant cannot be reached ({kind})") from None
            else:
                return
        if status == _NOT_FOUND:
            # Somebody dropped the collection between two questions: it is gone, and the next question finds it so.
            raise StoreAwayError("a subject was wiped meanwhile")
        raise StoreAwayError(f"Qdrant answers {status}")


def _collection(authorisation_id: str, model: Model) -> str:
    name = f"homeward_{authorisation_id}_{model.name}_{model.sha256}"
    if _COLLECTION.fullmatch(name) is None:
        raise ValueError("the authorisation or the model has no name that a collection can bear")
    return name


def _payload(scope: Scope) -> Mapping[str, Any]:
    return {
        "authorisation_id": scope.authorisation_id,
        "camera_ids": sorted(scope.camera_ids),
        "window_starts_us": _microseconds(scope.window_starts_at),
        "window_ends_us": _microseconds(scope.window_ends_at),
        "expires_us": _microseconds(scope.expires_at),
    }


def _filter(authorisation_id: str, probe: Probe, now: datetime) -> models.Filter:
    taken = _microseconds(probe.clip_starts_at)
    return models.Filter(
        must=[
            models.FieldCondition(key="authorisation_id", match=models.MatchValue(value=authorisation_id)),
            models.FieldCondition(key="camera_ids", match=models.MatchValue(value=probe.camera_id)),
            models.FieldCondition(key="window_starts_us", range=models.Range(lte=taken)),
            models.FieldCondition(key="window_ends_us", range=models.Range(gt=taken)),
            models.FieldCondition(key="expires_us", range=models.Range(gt=_microseconds(now))),
        ]
    )


def _microseconds(instant: datetime) -> int:
    """Return microseconds since 1970: whole numbers, which a query's ranges compare exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
