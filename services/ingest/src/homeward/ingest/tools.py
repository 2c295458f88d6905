"""What every camera's recorder works with."""

from dataclasses import dataclass, field
from datetime import timedelta

from homeward.ingest.cameras.sources import SHORTEST_CLIP, SourceSpec
from homeward.ingest.imports.folder_files import FootageFolders, NoFolders
from homeward.ingest.media.camera_clock import CameraClockWatch
from homeward.ingest.media.cutting import Cutter
from homeward.ingest.media.decode_checks import CHECK_EACH
from homeward.ingest.media.feed import Feed
from homeward.ingest.media.gate import Gate
from homeward.ingest.media.ledger import Ledger
from homeward.ingest.media.phase import first_length
from homeward.ingest.media.timeline import TRUSTED_WITHIN, Timeline
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import ClipWriters, StretchSpool, VideoSession, VideoSources
from homeward.ingest.sharing.claimed_spool import Predecessors
from homeward.ingest.status.figures import FigureBook
from homeward.ingest.turnstile import Turnstile
from homeward.shared.clock import Clock
from homeward.shared.runtime.backoff import Backoff


@dataclass(frozen=True, slots=True)
class Tools:
    """What every camera's recorder works with; safe to share between threads.

    `turnstile` spaces attempts to connect; None where there are few. `predecessors` is None for a recorder that is
    alone.
    """

    sources: VideoSources
    writers: ClipWriters
    spool: StretchSpool
    clock: Clock
    backoff: Backoff
    metrics: IngestMetrics
    book: FigureBook = field(default_factory=FigureBook)
    folders: FootageFolders = field(default_factory=NoFolders)
    camera_clock_limit: timedelta = TRUSTED_WITHIN
    check_each: timedelta = CHECK_EACH
    turnstile: Turnstile | None = None
    predecessors: Predecessors | None = None

    def feed(
        self,
        spec: SourceSpec,
        session: VideoSession,
        *,
        timeline: Timeline,
        gate: Gate,
        ledger: Ledger,
        live: bool,
        watch: CameraClockWatch | None = None,
    ) -> Feed:
        """Return what makes clips of one session; `live` says that its packets come as they are taken.

        `watch` follows the camera's clock from one session to the next.
        """
        figures = self.book.of(spec.camera_id)
        return Feed(
            spec.camera_id,
            session,
            timeline=timeline,
            cutter=Cutter(spec.clip_length, first=self._first_length(spec)),
            gate=gate,
            ledger=ledger,
            writers=self.writers,
            spool=self.spool,
            clock=self.clock,
            live=live,
            figures=figures,
            watch=watch,
            check_each=self.check_each,
        )

    def _first_length(self, spec: SourceSpec) -> timedelta | None:
        if not spec.live:
            # A recording that is read again makes the same clips.
            return None
        return first_length(spec.camera_id, spec.clip_length, self.clock.now(), SHORTEST_CLIP)
