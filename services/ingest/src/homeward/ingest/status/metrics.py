"""The metrics of each camera that this replica answers for, made when they are asked for."""

import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from homeward.ingest.status.figures import FigureBook
from homeward.ingest.status.report import Measurement
from homeward.shared.clock import Clock
from homewardapi.camera.v1.camera_status_pb2 import CameraAlarm, CameraState

_CAMERA: Final = ("camera_id",)


class CameraMetrics(Collector):
    """The port `StatusBoard` as metrics.

    A label names a camera by its id alone; its series end when it leaves the replica. Rates are those of the camera's
    last minute.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        book: FigureBook,
        clock: Clock,
        *,
        oldest: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """`oldest` answers when what waits longest in the spool ended; None where nothing waits."""
        self._book = book
        self._clock = clock
        self._oldest = oldest
        self._lock = threading.Lock()
        self._measured: dict[str, Measurement] = {}
        self._skipped = Counter(
            "homeward_ingest_statuses_skipped", "Statuses of cameras that Kafka did not take.", registry=registry
        )
        registry.register(self)

    def show(self, measurement: Measurement) -> None:
        """Show a camera as it was just measured."""
        with self._lock:
            self._measured[measurement.camera_id] = measurement

    def remove(self, camera_id: str) -> None:
        """Show a camera no more."""
        with self._lock:
            self._measured.pop(camera_id, None)

    def skipped(self, statuses: int) -> None:
        """Count statuses that could not be told."""
        self._skipped.inc(statuses)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; called at each scrape, by its thread."""
        with self._lock:
            measured = list(self._measured.values())
        yield from self._sums(measured)
        yield from self._rates(measured)
        yield from self._forms(measured)
        yield from self._clocks(measured)
        yield from self._waiting(measured)
        yield from self._progress(measured)

    def _sums(self, measured: list[Measurement]) -> Iterator[Metric]:
        by_state = Tally(one.state for one in measured)
        states = GaugeMetricFamily(
            "homeward_ingest_cameras", "Cameras of this replica, by what their recorder does.", labels=["state"]
        )
        for state in CameraState.values():
            if state:
                states.add_metric([_short(CameraState.Name(state))], by_state[state])
        yield states
        by_alarm = Tally(alarm for one in measured for alarm in one.alarms)
        alarms = GaugeMetricFamily(
            "homeward_ingest_cameras_alarmed", "Cameras that an operator should look at, by why.", labels=["alarm"]
        )
        for alarm in CameraAlarm.values():
            if alarm:
                alarms.add_metric([_short(CameraAlarm.Name(alarm))], by_alarm[alarm])
        yield alarms
        yield GaugeMetricFamily(
            "homeward_ingest_bits_per_s",
            "Video and sound of all cameras together, over each camera's last minute.",
            value=sum(one.rates.bits_per_s for one in measured),
        )
        oldest = self._oldest()
        yield GaugeMetricFamily(
            "homeward_ingest_spool_oldest_age_s",
            "How long ago the stretch that waits longest to be sent ended; 0 where none waits.",
            value=0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds()),
        )

    def _rates(self, measured: list[Measurement]) -> Iterator[Metric]:
        bits = GaugeMetricFamily(
            "homeward_ingest_camera_bits_per_s", "Video and sound over the last minute.", labels=_CAMERA
        )
        frames = GaugeMetricFamily(
            "homeward_ingest_camera_frames_per_s", "Pictures over the last minute.", labels=_CAMERA
        )
        lost = CounterMetricFamily(
            "homeward_ingest_camera_packets_lost", "Transport packets that never came.", labels=_CAMERA
        )
        for one in measured:
            bits.add_metric([one.camera_id], one.rates.bits_per_s)
            frames.add_metric([one.camera_id], one.rates.frames_per_s)
            figures = self._book.find(one.camera_id)
            if figures is not None:
                lost.add_metric([one.camera_id], figures.counts().packets_lost)
        yield from (bits, frames, lost)

    def _forms(self, measured: list[Measurement]) -> Iterator[Metric]:
        form = GaugeMetricFamily(
            "homeward_ingest_camera_stream_info",
            "1; the labels are FFmpeg's names of the codecs that the camera sends, blank where no sound is recorded.",
            labels=(*_CAMERA, "codec", "audio_codec"),
        )
        width = GaugeMetricFamily("homeward_ingest_camera_width_px", "The picture's width.", labels=_CAMERA)
        height = GaugeMetricFamily("homeward_ingest_camera_height_px", "The picture's height.", labels=_CAMERA)
        for one in measured:
            if one.connection is not None:
                form.add_metric([one.camera_id, one.connection.codec, one.connection.audio_codec or ""], 1)
                width.add_metric([one.camera_id], one.connection.width_px)
                height.add_metric([one.camera_id], one.connection.height_px)
        yield from (form, width, height)

    def _clocks(self, measured: list[Measurement]) -> Iterator[Metric]:
        offset = GaugeMetricFamily(
            "homeward_ingest_camera_clock_offset_s", "The camera's clock less the recorder's.", labels=_CAMERA
        )
        drift = GaugeMetricFamily(
            "homeward_ingest_camera_clock_drift_ppm", "How fast the camera's clock gains.", labels=_CAMERA
        )
        for one in measured:
            if one.clock.offset is not None:
                offset.add_metric([one.camera_id], one.clock.offset.total_seconds())
            if one.clock.drift_ppm is not None:
                drift.add_metric([one.camera_id], one.clock.drift_ppm)
        yield from (offset, drift)

    def _waiting(self, measured: list[Measurement]) -> Iterator[Metric]:
        stretches = GaugeMetricFamily(
            "homeward_ingest_camera_spool_stretches", "The camera's stretches that wait to be sent.", labels=_CAMERA
        )
        size = GaugeMetricFamily("homeward_ingest_camera_spool_bytes", "The size of these.", labels=_CAMERA)
        for one in measured:
            stretches.add_metric([one.camera_id], one.waiting.stretches)
            size.add_metric([one.camera_id], one.waiting.size_bytes)
        yield from (stretches, size)

    def _progress(self, measured: list[Measurement]) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "homeward_ingest_camera_last_clip_age_s", "How long ago the last announced clip ended.", labels=_CAMERA
        )
        now = self._clock.now()
        for one in measured:
            figures = self._book.find(one.camera_id)
            if figures is not None and figures.last_clip is not None:
                age.add_metric([one.camera_id], (now - figures.last_clip.ends_at).total_seconds())
        yield age


def _short(name: str) -> str:
    return name.removeprefix("CAMERA_STATE_").removeprefix("CAMERA_ALARM_").lower()
