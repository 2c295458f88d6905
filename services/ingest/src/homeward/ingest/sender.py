"""Sends what is spooled: the object stored, then the event delivered, then the spool freed, in this order."""

import errno
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from homeward.ingest.media.stretches import Claim, Footage, Stretch
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import Entry, SendQueue
from homeward.ingest.sharing.membership import SEND, Judgement, Verdict
from homeward.shared.clock import Clock
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStore, ObjectStoreError
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError, EventSender
from homeward.shared.telemetry.logging import get_logger

CONTENT_TYPE: Final = "video/mp4"
_CLAIM_S: Final = 0.5
_PROOF_S: Final = 0.5
"""How long a stretch waits for the proof under way; proofs are a tenth of a second apart."""

_UNPROVEN_REST_S: Final = 1.0
"""How long a camera is passed over whose partition has no owner that is known."""

_DRAIN_S: Final = 10.0
"""How long after a stop what the recorders wrote last is still sent."""

_DRAIN_CLAIM_S: Final = 0.1

_log = get_logger()


class SpoiledError(Exception):
    """A spooled file is not what it was when it was sealed, or the disk cannot read it."""


def ask_nobody(claim: Claim | None, wait_s: float) -> Judgement:  # noqa: ARG001 - the signature of `ask`
    """Judge that every stretch may be told."""
    return SEND


class Sender:
    """A part that empties the spool on `workers` threads; the stretches of one camera go out in order.

    An object is stored before its clip is announced, and the spool is freed after: a crash in between repeats the
    same object under the same key and the same event under the same id. While the store or Kafka is away, or the disk
    refuses what is asked of it, everything waits in the spool. A stretch is announced only when no other replica can
    have told of its time: what is not proven yet waits, and what another replica took over is cut off there.
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
        ask: Callable[[Claim | None, float], Judgement] = ask_nobody,
        recorded: threading.Event | None = None,
    ) -> None:
        """`announced` is told each stretch that was announced, by the thread that sent it.

        `ask` judges a claim, and blocks for at most the seconds given. `recorded` is set when nothing more will be
        spooled: what is spooled then is still sent.
        """
        self._queue = queue
        self._store = store
        self._producer = producer
        self._backoff = backoff
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._announced = announced
        self._ask = ask
        self._recorded = recorded

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
        """Send one claimed stretch and free it.

        Raises ObjectStoreError, DeliveryError, SpoiledError and OSError, with the stretch kept.
        """
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
            try:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                raise SpoiledError(f"camera {entry.camera_id}: a spooled clip cannot be read") from None
            if digest != footage.sha256:
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
            attempt = self._send_next(stop, attempt, _CLAIM_S)
        if self._recorded is None or ended.is_set():
            return
        deadline_s = self._clock.monotonic() + _DRAIN_S
        while attempt == 0 and not ended.is_set() and self._clock.monotonic() < deadline_s:
            if self._recorded.is_set() and self._queue.empty():
                return
            attempt = self._send_next(stop, attempt, _DRAIN_CLAIM_S)

    def _send_next(self, stop: threading.Event, attempt: int, timeout_s: float) -> int:
        """Send one stretch, if there is one; return how many attempts in a row have failed."""
        entry = self._queue.claim(timeout_s)
        if entry is None:
            return attempt
        try:
            if not self._may_tell(entry):
                return attempt
            self._send_or_spoil(entry)
        except (ObjectStoreError, DeliveryError, OSError) as error:
            self._queue.release(entry)
            self._metrics.send_failed()
            _log.warning("clip not sent", camera_id=entry.camera_id, attempt=attempt + 1, error=error)
            stop.wait(self._backoff.wait_s(attempt + 1))
            return attempt + 1
        return 0

    def _send_or_spoil(self, entry: Entry) -> None:
        try:
            self.send(entry)
        except SpoiledError as error:
            _log.error("spooled clip is spoiled", camera_id=entry.camera_id, error=error)
            self._queue.spoil(entry)

    def _may_tell(self, entry: Entry) -> bool:
        """Whether a claimed stretch may be told as it is; else it is given back, cut off or let go."""
        judgement = self._ask(entry.stretch.claim, _PROOF_S)
        if judgement.verdict is Verdict.SEND:
            return True
        if judgement.verdict is Verdict.WAIT or judgement.since is None:
            self._queue.release(entry, _UNPROVEN_REST_S)
            return False
        shorter = entry.stretch.told_until(judgement.since)
        if shorter is None:
            _log.info("another replica tells of this time", camera_id=entry.camera_id)
            self._metrics.fenced()
            self._queue.free(entry)
        else:
            _log.info("another replica tells of the rest", camera_id=entry.camera_id)
            self._queue.shorten(entry, shorter)
        return False
