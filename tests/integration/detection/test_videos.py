"""Real models over real video."""

import io
from typing import Any

import av
import pytest

from homewardapi.face.v1.face_pb2 import DetectionOutcome
from support.data import videos


def _as_mp4(name: str) -> tuple[bytes, float, tuple[int, int], int]:
    """Return a video as ingest would store it, without transcoding: bytes, seconds, size, packets."""
    buffer, packets, seconds = io.BytesIO(), 0, 0.0
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(videos() / name)) as source, av.open(buffer, "w", format="mp4", options=options) as target:
        stream: Any = source.streams.video[0]
        copy: Any = target.add_stream_from_template(stream)
        first = None
        for packet in source.demux(stream):
            if packet.dts is None:
                continue
            packets += 1
            first = packet.pts if first is None else first
            seconds = max(seconds, float((packet.pts - first) * stream.time_base))
            packet.stream = copy
            target.mux(packet)
        size = stream.codec_context.width, stream.codec_context.height
    return buffer.getvalue(), seconds, size, packets


@pytest.mark.parametrize(
    ("name", "least_people", "least_length"),
    [
        ("face-demographics-walking-and-pause.mp4", 3, 8),
        ("head-pose-face-detection-female-and-male.mp4", 2, 10),
        ("doorbell-person.mkv", 1, 6),
    ],
)
def test_people_are_found_followed_and_cut_out(
    world: Any, stored: Any, name: str, least_people: int, least_length: int
) -> None:
    video, seconds, size, packets = _as_mp4(name)
    answer = world.handle(stored(video, seconds, size), key_frame_interval_s=10, frames=packets)
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_COMPLETE
    long = [face for face in answer.faces if len(face.appearances) >= least_length and face.crops]
    assert len(long) >= least_people
    ends_at = answer.ends_at.ToNanoseconds() + 100_000_000
    for face in answer.faces:
        times = [appearance.at.ToNanoseconds() for appearance in face.appearances]
        assert times == sorted(set(times))
        assert answer.starts_at.ToNanoseconds() <= times[0]
        assert times[-1] <= ends_at


def test_an_aisle_with_nobody_facing_the_camera_has_no_faces(world: Any, stored: Any) -> None:
    video, seconds, size, packets = _as_mp4("store-aisle-detection.mp4")
    answer = world.handle(stored(video, seconds, size), key_frame_interval_s=10, frames=packets)
    assert list(answer.faces) == []
