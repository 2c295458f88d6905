"""Templates a second through the real service against the bare model, and faces a second of a whole search.

`make bench-search`. The service does what it does in production: reads each crop from S3, checks the authorisation
for each, answers over gRPC; the bare model has the decoded faces in memory and one interpreter a core.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import grpc
import numpy as np

from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.answers import EmbedderModel
from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.shared.models.library import ModelLibrary
from homeward.shared.objectkeys import CROPS_BUCKET
from homeward.shared.vision.alignment import inner
from homeward.shared.vision.jpeg import decode_picture
from measure import figure, publish, repeated
from support.models import model_folder
from support.scenes import reference_photo
from support.templates import crops
from support.world import World, recorded_world

_CORES = os.cpu_count() or 1
_MODEL = "mobilefacenet"


def bare_templates_per_s(faces: np.ndarray) -> float:
    """Return templates a second of the model alone, one interpreter a core."""
    library = ModelLibrary(model_folder())
    model = EmbedderModel(_MODEL, library.manifest.model(_MODEL).sha256)
    engines = [LiteRtEmbedder(library.read(_MODEL), model) for _ in range(_CORES)]
    begun = time.monotonic()
    with ThreadPoolExecutor(_CORES) as pool:
        list(pool.map(lambda pair: pair[0].embed(pair[1]), zip(engines, np.array_split(faces, _CORES), strict=True)))
    return len(faces) / (time.monotonic() - begun)


def service_templates_per_s(world: World, token: str) -> float:
    """Return templates a second of the running service, asked by one caller."""
    references = crops(world.pipeline)
    with grpc.insecure_channel(world.pipeline.operator.context.embedding_target) as channel:
        client = GrpcEmbedder(channel, timedelta(seconds=300))
        begun = time.monotonic()
        client.embed(token, references, lambda: True)
        return len(references) / (time.monotonic() - begun)


def search_crops_per_s(world: World) -> float:
    """Return crops a second of a whole search: from the authorisation's event to the last task's completion."""
    references = len(crops(world.pipeline))
    begun = time.monotonic()
    world.search(world.people[0])
    return references / (time.monotonic() - begun)


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory() as folder, recorded_world(Path(folder), people=8, cameras=2) as world:
        operator = world.pipeline.operator
        photo = reference_photo(world.people[0]).read_bytes()
        issued = world.pipeline.authorise([photo], sorted(world.scene.videos), world.starts_at, world.ends_at)
        operator.wait_searched(issued.authorisation_id, timedelta(seconds=300))
        references = crops(world.pipeline)
        pictures = [
            operator.store.get_range(CROPS_BUCKET, one.crops_key, one.offset_bytes, one.length_bytes)
            for one in references
        ]
        faces = np.stack([inner(decode_picture(picture, 10**6)) for picture in pictures])
        source = f"{len(faces)} crops of composed walkers at 48 to 120 px"
        bare, service, whole = [], [], []

        def once() -> float:
            bare.append(bare_templates_per_s(faces))
            service.append(service_templates_per_s(world, issued.token))
            whole.append(search_crops_per_s(world))
            return 0.0

        repeated(once)
        world.pipeline.close(issued.authorisation_id)
        publish(
            figure(
                "embedding.templates_vs_bare_model",
                [ours / theirs for ours, theirs in zip(service, bare, strict=True)],
                unit="of the bare model's templates/s",
                at_least=0.9,
                against=f"LiteRT alone, {_CORES} interpreters ({bare[0]:.0f} templates/s)",
                source=source,
            ),
            figure(
                "search.faces_per_s_vs_embedding",
                [ours / theirs for ours, theirs in zip(whole, service, strict=True)],
                unit="of embedding alone",
                at_least=0.8,
                against=f"the embedding service alone ({service[0]:.0f} templates/s)",
                source=f"{source}; enrolment, planning and a wait of 1 s included",
            ),
        )


if __name__ == "__main__":
    main()
