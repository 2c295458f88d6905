"""The composition root: settings, adapters, handler, service."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import cv2
from prometheus_client import CollectorRegistry

from homeward.detection.adapters.centerface_finder import centerface_finder
from homeward.detection.adapters.mediapipe_finder import MediapipeFinder
from homeward.detection.adapters.pyav_clip import PyavClipReader, silence_ffmpeg
from homeward.detection.adapters.yunet_finder import yunet_finder
from homeward.detection.handler import SOURCE, DetectionHandler
from homeward.detection.metrics import DetectionMetrics
from homeward.detection.ports import FaceFinder
from homeward.detection.search import SearchRules
from homeward.detection.settings import DetectionSettings
from homeward.shared.clock import SystemClock
from homeward.shared.models.library import ModelLibrary, State
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CLIPS

_SERVICE: Final = "detection"
_MODELS: Final = {"blazeface": "blazeface-full-range", "yunet": "yunet", "centerface": "centerface"}

_SINGLE_SCORE: Final = 0.15
"""How much surer than the least score a face must be that BlazeFace saw in a single sample.

Of the other two it is not asked: many a walker is in one key frame alone, and one in ten of their true faces of 36 px
would be lost for one false face in ten pictures.
"""


def run(settings: DetectionSettings) -> int:
    """Run detection until it is told to stop; return the process's exit status."""
    clock = SystemClock()
    registry = CollectorRegistry()
    configure_logging(settings.log, _SERVICE, dropped=DroppedFields(registry))
    silence_ffmpeg()
    # Replicas use the machine's cores: threads within one would only make each clip dearer.
    cv2.setNumThreads(1)

    finder = make_finder(settings)
    producer = EventProducer(settings.kafka, client_id=f"homeward-{_SERVICE}")
    handler = DetectionHandler(
        store=MinioStore(settings.object_store),
        reader=PyavClipReader(most_pixels=settings.most_frame_pixels),
        finder=finder,
        rules=rules(settings),
        dense=timedelta(seconds=settings.dense_key_frames_s),
        metrics=DetectionMetrics(registry),
        clock=clock,
    )
    consumer = Consumer(
        settings.kafka,
        group=_SERVICE,
        topics=[CLIPS],
        handler=handler,
        producer=producer,
        metrics=RuntimeMetrics(registry),
        clock=clock,
        source=SOURCE,
    )
    operations = OperationsServer(settings.operations, registry=registry)
    return run_service([consumer], operations=operations, clock=clock, closing=[producer.close, finder.close])


def make_finder(settings: DetectionSettings) -> FaceFinder:
    """Return the face detector that the settings name; raises the models' errors, which say what to do."""
    library = ModelLibrary(settings.models_folder)
    choice = settings.finder
    if choice == "auto":
        # A damaged file is an error and no reason to take the other: the operator meant to have it.
        choice = "centerface" if library.state("yunet") is State.MISSING else "yunet"
    model = library.manifest.model(_MODELS[choice])
    makers: dict[str, Callable[..., FaceFinder]] = {
        "yunet": yunet_finder,
        "centerface": centerface_finder,
        "blazeface": MediapipeFinder,
    }
    return makers[choice](
        library.read(model.name),
        name=model.name,
        sha256=model.sha256,
        least_score=settings.finder_least_score,
        least_face_px=settings.least_face_px,
    )


def rules(settings: DetectionSettings) -> SearchRules:
    """Return what the settings say is worth looking at and keeping."""
    single = _SINGLE_SCORE if settings.finder == "blazeface" else 0.0
    return SearchRules(
        interval_s=1 / settings.samples_per_second,
        motion_threshold=settings.motion_threshold,
        motion_memory_s=settings.motion_memory_s,
        longest_gap_s=settings.longest_track_gap_s,
        least_quality=settings.least_quality,
        single_score=min(1.0, settings.finder_least_score + single),
        crops_per_face=settings.crops_per_face,
        ample_px=settings.ample_face_px,
    )
