"""Writes down what became of one camera's time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from homeward.ingest.media.coverage import Cause, Coverage, GapSpan
from homeward.ingest.media.cutting import Tally
from homeward.ingest.media.stretches import Footage, Stretch
from homeward.ingest.media.timeline import Span
from homeward.ingest.ports import CameraState, StretchSpool, VideoSession


class Ledger:
    """One camera's stretches, each spooled before the next one is begun. Used by the camera's own thread.

    `recording` is the id of the recording that is read, None for a live camera. `behind` is how far the clock that
    places the camera's clips is behind the recorder's: a gap is told by the same clock, so that the clip after it is
    not pushed away from its own time.
    """

    def __init__(
        self,
        spool: StretchSpool,
        camera_id: str,
        coverage: Coverage,
        *,
        recording: str | None = None,
        told: Callable[[Stretch], None],
    ) -> None:
        """`told` is called for each stretch once it is spooled, for the metrics."""
        self._spool = spool
        self._camera_id = camera_id
        self._recording = recording
        self._told = told
        self.coverage = coverage
        self.behind = timedelta(0)

    def gap_until(self, at: datetime, *, at_least: timedelta = timedelta(0)) -> None:
        """Tell the gap from the last stretch to `at` by the recorder's clock, if it is as long as `at_least`."""
        at -= self.behind
        through = self.coverage.through
        if through is not None and at - through < at_least:
            return
        self._gap(self.coverage.gap_until(at))

    def footage(
        self, span: Span, draft: Path, tally: Tally, session: VideoSession, audio_codec: str | None = None
    ) -> None:
        """Tell a finished clip, and the gap before it."""
        self._gap(self.coverage.footage(span))
        sealed = self._spool.seal(draft)
        facts = Footage(
            sealed.size_bytes,
            sealed.sha256,
            session.codec,
            session.width_px,
            session.height_px,
            tally.frame_count,
            tally.key_frame_count,
            tally.key_frame_interval,
            audio_codec,
            span.source.value,
        )
        self._add(Stretch(self._camera_id, span.starts_at, span.ends_at, facts), draft)

    def failed(self, span: Span, cause: Cause) -> None:
        """Tell a clip that could not be written, and the gap before it."""
        self._gap(self.coverage.footage(span))
        self._add(Stretch(self._camera_id, span.starts_at, span.ends_at, cause), None)

    def _gap(self, gap: GapSpan | None) -> None:
        if gap is not None:
            self._add(Stretch(self._camera_id, gap.starts_at, gap.ends_at, gap.cause), None)

    def _add(self, stretch: Stretch, draft: Path | None) -> None:
        state = CameraState(through=stretch.ends_at, recording=self._recording)
        self._spool.add(stretch, draft, state, replayable=self._recording is not None)
        self._told(stretch)
