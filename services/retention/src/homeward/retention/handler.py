"""The use case: end what has ended, delete what is too old, leave nothing behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.retention.authorisations import AuthorisationTable, Ended, Ending
from homeward.retention.backstop import Backstop
from homeward.retention.holds import HoldTable
from homeward.retention.limit_table import LimitTable
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.ports import TemplatesUnavailableError
from homeward.retention.sweep import Sweeper
from homeward.retention.wipe import Wiper
from homeward.shared.clock import Clock
from homeward.shared.objectkeys import SUBJECTS_BUCKET
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.telemetry.logging import get_logger

ORPHAN_GRACE: Final = timedelta(minutes=15)
"""Photos are stored before their authorisation is announced; whatever lies longer without one belongs to none."""

ANNOUNCED_AGAIN_FOR: Final = timedelta(days=7)
"""How long after its end an authorisation is wiped and announced again by each start, in case a crash cut it short.
Later, only what a listing still shows is."""

_log = get_logger()


@dataclass(slots=True)
class _Progress:
    """How far the wiping of one ended authorisation has come in this process."""

    told: bool = False
    photos: bool = False
    templates: bool = False
    attempts: int = 0
    not_before: datetime | None = None

    @property
    def done(self) -> bool:
        return self.told and self.photos and self.templates


class RetentionHandler:
    """Does what is due at each step. It keeps only what it has done in this process; the rest is in the tables."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        authorisations: AuthorisationTable,
        holds: HoldTable,
        limits: LimitTable,
        sweeper: Sweeper,
        wiper: Wiper,
        backstop: Backstop,
        clock: Clock,
        metrics: RetentionMetrics,
        sweep_every: timedelta,
        backoff: Backoff,
    ) -> None:
        self._store = store
        self._authorisations = authorisations
        self._holds = holds
        self._limits = limits
        self._sweeper = sweeper
        self._wiper = wiper
        self._backstop = backstop
        self._clock = clock
        self._metrics = metrics
        self._sweep_every = sweep_every
        self._backoff = backoff
        self._started_at = clock.now()
        self._progress: dict[tuple[str, datetime | None], _Progress] = {}
        self._next_sweep: datetime | None = None

    def step(self) -> None:
        """Do what is due now. Called again and again, by one thread, once the tables are read to their ends.

        Raises ObjectStoreUnavailableError, DeliveryError or AuditUnavailableError; calling again takes up what is left.
        """
        self._end_authorisations()
        self._limits.settle()
        now = self._clock.now()
        if self._next_sweep is None or now >= self._next_sweep:
            self._sweep(now)

    def _end_authorisations(self) -> None:
        now = self._clock.now()
        # By the end too: one that is opened anew and ends again must be wiped again.
        ended = {(one.authorisation_id, one.since): one for one in self._authorisations.ended(now)}
        self._progress = {key: self._progress.get(key, _Progress()) for key in ended}
        for key, progress in self._progress.items():
            if not progress.done and (progress.not_before is None or now >= progress.not_before):
                self._end(ended[key], progress)
        self._metrics.wipes_pending.set(sum(not progress.done for progress in self._progress.values()))

    def _end(self, ended: Ended, progress: _Progress) -> None:
        name = ended.authorisation_id
        if ended.ending is Ending.RUN_OUT and not progress.told:
            # First, so that everybody stops although the wiping may have to wait.
            self._wiper.close(ended)
        progress.told = True
        announce = ended.since is not None and self._clock.now() - ended.since < ANNOUNCED_AGAIN_FOR
        if not progress.photos:
            progress.photos = self._wiper.wipe_photos(ended, announce=announce)
        try:
            progress.templates = self._wiper.wipe_templates(ended, announce=announce)
        except TemplatesUnavailableError:
            self._metrics.failures.labels("matching").inc()
            _log.warning("templates are not wiped yet: matching is away", authorisation_id=name)
        if not progress.done:
            progress.attempts += 1
            progress.not_before = self._clock.now() + timedelta(seconds=self._backoff.wait_s(progress.attempts))

    def _sweep(self, now: datetime) -> None:
        self._backstop.set_buckets(self._holds.in_force(now))
        self._sweeper.sweep()
        self._wipe_orphans(now)
        self._next_sweep = now + self._sweep_every
        self._metrics.last_sweep_at.set(now.timestamp())

    def _wipe_orphans(self, now: datetime) -> None:
        newest: dict[str, datetime] = {}
        for info in self._store.list(SUBJECTS_BUCKET):
            owner, slash, _ = info.key.partition("/")
            if slash:
                newest[owner] = max(info.modified_at, newest.get(owner, info.modified_at))
        kept = self._authorisations.open_ids(self._clock.now())
        if now - self._started_at < ORPHAN_GRACE:
            kept |= self._authorisations.unverified_ids()
        for owner, written_at in newest.items():
            if owner not in kept and now - written_at > ORPHAN_GRACE:
                _log.warning("photos without an authorisation are wiped", authorisation_id=owner)
                self._wiper.wipe_photos(Ended(owner, Ending.CLOSED, None), announce=True)
