"""Sends what is spooled: the object stored, then the event delivered, then the spool freed, in this order."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import Entry, SendQueue
from homeward.ingest.stretches import Footage, Stretch
from homeward.shared.clock import Clock
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStore, ObjectStoreError
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError, EventSender
from homeward.shared.telemetry.logging import get_logger

CONTENT_TYPE: Final = "video/mp4"
_CLAIM_S: Final = 0.5

_log = get_logger()


class SpoiledError(Exception):
    """A spooled file is not what it was when it was sealed."""


class Sender:
    """A part that empties the spool on `workers` threads; the stretches of one camera go out in order.

    An object is stored before its clip is announced, and the spool is freed after: a crash in between repeats the
    same object under the same key and the same event under the same id. While the store or Kafka is away, everything
    waits in the spool.
    """

    name = "sender"

    def __init__(
        self,
        queue: SendQueue,
        store: ObjectStore,
        producer: EventSender,
        *,
        backoff: Backoff,
        clock: Clock,
        metrics: IngestMetrics,
        workers: int = 1,
        announced: Callable[[Stretch], None] = lambda _: None,
    ) -> None:
        """`announced` is told each stretch that was announced, by the thread that sent it."""
        self._queue = queue
        self._store = store
        self._producer = producer
        self._backoff = backoff
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._announced = announced

    def ready(self) -> bool:
        """Whether stretches can be taken: always, since the spool stands between."""
        return True

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; raise what a worker raised that no waiting mends."""
        failures: list[Exception] = []
        ended = threading.Event()

        def work() -> None:
            try:
                self._work(stop, ended)
            except Exception as error:  # noqa: BLE001 - handed to the part's own thread, which raises it
                failures.append(error)
                ended.set()

        threads = [threading.Thread(target=work, name=f"sender-{index}", daemon=True) for index in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def send(self, entry: Entry) -> None:
        """Send one claimed stretch and free it. Raises ObjectStoreError and DeliveryError, with the stretch kept."""
        began_s = self._clock.monotonic()
        if entry.path is not None and isinstance(entry.stretch.outcome, Footage):
            self._put(entry, entry.path, entry.stretch.outcome)
        self._producer.send([entry.stretch.event()])
        self._queue.free(entry)
        self._metrics.sent(self._clock.monotonic() - began_s)
        if isinstance(entry.stretch.outcome, Footage) and not entry.replayable:
            self._metrics.announced((self._clock.now() - entry.stretch.ends_at).total_seconds())
        self._announced(entry.stretch)

    def _put(self, entry: Entry, path: Path, footage: Footage) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise SpoiledError(f"camera {entry.camera_id}: a spooled clip is gone") from None
        with file:
            if hashlib.file_digest(file, "sha256").hexdigest() != footage.sha256:
                raise SpoiledError(f"camera {entry.camera_id}: a spooled clip is not what was written")
            file.seek(0)
            self._store.put(
                FOOTAGE_BUCKET,
                entry.stretch.object_key,
                file,
                size_bytes=footage.size_bytes,
                content_type=CONTENT_TYPE,
                metadata={"sha256": footage.sha256},
            )

    def _work(self, stop: threading.Event, ended: threading.Event) -> None:
        attempt = 0
        while not stop.is_set() and not ended.is_set():
            entry = self._queue.claim(_CLAIM_S)
            if entry is None:
                continue
            try:
                self.send(entry)
            except SpoiledError as error:
                _log.error("spooled clip is spoiled", camera_id=entry.camera_id, error=error)
                self._queue.spoil(entry)
            except (ObjectStoreError, DeliveryError) as error:
                self._queue.release(entry)
                self._metrics.send_failed()
                attempt += 1
                _log.warning("clip not sent", camera_id=entry.camera_id, attempt=attempt, error=error)
                stop.wait(self._backoff.wait_s(attempt))
            else:
                attempt = 0
