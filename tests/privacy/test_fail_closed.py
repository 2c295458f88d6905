"""Invariants 1 and 9: what cannot be verified opens nothing, wherever it is put."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.matching.ports import CropReference, EmbedderDeniedError, NoTemplate, PhotoReference
from homeward.shared.authorisation import Rank, SigningKey, issue
from homeward.shared.authorisation.policy import Official
from homeward.shared.events import new_event, removal
from homeward.shared.ids import state_event_id
from homeward.shared.instants import to_timestamp
from homeward.shared.objectkeys import SUBJECTS_BUCKET, photo_key
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_OPEN, Authorisation
from homewardapi.embedding.v1.embedding_service_pb2 import RefusalReason
from support.authorisations import claims_for, request
from support.scenes import reference_photo
from support.templates import crops, embedder_channel
from support.world import World

SOURCE = "homeward/somebody"
OFFICER = Official("somebody", Rank.OFFICER)
APPROVER = Official("somebody-else", Rank.SUPERVISOR)


def forged_token(world: World, authorisation_id: str) -> str:
    """Return a token that is right in everything but the key that signed it."""
    now = datetime.now(UTC)
    asked = request(
        authorisation_id,
        requester=OFFICER,
        camera_ids=sorted(world.scene.videos),
        window=(world.starts_at, now + timedelta(hours=1)),
        lifetime=timedelta(hours=2),
    )
    return issue(claims_for(asked, APPROVER, now=now), SigningKey.generate())


def test_a_forged_authorisation_on_the_topic_opens_nothing(world: World) -> None:
    authorisation_id = str(uuid4())
    operator = world.pipeline.operator
    operator.store.put(SUBJECTS_BUCKET, photo_key(authorisation_id, 0), reference_photo(world.people[0]).read_bytes())
    now = datetime.now(UTC)
    state = Authorisation(
        authorisation_id=authorisation_id,
        state=AUTHORISATION_STATE_OPEN,
        optional_token=forged_token(world, authorisation_id),
        changed_at=to_timestamp(now),
    )
    event_id = state_event_id("authorisation", authorisation_id, now)
    operator.publish(new_event(AUTHORISATIONS, event_id, SOURCE, now, state))
    assert operator.wait_searched(authorisation_id, timedelta(seconds=60)).refusal == "not authorised"
    assert operator.templates_at_rest() == 0
    assert operator.sightings(authorisation_id) == []
    # Nobody opened it, so that nobody can close it: its key is taken off the topic again.
    operator.publish(removal(AUTHORISATIONS, str(uuid4()), SOURCE, datetime.now(UTC), authorisation_id))
    operator.store.delete(SUBJECTS_BUCKET, photo_key(authorisation_id, 0))


def test_embedding_denies_a_forged_token(world: World) -> None:
    with embedder_channel(world.pipeline) as channel:
        client = GrpcEmbedder(channel, timedelta(seconds=30))
        with pytest.raises(EmbedderDeniedError):
            client.embed(forged_token(world, str(uuid4())), crops(world.pipeline)[:1], lambda: True)


def test_embedding_refuses_what_lies_outside_the_authorisation(world: World) -> None:
    """Another camera's crops, another time's, another search's photo, and a key that is none."""
    first, second = sorted(world.scene.videos)[:2]
    photo = reference_photo(world.people[0]).read_bytes()
    pipeline = world.pipeline
    other = pipeline.authorise([photo], [second], world.starts_at, world.ends_at)
    mine = pipeline.authorise([photo], [first], world.starts_at, world.starts_at + timedelta(seconds=8))
    everywhere = crops(pipeline)
    elsewhere = next(crop for crop in everywhere if f"/{second}/" in crop.crops_key)
    later = max((crop for crop in everywhere if f"/{first}/" in crop.crops_key), key=lambda crop: crop.crops_key)
    asked: list[CropReference | PhotoReference] = [
        elsewhere,
        later,
        CropReference("../subjects/0.jpg", 0, 100),
        CropReference(f"{photo_key(mine.authorisation_id, 0)}", 0, 100),
        PhotoReference(photo_key(other.authorisation_id, 0)),
    ]
    with embedder_channel(pipeline) as channel:
        answers = GrpcEmbedder(channel, timedelta(seconds=60)).embed(
            pipeline.token(mine.authorisation_id), asked, lambda: True
        )
    outside = RefusalReason.REFUSAL_REASON_OUTSIDE_AUTHORISATION
    assert answers == [NoTemplate(outside)] * len(asked)
    for issued in (mine, other):
        pipeline.close(issued.authorisation_id)
    pipeline.operator.wait_templates(0, timedelta(seconds=30))


def test_a_closed_authorisation_put_on_the_topic_again_opens_nothing(world: World) -> None:
    pipeline, now = world.pipeline, datetime.now(UTC)
    photo = reference_photo(world.people[2]).read_bytes()
    issued = pipeline.authorise([photo], sorted(world.scene.videos), world.starts_at, world.ends_at)
    pipeline.operator.wait_searched(issued.authorisation_id, timedelta(seconds=60))
    token = pipeline.token(issued.authorisation_id)
    pipeline.close(issued.authorisation_id)
    pipeline.operator.wait_templates(0, timedelta(seconds=30))
    again = Authorisation(
        authorisation_id=issued.authorisation_id,
        state=AUTHORISATION_STATE_OPEN,
        optional_token=token,
        changed_at=to_timestamp(now),
    )
    event_id = state_event_id("authorisation", issued.authorisation_id, now)
    pipeline.operator.publish(new_event(AUTHORISATIONS, event_id, SOURCE, now, again))
    # A search that was going to begin would have enrolled its subject by then.
    pipeline.stack.clock.sleep(5)
    assert pipeline.operator.templates_at_rest() == 0
    pipeline.operator.publish(removal(AUTHORISATIONS, str(uuid4()), SOURCE, datetime.now(UTC), again.authorisation_id))
