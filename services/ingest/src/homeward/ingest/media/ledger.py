"""Writes down what became of one camera's time."""

import errno
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeward.ingest.media.coverage import Cause, Coverage, GapSpan
from homeward.ingest.media.cutting import Tally
from homeward.ingest.media.stretches import Footage, Stretch
from homeward.ingest.media.timeline import Span
from homeward.ingest.ports import CameraState, StretchSpool, VideoSession
from homeward.shared.telemetry.logging import get_logger

_MOST_UNTOLD: Final = 100
"""Gaps kept in memory while the disk takes none; past that, the last one takes in what follows, whatever its cause."""

_log = get_logger()


def cause_of(error: OSError) -> Cause:
    """Return why there is no footage where the disk refused a clip with `error`."""
    return Cause.SPOOL_OVERFLOW if error.errno in (errno.ENOSPC, errno.EDQUOT) else Cause.CORRUPT


class Ledger:
    """One camera's stretches, each spooled before the next one is begun. Used by the camera's own thread.

    A live clip that the disk does not take is a gap; a gap that it does not take is kept until it does, and whatever
    comes later waits for it. A recording's clip is never given up: its methods raise OSError, and it is read again.

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
        self._untold: deque[Stretch] = deque()
        """Gaps that are not spooled yet, in order and without a hole."""
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
        try:
            self._settle()
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
        except OSError as error:
            if self._recording is not None:
                raise
            _log.warning("clip is given up", camera_id=self._camera_id, error=error)
            # First: its room may be what the gap's record needs.
            self._spool.discard(draft)
            self._tell(GapSpan(span.starts_at, span.ends_at, cause_of(error)))

    def failed(self, span: Span, cause: Cause) -> None:
        """Tell a clip that could not be written, and the gap before it."""
        self._gap(self.coverage.footage(span))
        self._tell(GapSpan(span.starts_at, span.ends_at, cause))

    def _gap(self, gap: GapSpan | None) -> None:
        if gap is not None:
            self._tell(gap)

    def _tell(self, gap: GapSpan) -> None:
        """Spool a gap, or keep it until the disk takes it."""
        waited = len(self._untold)
        last = self._untold[-1] if waited else None
        if last is not None and (last.outcome is gap.cause or waited >= _MOST_UNTOLD):
            self._untold[-1] = replace(last, ends_at=gap.ends_at)
        else:
            self._untold.append(Stretch(self._camera_id, gap.starts_at, gap.ends_at, gap.cause))
        try:
            self._settle()
        except OSError as error:
            if self._recording is not None:
                raise
            if not waited:
                _log.error("gap waits for the disk", camera_id=self._camera_id, error=error)

    def _settle(self) -> None:
        """Spool the gaps that waited. Raises OSError while the disk does not take them."""
        while self._untold:
            self._add(self._untold[0], None)
            self._untold.popleft()

    def _add(self, stretch: Stretch, draft: Path | None) -> None:
        state = CameraState(through=stretch.ends_at, recording=self._recording)
        self._spool.add(stretch, draft, state, replayable=self._recording is not None)
        self._told(stretch)
