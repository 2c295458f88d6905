"""Every metric of detection, named and described once."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from homewardapi.face.v1.face_pb2 import ClipFaces, DetectionOutcome

_CLIP_BUCKETS_S: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From a still clip of key frames alone to a crowd in full HD."""


class DetectionMetrics:
    """What detection counts. No label names a camera: their number is unbounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clips = Counter("homeward_detection_clips", "Clips answered, by outcome.", ["outcome"], registry=registry)
        self._camera_seconds = Counter(
            "homeward_detection_camera_seconds", "Camera time of the clips answered.", registry=registry
        )
        self._sampled = Counter(
            "homeward_detection_frames_sampled", "Frames in which faces were looked for.", registry=registry
        )
        self._still = Counter(
            "homeward_detection_frames_still", "Frames passed over because nothing had moved.", registry=registry
        )
        self._closer = Counter(
            "homeward_detection_closer_looks",
            "Clips of which frames between key frames were decoded for a face that these show poorly.",
            registry=registry,
        )
        self._faces = Counter(
            "homeward_detection_faces", "Faces followed, by whether a picture was kept.", ["crops"], registry=registry
        )
        self._crops = Counter("homeward_detection_crops", "Pictures of faces kept.", registry=registry)
        self._crop_bytes = Counter("homeward_detection_crop_bytes", "Bytes of the pictures kept.", registry=registry)
        self._seconds = Histogram(
            "homeward_detection_clip_seconds",
            "Time to read and search one clip and store its crops.",
            buckets=_CLIP_BUCKETS_S,
            registry=registry,
        )

    def looked_closer(self) -> None:
        """Count a clip that was decoded once more, about the best moments of faces shown poorly by its key frames."""
        self._closer.inc()

    def clip(self, answer: ClipFaces, seconds: float) -> None:
        """Count a clip that was answered within `seconds`."""
        outcome = DetectionOutcome.Name(answer.outcome).removeprefix("DETECTION_OUTCOME_").lower()
        self._clips.labels(outcome).inc()
        span = answer.ends_at.ToNanoseconds() - answer.starts_at.ToNanoseconds()
        self._camera_seconds.inc(max(0, span) / 1e9)
        self._sampled.inc(answer.frames_sampled)
        self._still.inc(answer.frames_still)
        for face in answer.faces:
            self._faces.labels("yes" if face.crops else "no").inc()
            self._crops.inc(len(face.crops))
            self._crop_bytes.inc(sum(crop.length_bytes for crop in face.crops))
        self._seconds.observe(seconds)
