"""The service as a process, on a real broker, real gRPC and Qdrant's local mode in a folder."""

import re
import threading
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.matching.v1 import matching_service_pb2 as pb
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_NOT_AUTHORISED, REFUSAL_REASON_SEVERAL_FACES
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, SEARCH_MODE_LIVE
from support.matching import MODEL, OTHER_MODEL, SUBJECT, opened
from support.matching_service import CLIP, Scene, wait_until


def now() -> datetime:
    return datetime.now(UTC)


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_a_search_of_recordings_and_then_live(scene: Scene) -> None:
    begins = now() - timedelta(hours=1)
    expected = scene.record(scene.gate, begins, [[5, SUBJECT] if number % 9 == 4 else [5] for number in range(50)])
    expected += scene.record(scene.hall, begins, [[], [SUBJECT, 6], [7]])
    scene.record(scene.yard, begins, [[SUBJECT]])
    pause(1)
    assert scene.templates() == 0
    assert scene.crops_asked == 0, "with no search open nothing is embedded"

    scene.authorise()
    wait_until(scene.completed, "the archive is searched")

    assert scene.found() == set(expected)
    archive = [sighting.sighting_id for sighting in scene.sightings() if sighting.mode == SEARCH_MODE_ARCHIVE]
    assert sorted(archive) == sorted(expected)
    completed = [task.completed for task in scene.tasks() if task.HasField("completed")]
    assert sum(task.faces_compared for task in completed) == 50 + len(expected) - 1 + 3
    assert sum(task.candidates for task in completed) == len(expected)

    (live,) = scene.record(scene.hall, now(), [[2, SUBJECT]])
    wait_until(lambda: scene.found() == {*expected, live}, "the live clip is searched", 10)
    assert {one.mode for one in scene.sightings() if one.sighting_id == live} == {SEARCH_MODE_LIVE}
    assert (scene.standing().state, scene.standing().embedder) == (pb.SEARCH_STATE_LIVE, MODEL.to_message())
    assert scene.templates() == 1


def test_no_clip_falls_between_archive_and_live(scene: Scene) -> None:
    begins = now() - timedelta(hours=1)
    expected: list[str] = []
    stop = threading.Event()

    def camera() -> None:
        number = 0
        while not stop.is_set():
            expected.extend(scene.record(scene.gate, begins + number * CLIP, [[SUBJECT]], crops=1))
            number += 1
            stop.wait(0.02)

    thread = threading.Thread(target=camera)
    thread.start()
    try:
        wait_until(lambda: len(expected) > 30, "clips come")
        scene.authorise()
        wait_until(scene.completed, "the archive is searched")
    finally:
        stop.set()
        thread.join()
    wait_until(lambda: scene.found() == set(expected), "every clip is found", 30)
    assert {sighting.mode for sighting in scene.sightings()} == {SEARCH_MODE_ARCHIVE, SEARCH_MODE_LIVE}


def test_a_photo_of_several_people_is_refused(scene: Scene) -> None:
    scene.record(scene.gate, now() - timedelta(hours=1), [[SUBJECT]])
    scene.matching.servicer.embedder.photos = {f"{scene.authorisation_id}/1.jpg": -6}
    scene.authorise(photos=2)
    wait_until(lambda: bool(scene.tasks()), "the search is refused")

    (task,) = scene.tasks()
    assert (task.refused.reason, task.refused.optional_photo_index) == (REFUSAL_REASON_SEVERAL_FACES, 1)
    assert scene.standing().state == pb.SEARCH_STATE_REFUSED
    assert scene.crops_asked == 0
    assert scene.templates() == 0


def test_a_token_put_straight_on_the_topic_opens_nothing(scene: Scene) -> None:
    scene.record(scene.gate, now() - timedelta(hours=1), [[SUBJECT]])
    forged = opened(scene.authorisation_id, "header.payload.signature", now())
    assert isinstance(forged.message, Authorisation)
    scene.matching.publish(forged)
    wait_until(lambda: bool(scene.tasks()), "the search is refused")
    assert scene.tasks()[0].refused.reason == REFUSAL_REASON_NOT_AUTHORISED
    assert scene.templates() == 0


@pytest.mark.parametrize("end", ["closed", "wiped", "expired"])
def test_an_end_leaves_no_byte(scene: Scene, end: str) -> None:
    scene.authorise(lifetime=timedelta(seconds=6) if end == "expired" else timedelta(hours=12))
    wait_until(lambda: scene.templates() == 1, "the subject is enrolled")
    assert scene.traces(), "the scan must see a template that is there"

    if end == "closed":
        scene.close()
    elif end == "wiped":
        wiped = scene.matching.stub.WipeSubject(pb.WipeSubjectRequest(authorisation_id=scene.authorisation_id))
        assert wiped == pb.WipeSubjectResponse(templates_deleted=1, templates_remaining=0)
    took_s = wait_until(lambda: scene.templates() == 0, "the subject is wiped", 12)

    assert end == "expired" or took_s < 3
    assert scene.traces() == []
    with pytest.raises(grpc.RpcError) as caught:
        scene.standing()
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    scene.record(scene.gate, now(), [[SUBJECT]])
    pause(1)
    assert scene.crops_asked == 0
    assert scene.found() == set()


def test_a_close_stops_a_task_within_seconds(scene: Scene) -> None:
    scene.record(scene.gate, now() - timedelta(hours=1), [[2, 3] for _ in range(60)])
    scene.matching.servicer.delay_s = 0.1
    scene.authorise()
    wait_until(lambda: scene.crops_asked > 5, "a task runs")
    scene.close()
    pause(3)
    asked = scene.crops_asked
    pause(1)
    assert scene.crops_asked == asked
    # What the live search compared of single clips before the end is told; no task of recordings is ever done.
    done = [task.completed for task in scene.tasks() if task.HasField("completed")]
    assert [result for result in done if not result.HasField("optional_clip_id")] == []


def test_templates_of_another_model_never_meet(scene: Scene) -> None:
    scene.authorise()
    wait_until(scene.completed, "an empty archive is searched")
    scene.matching.servicer.embedder.model = OTHER_MODEL
    # By the new model no face is found in the photo: the search cannot go on, and must not go on with the old one.
    scene.matching.servicer.embedder.photos = {f"{scene.authorisation_id}/0.jpg": -5}
    scene.record(scene.gate, now(), [[SUBJECT]])
    wait_until(lambda: scene.crops_asked > 0, "the clip is embedded", 10)
    pause(1)
    assert scene.found() == set()

    scene.matching.servicer.embedder.photos = {}
    scene.record(scene.gate, now() + CLIP, [[SUBJECT]])
    wait_until(lambda: len(scene.found()) == 1, "the subject is found by the new model", 10)
    assert scene.sightings()[0].embedder == OTHER_MODEL.to_message()


def test_a_call_with_no_id_of_ours_is_refused(scene: Scene) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        scene.matching.stub.WipeSubject(pb.WipeSubjectRequest(authorisation_id="../../etc"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_killed_in_the_middle_it_finds_the_same_once_each_by_id(own_scene: Scene) -> None:
    scene, begins = own_scene, now() - timedelta(hours=1)
    expected = scene.record(scene.gate, begins, [[SUBJECT, 2] if number % 3 else [4] for number in range(90)])
    scene.matching.servicer.delay_s = 0.02
    scene.authorise()
    wait_until(lambda: len(scene.found()) > 3, "the search is under way")

    scene.matching.process.kill()
    assert not scene.completed()
    scene.matching.servicer.delay_s = 0.0
    scene.matching.start()
    wait_until(scene.completed, "the archive is searched")
    assert scene.found() == set(expected)

    scene.matching.process.stop()
    assert scene.matching.process.exit_status == 0
    written = scene.matching.log()
    assert "subject enrolled" in written
    assert re.search(r"-?0\.\d{4,}", written) is None, "no component of a template, and no score, is logged"


def test_after_a_restart_what_expired_meanwhile_is_wiped(own_scene: Scene) -> None:
    scene = own_scene
    scene.authorise(lifetime=timedelta(seconds=8))
    expired_at = now() + timedelta(seconds=8)
    wait_until(lambda: scene.templates() == 1, "the subject is enrolled")
    scene.matching.process.kill()
    assert scene.traces()
    wait_until(lambda: now() > expired_at, "it expires")
    scene.matching.start()
    wait_until(lambda: scene.templates() == 0, "the subject is wiped", 5)
    assert scene.traces() == []
