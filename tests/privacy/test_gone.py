"""Invariant 8: what a search leaves is nothing, in any store, and a listing says so."""

from collections.abc import Iterator
from datetime import timedelta

from homeward.shared.objectkeys import SUBJECTS_BUCKET, subject_prefix
from homeward.shared.topics import DELETIONS
from homewardapi.deletion.v1.deletion_pb2 import Deletion
from support.asking import ask
from support.leavings import everything
from support.officials import api_of, eventually
from support.pipeline import Pipeline
from support.scenes import reference_photo
from support.traces import Words, search
from support.world import World

WIPED_WITHIN = timedelta(seconds=30)


def kept_by_homeward(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every place but the embedded object store's own files, which free a deleted object's bytes in their time.

    What that store still lists is among the places, as objects.
    """
    own = pipeline.stack.folder.objects.name
    return ((place, data) for place, data in everything(pipeline) if not place.startswith(f"file {own}/"))


def parts_of(photo: bytes) -> Words:
    """Return what betrays a photo: pieces of it, wherever they lie."""
    return Words({photo[at : at + 48]: "the photo" for at in range(1024, len(photo) - 48, 512)})


def test_an_ended_search_leaves_no_photo_in_any_store(world: World) -> None:
    pipeline, operator = world.pipeline, world.pipeline.operator
    officials = pipeline.officials
    request_id = ask(officials.officer, world, [reference_photo(world.people[3]).read_bytes()])
    with api_of(pipeline.stack, "officer") as officer:
        photo = officer.get(f"/requests/{request_id}/photos/0").content
    needles = [parts_of(photo)]
    # That it is found while it waits, and while it runs, shows that the search for it finds what there is.
    assert any("access.db" in place for place in search(kept_by_homeward(pipeline), needles))
    officials.supervisor.approve(request_id, "The mother came to the station.")
    operator.wait_templates(1, timedelta(seconds=60))
    assert any("object subjects/" in place for place in search(kept_by_homeward(pipeline), needles))
    officials.stop(request_id)
    operator.wait_templates(0, WIPED_WITHIN)
    listed = subject_prefix(request_id)
    eventually(lambda: not list(operator.store.list(SUBJECTS_BUCKET, listed)), WIPED_WITHIN, "the photos are gone")
    assert search(kept_by_homeward(pipeline), needles) == []


def test_a_refused_request_leaves_no_photo_in_any_store(world: World) -> None:
    pipeline = world.pipeline
    request_id = ask(pipeline.officials.officer, world, [reference_photo(world.people[4]).read_bytes()])
    with api_of(pipeline.stack, "officer") as officer:
        photo = officer.get(f"/requests/{request_id}/photos/0").content
    assert search(kept_by_homeward(pipeline), [parts_of(photo)])
    with api_of(pipeline.stack, "supervisor") as supervisor:
        refusal = {"reason": "The child is at home already."}
        assert supervisor.post(f"/requests/{request_id}/refuse", json=refusal).is_success
    assert search(kept_by_homeward(pipeline), [parts_of(photo)]) == []


def test_a_listing_says_that_nothing_is_left(world: World) -> None:
    found = world.search(world.people[2])

    def remaining() -> set[int]:
        events = world.pipeline.operator.log.snapshot(DELETIONS)
        deletions = [event.message for event in events if isinstance(event.message, Deletion)]
        return {one.objects_remaining for one in deletions if found.authorisation_id in one.prefix}

    eventually(lambda: remaining() == {0}, WIPED_WITHIN, "the deletion is announced")
