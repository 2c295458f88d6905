"""Templates a second through the running service against the bare model in a loop.

`make bench-embedding`. The service does what it does in production: it reads each crop from S3, checks the
authorisation for each, and answers over gRPC; the bare model has the decoded faces in memory, one interpreter a core.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from archive import fill, pictures
from numpy.typing import NDArray

from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.answers import EmbedderModel
from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.matching.ports import CropReference
from homeward.matching.template import Template
from homeward.shared.models.library import ModelLibrary
from homeward.shared.vision.alignment import inner
from homeward.shared.vision.jpeg import decode_picture
from homewardapi.face.v1.face_pb2 import ClipFaces
from measure import Figure, figure, publish, repeated
from support.models import model_folder
from support.pipeline import Pipeline, running
from support.scenes import person_ids, reference_photo
from support.templates import embedder_channel

_CORES = os.cpu_count() or 1
_MODEL = "mobilefacenet"
_FACES_A_CLIP = 4
_CLIPS = 40


class BareModel:
    """One interpreter a core, in memory, with nothing around it."""

    def __init__(self) -> None:
        library = ModelLibrary(model_folder())
        model = EmbedderModel(_MODEL, library.manifest.model(_MODEL).sha256)
        self.engines = [LiteRtEmbedder(library.read(_MODEL), model) for _ in range(_CORES)]

    def templates_per_s(self, faces: NDArray[np.uint8]) -> float:
        """Return templates a second of `faces`, uint8 Nx112x112x3, one at a time in each interpreter."""

        def loop(engine: LiteRtEmbedder, share: NDArray[np.uint8]) -> None:
            for face in share:
                engine.embed(face[None])

        begun = time.monotonic()
        with ThreadPoolExecutor(_CORES) as pool:
            list(pool.map(loop, self.engines, np.array_split(faces, _CORES)))
        return len(faces) / (time.monotonic() - begun)


def service_templates_per_s(pipeline: Pipeline, token: str, references: list[CropReference]) -> float:
    """Return templates a second of the running service, asked by one caller in one stream."""
    with embedder_channel(pipeline) as channel:
        client = GrpcEmbedder(channel, timedelta(seconds=300))
        begun = time.monotonic()
        answers = client.embed(token, references, lambda: True)
        assert all(isinstance(answer, Template) for answer in answers)
        return len(references) / (time.monotonic() - begun)


def cpu_s(engine: LiteRtEmbedder, canvases: NDArray[np.uint8]) -> float:
    """Return seconds of CPU for one template from an aligned canvas, its mirror image included."""
    begun = time.process_time()
    for canvas in canvases:
        engine.embed(inner(canvas)[None])
    return (time.process_time() - begun) / len(canvases)


def dlib_cpu_s(canvases: NDArray[np.uint8], folder: Path) -> tuple[str, float]:
    """Return which dlib it is and its seconds of CPU for one template, in an environment that uv makes for it."""
    file = folder / "faces.npz"
    np.savez(file, faces=canvases)
    wanted = [f"--with={name}" for name in ("dlib-bin", "face_recognition_models", "numpy", "setuptools<81")]
    peer = Path(__file__).with_name("dlib_peer.py")
    command = ["-m", "uv", "run", "--quiet", "--no-project", "--python", sys.executable, *wanted, "python"]
    done = subprocess.run(
        [sys.executable, *command, "-W", "ignore", str(peer), str(file)], check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    uses = ", ".join(f"{'with' if used else 'no'} {name}" for name, used in told["uses"].items())
    return f"dlib-bin {told['version']} ({uses})", told["seconds"]


def against_dlib(folder: Path) -> Figure:
    """Return how many templates ours makes while dlib makes one, on one core, from the same crops."""
    jpegs = [pictures(person)[0] for person in person_ids()[:30]]
    canvases = np.stack([decode_picture(jpeg, 10**6) for jpeg in jpegs])
    engine = BareModel().engines[0]
    peers: list[tuple[str, float, float]] = []

    def once() -> float:
        (name, theirs), ours = dlib_cpu_s(canvases, folder), cpu_s(engine, canvases)
        peers.append((name, theirs, ours))
        return theirs / ours

    runs = repeated(once)
    name, theirs, ours = sorted(peers, key=lambda one: one[1] / one[2])[len(peers) // 2]
    return figure(
        "embedding.templates_per_core_vs_dlib",
        runs,
        unit="times",
        at_least=12,
        against=f"face_recognition's model by {name}: {theirs * 1000:.1f} ms of CPU a template; ours {ours * 1000:.1f}",
        source=f"{len(canvases)} aligned crops, seconds of CPU of one core",
    )


def references_of(messages: list[ClipFaces]) -> list[CropReference]:
    """Return a reference to every crop, clip by clip."""
    return [
        CropReference(message.optional_crops_key, crop.offset_bytes, crop.length_bytes)
        for message in messages
        for face in message.faces
        for crop in face.crops
    ]


def main() -> None:
    """Measure and publish."""
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), services=["embedding", "matching"]) as pipeline:
        archive = fill(pipeline.operator.store, "gate", begins, [_FACES_A_CLIP] * _CLIPS)
        references = references_of([one.message for one in archive.events if isinstance(one.message, ClipFaces)])
        photo = reference_photo(person_ids()[0]).read_bytes()
        issued = pipeline.authorise([photo], ["gate"], begins, begins + timedelta(hours=1))
        pipeline.operator.wait_searched(issued.authorisation_id, timedelta(seconds=60))
        jpegs = [jpeg for person in person_ids() for jpeg in pictures(person)]
        faces = np.stack([inner(decode_picture(jpeg, 10**6)) for jpeg in jpegs])
        model = BareModel()
        bare, service = [], []

        def once() -> float:
            bare.append(model.templates_per_s(faces))
            service.append(service_templates_per_s(pipeline, pipeline.token(issued.authorisation_id), references))
            return 0.0

        once()
        bare.clear()
        service.clear()
        repeated(once)
        pipeline.close(issued.authorisation_id)
    with tempfile.TemporaryDirectory() as folder:
        peer = against_dlib(Path(folder))
    publish(
        peer,
        figure(
            "embedding.templates_vs_bare_model",
            [ours / theirs for ours, theirs in zip(service, bare, strict=True)],
            unit="of the bare model's templates/s",
            at_least=0.9,
            against=f"LiteRT alone, {_CORES} interpreters ({np.median(bare):.0f} templates/s)",
            source=f"{len(references)} crops of {_CLIPS} clips; one stream, each crop from S3 and authorised",
        ),
    )


if __name__ == "__main__":
    main()
