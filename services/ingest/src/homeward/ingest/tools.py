"""What every camera's recorder works with."""

from dataclasses import dataclass

from homeward.ingest.cutting import Cutter
from homeward.ingest.feed import Feed
from homeward.ingest.gate import Gate
from homeward.ingest.ledger import Ledger
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import ClipWriters, StretchSpool, VideoSession, VideoSources
from homeward.ingest.sources import SourceSpec
from homeward.ingest.timeline import Timeline
from homeward.shared.clock import Clock
from homeward.shared.runtime.backoff import Backoff


@dataclass(frozen=True, slots=True)
class Tools:
    """What every camera's recorder works with; safe to share between threads."""

    sources: VideoSources
    writers: ClipWriters
    spool: StretchSpool
    clock: Clock
    backoff: Backoff
    metrics: IngestMetrics

    def feed(
        self, spec: SourceSpec, session: VideoSession, *, timeline: Timeline, gate: Gate, ledger: Ledger, live: bool
    ) -> Feed:
        """Return what makes clips of one session; `live` says that its packets come as they are taken."""
        return Feed(
            spec.camera_id,
            session,
            timeline=timeline,
            cutter=Cutter(spec.clip_length),
            gate=gate,
            ledger=ledger,
            writers=self.writers,
            spool=self.spool,
            clock=self.clock,
            live=live,
        )
