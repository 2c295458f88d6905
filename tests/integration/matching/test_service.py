"""The service as a process, on a real broker, real gRPC and Qdrant's local mode in a folder."""

import re
import struct
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from homeward.shared.ids import clip_id, sighting_id
from homeward.shared.topics import FACES
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.matching.v1 import matching_service_pb2 as pb
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_SEVERAL_FACES
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, SEARCH_MODE_LIVE
from support.authorisations import AUTHORISATION_ID, request
from support.matching import MODEL, OTHER_MODEL, SUBJECT, clip, closed, faces_event, opened, vector
from support.matching_service import Matching, wait_until

Start = Callable[..., Matching]
CLIP = timedelta(seconds=10)
NOTHING = pb.CountTemplatesResponse(templates=0, subjects=0)


def now() -> datetime:
    return datetime.now(UTC)


def record(
    matching: Matching, camera_id: str, begins: datetime, people: Sequence[Sequence[int]], crops: int = 2
) -> list[str]:
    """Publish clips of `camera_id`; return the ids of the subject's sightings in them."""
    expected = []
    events = []
    for number, seen in enumerate(people):
        message = clip(camera_id, begins + number * CLIP, seen, crops=crops)
        events.append(faces_event(message, now()))
        expected += [
            sighting_id(AUTHORISATION_ID, message.clip_id, index)
            for index, person in enumerate(seen)
            if person == SUBJECT
        ]
    matching.publish(*events)
    return expected


def authorise(matching: Matching, **asked: object) -> None:
    """Open a search of the gate and the hall, from three hours ago to three hours from now."""
    at = matching.authority.clock.now()
    window = asked.pop("window", (at - timedelta(hours=3), at + timedelta(hours=3)))
    token = matching.authority.token(request(window=window, **asked))  # type: ignore[arg-type]
    matching.publish(opened(AUTHORISATION_ID, token, now()))


def found(matching: Matching) -> set[str]:
    """Return the sightings by id: a clip that came around the opening may be searched twice, with one id."""
    return {sighting.sighting_id for sighting in matching.sightings()}


def count(matching: Matching) -> pb.CountTemplatesResponse:
    return matching.stub.CountTemplates(pb.CountTemplatesRequest())


def traces(folder: Path, person: int) -> list[Path]:
    """Return the files below `folder` that hold a component of the subject's template."""
    values = vector(person, 900).tolist()
    needles = [struct.pack(">d", values[at]) for at in range(0, len(values), 8)]
    needles += [
        struct.pack(f"{order}2{kind}", *values[at : at + 2])
        for at in range(0, len(values) - 2, 8)
        for order in "<>"
        for kind in "fd"
    ]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if any(needle in file.read_bytes() for needle in needles)]


def test_a_search_of_recordings_and_then_live(matching: Matching) -> None:
    begins = now() - timedelta(hours=1)
    expected = record(matching, "gate", begins, [[5, SUBJECT] if number % 9 == 4 else [5] for number in range(50)])
    expected += record(matching, "hall", begins, [[], [SUBJECT, 6], [7]])
    record(matching, "yard", begins, [[SUBJECT]])
    assert count(matching) == NOTHING
    assert matching.servicer.crops_asked == 0

    authorise(matching)
    wait_until(lambda: matching.completed(AUTHORISATION_ID), "the archive is searched")

    assert found(matching) == set(expected)
    archive = [sighting.sighting_id for sighting in matching.sightings() if sighting.mode == SEARCH_MODE_ARCHIVE]
    assert sorted(archive) == sorted(expected)
    completed = [task.completed for task in matching.tasks() if task.HasField("completed")]
    assert sum(task.faces_compared for task in completed) == 50 + len(expected) - 1 + 3
    assert sum(task.candidates for task in completed) == len(expected)

    begun = now()
    expected += record(matching, "hall", begun, [[2, SUBJECT]])
    wait_until(lambda: found(matching) == set(expected), "the live clip is searched", 10)
    assert {sighting.mode for sighting in matching.sightings() if sighting.sighting_id == expected[-1]} == {
        SEARCH_MODE_LIVE
    }

    standing = matching.stub.GetSearch(pb.GetSearchRequest(authorisation_id=AUTHORISATION_ID))
    assert (standing.state, standing.embedder) == (pb.SEARCH_STATE_LIVE, MODEL.to_message())
    assert count(matching) == pb.CountTemplatesResponse(templates=1, subjects=1)


def test_no_clip_falls_between_archive_and_live(matching: Matching) -> None:
    begins = now() - timedelta(hours=1)
    expected: list[str] = []
    stop = threading.Event()

    def camera() -> None:
        number = 0
        while not stop.is_set():
            expected.extend(record(matching, "gate", begins + number * CLIP, [[SUBJECT]], crops=1))
            number += 1
            stop.wait(0.02)

    thread = threading.Thread(target=camera)
    thread.start()
    try:
        wait_until(lambda: len(expected) > 30, "clips come")
        authorise(matching)
        wait_until(lambda: matching.completed(AUTHORISATION_ID), "the archive is searched")
    finally:
        stop.set()
        thread.join()
    wait_until(lambda: found(matching) == set(expected), "every clip is found", 30)


def test_a_photo_of_several_people_is_refused(matching: Matching) -> None:
    record(matching, "gate", now() - timedelta(hours=1), [[SUBJECT]])
    matching.servicer.embedder.photos = {f"{AUTHORISATION_ID}/1.jpg": -6}
    authorise(matching, photos=2)
    wait_until(lambda: bool(matching.tasks()), "the search is refused")

    (task,) = matching.tasks()
    assert (task.refused.reason, task.refused.optional_photo_index) == (REFUSAL_REASON_SEVERAL_FACES, 1)
    standing = matching.stub.GetSearch(pb.GetSearchRequest(authorisation_id=AUTHORISATION_ID))
    assert standing.state == pb.SEARCH_STATE_REFUSED
    assert matching.servicer.crops_asked == 0
    assert count(matching) == NOTHING


def test_a_token_put_straight_on_the_topic_opens_nothing(matching: Matching) -> None:
    record(matching, "gate", now() - timedelta(hours=1), [[SUBJECT]])
    forged = opened(AUTHORISATION_ID, "header.payload.signature", now())
    assert isinstance(forged.message, Authorisation)
    matching.publish(forged)
    wait_until(lambda: bool(matching.tasks()), "the search is refused")
    assert matching.tasks()[0].HasField("refused")
    assert count(matching) == NOTHING


@pytest.mark.parametrize("end", ["closed", "wiped", "expired"])
def test_an_end_leaves_no_byte(matching: Matching, end: str) -> None:
    lifetime = timedelta(seconds=6) if end == "expired" else timedelta(hours=12)
    at = matching.authority.clock.now()
    matching.authority.clock.move(now().replace(microsecond=0) - at)
    authorise(matching, lifetime=lifetime)
    wait_until(lambda: count(matching).templates == 1, "the subject is enrolled")
    assert traces(matching.templates_folder, SUBJECT), "the scan must see a template that is there"

    if end == "closed":
        matching.publish(closed(AUTHORISATION_ID, now()))
    elif end == "wiped":
        wiped = matching.stub.WipeSubject(pb.WipeSubjectRequest(authorisation_id=AUTHORISATION_ID))
        assert wiped == pb.WipeSubjectResponse(templates_deleted=1, templates_remaining=0)
    took_s = wait_until(lambda: count(matching) == NOTHING, "the subject is wiped", 12)

    assert end == "expired" or took_s < 3
    assert traces(matching.templates_folder, SUBJECT) == []
    with pytest.raises(grpc.RpcError) as caught:
        matching.stub.GetSearch(pb.GetSearchRequest(authorisation_id=AUTHORISATION_ID))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    asked = matching.servicer.crops_asked
    record(matching, "gate", now(), [[SUBJECT]])
    threading.Event().wait(1.5)
    assert matching.servicer.crops_asked == asked
    assert found(matching) == set()


def test_a_close_stops_a_task_within_seconds(matching: Matching) -> None:
    record(matching, "gate", now() - timedelta(hours=1), [[2, 3] for _ in range(60)])
    matching.servicer.delay_s = 0.1
    authorise(matching)
    wait_until(lambda: matching.servicer.crops_asked > 5, "a task runs")
    matching.publish(closed(AUTHORISATION_ID, now()))
    threading.Event().wait(3)
    asked = matching.servicer.crops_asked
    threading.Event().wait(1)
    assert matching.servicer.crops_asked == asked
    assert not [task for task in matching.tasks() if task.HasField("completed")]


def test_killed_in_the_middle_it_finds_the_same_once_each_by_id(matching: Matching) -> None:
    begins = now() - timedelta(hours=1)
    expected = record(matching, "gate", begins, [[SUBJECT, 2] if number % 3 else [4] for number in range(90)])
    matching.servicer.delay_s = 0.02
    authorise(matching)
    wait_until(lambda: len(found(matching)) > 3, "the search is under way")

    matching.process.kill()
    matching.servicer.delay_s = 0.0
    matching.start()
    wait_until(lambda: matching.completed(AUTHORISATION_ID), "the archive is searched")

    assert found(matching) == set(expected)
    assert traces(matching.folder / "matching.log", SUBJECT) == []


def test_after_a_restart_what_expired_meanwhile_is_wiped(matching: Matching) -> None:
    matching.authority.clock.move(now().replace(microsecond=0) - matching.authority.clock.now())
    authorise(matching, lifetime=timedelta(seconds=8))
    wait_until(lambda: count(matching).templates == 1, "the subject is enrolled")
    matching.process.kill()
    assert traces(matching.templates_folder, SUBJECT)
    wait_until(lambda: now() > matching.authority.clock.now() + timedelta(seconds=9), "it expires")
    matching.start()
    wait_until(lambda: count(matching) == NOTHING, "the subject is wiped", 5)
    assert traces(matching.templates_folder, SUBJECT) == []


def test_templates_of_another_model_never_meet(matching: Matching) -> None:
    authorise(matching)
    wait_until(lambda: matching.completed(AUTHORISATION_ID), "an empty archive is searched")
    matching.servicer.embedder.model = OTHER_MODEL
    # By the new model nobody's photo shows a face: the search cannot go on, and must not go on with the old one.
    matching.servicer.embedder.photos = {f"{AUTHORISATION_ID}/0.jpg": -5}
    record(matching, "gate", now(), [[SUBJECT]])
    wait_until(lambda: matching.servicer.crops_asked > 0, "the clip is embedded", 10)
    threading.Event().wait(1)
    assert found(matching) == set()

    matching.servicer.embedder.photos = {}
    record(matching, "gate", now() + CLIP, [[SUBJECT]])
    wait_until(lambda: len(found(matching)) == 1, "the subject is found by the new model", 10)
    assert matching.sightings()[0].embedder == OTHER_MODEL.to_message()


def test_its_log_names_no_template_and_no_bystander(matching: Matching) -> None:
    seen = [[SUBJECT, 2, 3]] * 5
    record(matching, "gate", now() - timedelta(hours=1), seen)
    authorise(matching)
    wait_until(lambda: matching.completed(AUTHORISATION_ID), "the archive is searched")
    matching.process.stop()
    written = matching.log()
    assert "subject enrolled" in written
    assert "score" not in written
    assert re.search(r"-?0\.\d{4,}", written) is None
    assert matching.process.exit_status == 0
    assert clip_id("gate", now()) not in written
    assert FACES.partitions == 24


def test_a_call_with_no_id_of_ours_is_refused(matching: Matching) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        matching.stub.WipeSubject(pb.WipeSubjectRequest(authorisation_id="../../etc"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
