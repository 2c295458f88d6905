"""A whole search of recordings: against the embedding service alone, and a camera's day of 5,000 faces.

`make bench-search`. The services run as they do in production, with S3, the log, gRPC and the store of templates; the
crops and the messages about them are put there as detection would.
"""

import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from archive import Archive, fill, pictures
from embedding import BareModel, references_of

from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.shared.vision.alignment import inner
from homeward.shared.vision.jpeg import decode_picture
from homewardapi.face.v1.face_pb2 import ClipFaces
from measure import Figure, figure, publish
from support.costs import cpu_seconds
from support.pipeline import Pipeline, running
from support.scenes import person_ids, reference_photo
from support.templates import embedder_channel

_CORES = os.cpu_count() or 1
_DAY_CLIPS = 8640
_DAY_FACES = 5000
_FACES_A_CLIP = 4
_WORTH_S = 1800.0


@dataclass(frozen=True, slots=True)
class Run:
    """One search: how long it took, the faces compared, and the crops that it had embedded."""

    seconds: float
    faces: int
    crops: int


def embedded(pipeline: Pipeline) -> int:
    """Return how many crops the embedding service has made templates of."""
    port = pipeline.operator.context.operations_ports["embedding"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    name = 'homeward_embedding_templates_total{kind="crop"} '
    return int(sum(float(line.removeprefix(name)) for line in lines if line.startswith(name)))


def search(pipeline: Pipeline, camera_id: str, begins: datetime) -> Run:
    """Search a camera's day, from the authorisation's event to the last task's completion."""
    before, begun = embedded(pipeline), time.monotonic()
    photo = reference_photo(person_ids()[0]).read_bytes()
    issued = pipeline.authorise([photo], [camera_id], begins, begins + timedelta(days=1))
    progress = pipeline.operator.wait_searched(issued.authorisation_id, timedelta(seconds=_WORTH_S))
    took_s = time.monotonic() - begun
    pipeline.close(issued.authorisation_id)
    print(
        f"{progress.faces_compared} faces in {took_s:.1f} s, {progress.candidates} candidates, "
        f"{progress.expected_false_candidates:.1f} strangers expected"
    )
    return Run(took_s, progress.faces_compared, embedded(pipeline) - before)


def embedding_alone(pipeline: Pipeline, archive: Archive, camera_id: str, begins: datetime, crops: int) -> float:
    """Return templates a second of the embedding service, asked for the best crop of each face by two callers."""
    messages = [event.message for event in archive.events if isinstance(event.message, ClipFaces)]
    references = references_of(messages)[:crops]
    photo = reference_photo(person_ids()[0]).read_bytes()
    issued = pipeline.authorise([photo], [camera_id], begins, begins + timedelta(hours=1))
    pipeline.operator.wait_searched(issued.authorisation_id, timedelta(seconds=_WORTH_S))
    with embedder_channel(pipeline) as channel:
        client = GrpcEmbedder(channel, timedelta(seconds=300))
        begun = time.monotonic()
        client.embed(pipeline.token(issued.authorisation_id), references, lambda: True)
        took_s = time.monotonic() - begun
    pipeline.close(issued.authorisation_id)
    return len(references) / took_s


def clips_of(faces: int, clips: int) -> Sequence[int]:
    """Return the faces of each of a camera's clips: a few clips with some, spread over many with none."""
    busy = faces // _FACES_A_CLIP
    counts = np.zeros(clips, dtype=int)
    counts[np.linspace(0, clips - 1, busy).astype(int)] = _FACES_A_CLIP
    return [int(count) for count in counts]


def against_embedding(pipeline: Pipeline, begins: datetime) -> Figure:
    """Return how near a whole search comes to the embedding service asked for the same number of crops."""
    gate = fill(pipeline.operator.store, "gate", begins, clips_of(600, 400))
    pipeline.operator.publish(*gate.events)
    runs, alone = [], []
    for _ in range(3):
        runs.append(search(pipeline, "gate", begins))
        alone.append(embedding_alone(pipeline, gate, "gate", begins, runs[-1].crops))
    return figure(
        "search.faces_per_s_vs_embedding",
        [run.crops / run.seconds / rate for run, rate in zip(runs, alone, strict=True)],
        unit="of embedding alone",
        at_least=0.8,
        against=f"the embedding service alone ({alone[0]:.0f} templates/s)",
        source=f"{gate.faces} faces, {runs[0].crops} of their {gate.crops} crops embedded; enrolment, planning and "
        "a wait of 1 s included",
    )


def spent(pipeline: Pipeline) -> dict[str, float]:
    """Return the seconds of CPU that each process has taken."""
    children = pipeline.stack.children()
    return {name: cpu_seconds(child.pid) for name, child in children.items() if child.pid is not None}


def camera_day(pipeline: Pipeline, begins: datetime) -> Figure:
    """Return the seconds that a search of a camera's day takes."""
    day = fill(pipeline.operator.store, "hall", begins, clips_of(_DAY_FACES, _DAY_CLIPS))
    pipeline.operator.publish(*day.events)
    before = spent(pipeline)
    run = search(pipeline, "hall", begins)
    took = ", ".join(f"{name} {after - before[name]:.1f} s" for name, after in spent(pipeline).items())
    jpegs = [jpeg for person in person_ids() for jpeg in pictures(person)]
    bare = BareModel().templates_per_s(np.stack([inner(decode_picture(one, 10**6)) for one in jpegs]))
    return figure(
        "search.camera_day_s",
        [run.seconds],
        unit="s",
        at_most=30,
        against=f"the bare model on the same crops, {_CORES} interpreters: {run.crops / bare:.0f} s",
        source=f"{day.faces} faces in {_DAY_CLIPS} clips, {run.crops} of their {day.crops} crops embedded; CPU: {took}",
    )


def main() -> None:
    """Measure and publish."""
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=25)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), services=["embedding", "matching"]) as pipeline,
    ):
        publish(against_embedding(pipeline, begins))
        publish(camera_day(pipeline, begins))


if __name__ == "__main__":
    main()
