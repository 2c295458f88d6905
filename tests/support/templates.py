"""The templates that embedding computes, as matching sees them, for tests that look for traces of them."""

from datetime import timedelta

import grpc
import numpy as np
from numpy.typing import NDArray

from homeward.cli.certificates import peer_tls
from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.matching.ports import CropReference, PhotoReference
from homeward.matching.template import Template, combine
from homeward.shared.runtime.peers import connect
from homeward.shared.topics import FACES
from homewardapi.face.v1.face_pb2 import ClipFaces
from support.pipeline import Pipeline


def crops(pipeline: Pipeline) -> list[CropReference]:
    """Return a reference to every crop of every face found so far."""
    return [
        CropReference(message.optional_crops_key, crop.offset_bytes, crop.length_bytes)
        for event in pipeline.operator.log.snapshot(FACES)
        if isinstance(message := event.message, ClipFaces)
        for face in message.faces
        for crop in face.crops
    ]


def embedder_channel(pipeline: Pipeline) -> grpc.Channel:
    """Return a channel to embedding as matching has it: nobody else is answered."""
    context = pipeline.operator.context
    return connect(context.embedding_target, "embedding", peer_tls(context.tls_folder, "matching"))


def templates_of_everybody(pipeline: Pipeline, token: str, photo_key: str) -> dict[str, NDArray[np.float32]]:
    """Return the template of every crop, and of the reference photo as "subject", computed by the running service."""
    references = crops(pipeline)
    with embedder_channel(pipeline) as channel:
        client = GrpcEmbedder(channel, timedelta(seconds=300))
        answers = client.embed(token, [PhotoReference(photo_key), *references], lambda: True)
    names = ["subject", *(f"crop {index}" for index in range(len(references)))]
    if isinstance(answers[0], Template):
        # Stored is the mean of the photos' templates, of one here, made a unit's length once more.
        answers[0] = combine([answers[0]], [1.0])
    return {
        name: answer.values.astype(np.float32)
        for name, answer in zip(names, answers, strict=True)
        if isinstance(answer, Template)
    }
