"""Wipes what an authorisation left behind: the subject's photos and templates."""

from datetime import datetime
from typing import Final

from homeward.retention.authorisations import Ended, Ending
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.ports import Events, Templates
from homeward.retention.source import SOURCE
from homeward.shared.audit import (
    DELETION_DUE,
    DELETION_GONE,
    DELETION_LEFT,
    PHOTOS,
    TEMPLATES,
    Audit,
    Entry,
    deletion_code,
)
from homeward.shared.clock import Clock
from homeward.shared.events import Event, new_event
from homeward.shared.ids import derived_id, state_event_id
from homeward.shared.instants import format_instant, to_timestamp
from homeward.shared.objectkeys import SUBJECTS_BUCKET, subject_prefix
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import AUTHORISATIONS, DELETIONS
from homewardapi.audit.v1 import audit_pb2
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason
from homewardapi.deletion.v1.deletion_pb2 import DeletedStore, Deletion, DeletionReason

_EXPIRED: Final = frozenset({Ending.EXPIRED, Ending.RUN_OUT})

_log = get_logger()


class Wiper:
    """Wipes one authorisation's subject. Every method is idempotent and answers whether nothing is left.

    What is about to be deleted is recorded first, and what a second look showed afterwards: each may raise
    AuditUnavailableError, and calling again takes up what is left.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        templates: Templates,
        events: Events,
        audit: Audit,
        clock: Clock,
        metrics: RetentionMetrics,
    ) -> None:
        self._store = store
        self._templates = templates
        self._events = events
        self._audit = audit
        self._clock = clock
        self._metrics = metrics

    def close(self, ended: Ended) -> None:
        """Tell everybody that an authorisation has run out. Raises DeliveryError."""
        changed_at = ended.since or self._clock.now()
        state = Authorisation(
            authorisation_id=ended.authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_CLOSED,
            # The end is the token's own, so that telling it twice tells the same.
            changed_at=to_timestamp(changed_at),
            optional_close_reason=CloseReason.CLOSE_REASON_EXPIRED,
        )
        event_id = state_event_id("authorisation", ended.authorisation_id, changed_at)
        self._events.send([new_event(AUTHORISATIONS, event_id, SOURCE, self._clock.now(), state)])

    def wipe_photos(self, ended: Ended, *, announce: bool) -> bool:
        """Delete the reference photos; announce it where there were any, or in any case when `announce` says so.

        Raises ObjectStoreUnavailableError or DeliveryError.
        """
        prefix = subject_prefix(ended.authorisation_id)
        before = list(self._store.list(SUBJECTS_BUCKET, prefix))
        if before:
            self._record(ended, PHOTOS, DELETION_DUE, len(before))
            self._store.delete_many(SUBJECTS_BUCKET, [info.key for info in before])
        after = list(self._store.list(SUBJECTS_BUCKET, prefix)) if before else []
        if before or announce:
            deleted = max(0, len(before) - len(after))
            size = max(0, sum(info.size_bytes for info in before) - sum(info.size_bytes for info in after))
            store = DeletedStore.DELETED_STORE_SUBJECTS
            self._record(ended, PHOTOS, DELETION_LEFT if after else DELETION_GONE, deleted)
            self._announce(store, ended, counts=(deleted, size, len(after)))
            self._metrics.objects_deleted.labels(SUBJECTS_BUCKET).inc(deleted)
        return not after

    def wipe_templates(self, ended: Ended, *, announce: bool) -> bool:
        """Have matching delete the templates; announce it as `wipe_photos` does.

        Raises TemplatesUnavailableError or DeliveryError.
        """
        # What is there is matching's to know: that it may be there is enough to say so first.
        self._record(ended, TEMPLATES, DELETION_DUE)
        wiped = self._templates.wipe(ended.authorisation_id)
        if wiped.deleted or wiped.remaining or announce:
            store = DeletedStore.DELETED_STORE_TEMPLATES
            self._record(ended, TEMPLATES, DELETION_LEFT if wiped.remaining else DELETION_GONE, wiped.deleted)
            self._announce(store, ended, counts=(wiped.deleted, 0, wiped.remaining))
        return wiped.remaining == 0

    def _record(self, ended: Ended, store: str, state: str, objects: int | None = None) -> None:
        # Said again by each start and each try, one end is the same record, unless something was deleted.
        once = None if objects or ended.since is None else format_instant(ended.since)
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_DELETED,
                SOURCE,
                authorisation_id=ended.authorisation_id,
                code=deletion_code(store, state),
                objects=objects,
                nonce=once,
            )
        )

    def _announce(self, store: DeletedStore.ValueType, ended: Ended, *, counts: tuple[int, int, int]) -> None:
        deleted, _, remaining = counts
        now = self._clock.now()
        self._events.send([_deletion(store, ended, now, counts)])
        _log.info(
            "wiped after its authorisation",
            authorisation_id=ended.authorisation_id,
            store=DeletedStore.Name(store),
            deleted=deleted,
            objects=remaining,
        )


def _deletion(store: DeletedStore.ValueType, ended: Ended, now: datetime, counts: tuple[int, int, int]) -> Event:
    expired = ended.ending in _EXPIRED
    deletion = Deletion(
        deletion_id=derived_id("deletion", DeletedStore.Name(store), ended.authorisation_id),
        reason=(
            DeletionReason.DELETION_REASON_AUTHORISATION_EXPIRED
            if expired
            else DeletionReason.DELETION_REASON_AUTHORISATION_CLOSED
        ),
        store=store,
        prefix=ended.authorisation_id,
        objects_deleted=counts[0],
        bytes_deleted=counts[1],
        objects_remaining=counts[2],
        deleted_at=to_timestamp(now),
    )
    return new_event(DELETIONS, deletion.deletion_id, SOURCE, now, deletion)
