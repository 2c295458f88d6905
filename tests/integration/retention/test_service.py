"""The service as a process, on SeaweedFS and on both brokers, killed where it hurts."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import grpc
import pytest

from homeward.cli.eventlog import EventLog
from homeward.retention.adapters.kafka_topics import KafkaTopicConfigs
from homeward.retention.adapters.matching_templates import MatchingTemplates
from homeward.retention.ports import TemplatesUnavailableError, Wiped
from homeward.shared.authorisation import KeySet, SigningKey, issue
from homeward.shared.events import new_event, removal
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import (
    CROPS_BUCKET,
    FOOTAGE_BUCKET,
    SUBJECTS_BUCKET,
    crops_key,
    footage_key,
    photo_key,
)
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import LifecycleRule
from homeward.shared.runtime.grpc_server import serve
from homeward.shared.runtime.peers import connect
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings, PeerTlsSettings
from homeward.shared.topics import AUTHORISATIONS, CAMERAS, DELETIONS, HOLDS, TOPICS
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from homewardapi.deletion.v1.deletion_pb2 import DeletedStore, Deletion
from homewardapi.hold.v1.hold_pb2 import Hold, HoldState
from homewardapi.matching.v1.matching_service_pb2 import (
    CountTemplatesRequest,
    GetSearchRequest,
    WipeSubjectRequest,
    WipeSubjectResponse,
)
from homewardapi.matching.v1.matching_service_pb2_grpc import (
    MatchingServiceServicer,
    add_MatchingServiceServicer_to_server,
)
from support.authorisations import claims_for, request
from support.broker import Broker
from support.kafka import running_kafka
from support.seaweedfs import running_seaweedfs
from support.tansu import running_tansu

DAY = timedelta(days=1)


class _Matching(MatchingServiceServicer):
    """Matching's templates, by authorisation."""

    def __init__(self) -> None:
        self.templates: dict[str, int] = {}

    def GetSearch(self, _: GetSearchRequest, context: grpc.ServicerContext) -> NoReturn:  # noqa: N802 - gRPC's name
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    def CountTemplates(self, _: CountTemplatesRequest, context: grpc.ServicerContext) -> NoReturn:  # noqa: N802 - the same
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    def WipeSubject(self, request: WipeSubjectRequest, _: grpc.ServicerContext) -> WipeSubjectResponse:  # noqa: N802 - gRPC's name
        return WipeSubjectResponse(templates_deleted=self.templates.pop(request.authorisation_id, 0))


@contextmanager
def _serving(matching: _Matching, listen: str = "127.0.0.1:0") -> Iterator[int]:
    server = serve(
        listen,
        lambda grpc_server: add_MatchingServiceServicer_to_server(matching, grpc_server),
        services=["homewardapi.matching.v1.MatchingService"],
        drain=timedelta(seconds=1),
    )
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server.port
    finally:
        stop.set()
        thread.join(10)


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreSettings]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server.settings


@pytest.fixture(scope="module", params=["tansu", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = running_tansu if request.param == "tansu" else running_kafka
    with running(tmp_path_factory.mktemp(request.param)) as found:
        yield found


class _World:
    def __init__(self, folder: Path, kafka: KafkaSettings, object_store: ObjectStoreSettings) -> None:
        self.folder = folder
        self.kafka = kafka
        self.object_store = object_store
        self.store = MinioStore(object_store)
        for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET, SUBJECTS_BUCKET):
            self.store.ensure_bucket(bucket)
        create_topics(kafka, TOPICS.values(), replication_factor=1)
        self.key = SigningKey.generate()
        self.keys_file = folder / "keys.json"
        KeySet.of([self.key.public_key]).save_jwks(self.keys_file)
        self.producer = EventProducer(kafka)

    def start(self, matching_port: int) -> subprocess.Popen[bytes]:
        store = self.object_store
        environment = {
            "PATH": os.environ["PATH"],
            "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "HOMEWARD_OBJECT_STORE__ENDPOINT": store.endpoint,
            "HOMEWARD_OBJECT_STORE__ACCESS_KEY": store.access_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECRET_KEY": store.secret_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECURE": "false",
            "HOMEWARD_OPERATIONS__PORT": "0",
            "HOMEWARD_AUTHORISATION_KEYS": str(self.keys_file),
            "HOMEWARD_MATCHING_TARGET": f"127.0.0.1:{matching_port}",
            "HOMEWARD_STEP_EVERY_S": "0.1",
            "HOMEWARD_WIPE_TIMEOUT_S": "1",
        }
        with (self.folder / "retention.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "homeward.retention", "run"], env=environment, stdout=log, stderr=log
            )

    def open(self, lifetime: timedelta) -> str:
        authorisation_id, now = str(uuid4()), datetime.now(UTC)
        asked = request(authorisation_id, window=(now - DAY, now + DAY), lifetime=lifetime)
        self.store.put(SUBJECTS_BUCKET, photo_key(authorisation_id, 0), b"photo")
        state = Authorisation(
            authorisation_id=authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_OPEN,
            optional_token=issue(claims_for(asked, now=now), self.key),
            changed_at=to_timestamp(now),
        )
        self.producer.send([new_event(AUTHORISATIONS, str(uuid4()), "homeward/test", now, state)])
        return authorisation_id

    def close(self, authorisation_id: str) -> None:
        now = datetime.now(UTC)
        state = Authorisation(
            authorisation_id=authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_CLOSED,
            changed_at=to_timestamp(now),
            optional_close_reason=CloseReason.CLOSE_REASON_WITHDRAWN,
        )
        self.producer.send([new_event(AUTHORISATIONS, str(uuid4()), "homeward/test", now, state)])

    def hold(self, starts_at: datetime, ends_at: datetime, camera_ids: Sequence[str]) -> None:
        now = datetime.now(UTC)
        hold = Hold(
            hold_id=str(uuid4()),
            camera_ids=camera_ids,
            starts_at=to_timestamp(starts_at),
            ends_at=to_timestamp(ends_at),
            state=HoldState.HOLD_STATE_PLACED,
            expires_at=to_timestamp(now + DAY),
            changed_at=to_timestamp(now),
        )
        self.producer.send([new_event(HOLDS, hold.hold_id, "homeward/test", now, hold)])

    def camera(self, camera_id: str, retention: timedelta) -> None:
        now = datetime.now(UTC)
        camera = Camera(
            camera_id=camera_id,
            display_name=camera_id,
            source=Source(url="rtsp://camera.test/1"),
            clip_length=to_duration(timedelta(seconds=10)),
            enabled=True,
            changed_at=to_timestamp(now),
            optional_retention=to_duration(retention),
        )
        self.producer.send([new_event(CAMERAS, str(uuid4()), "homeward/test", now, camera)])

    def remove_camera(self, camera_id: str) -> None:
        self.producer.send([removal(CAMERAS, str(uuid4()), "homeward/test", datetime.now(UTC), camera_id)])

    def put_clip(self, bucket: str, camera_id: str, at: datetime) -> str:
        key = {FOOTAGE_BUCKET: footage_key, CROPS_BUCKET: crops_key}[bucket](camera_id, at, clip_id(camera_id, at))
        self.store.put(bucket, key, b"clip")
        return key

    def deletions(self, prefix: str) -> list[Deletion]:
        found = [event.message for event in EventLog(self.kafka).snapshot(DELETIONS)]
        return [one for one in found if isinstance(one, Deletion) and one.prefix == prefix]

    def photos(self, authorisation_id: str) -> list[str]:
        return [info.key for info in self.store.list(SUBJECTS_BUCKET, authorisation_id)]


@pytest.fixture
def world(tmp_path: Path, broker: Broker, object_store: ObjectStoreSettings) -> Iterator[_World]:
    world = _World(tmp_path, broker.kafka, object_store)
    yield world
    world.producer.close()


@contextmanager
def _running(world: _World, matching_port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = world.start(matching_port)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool], world: _World, what: str) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline, f"{what}\n{(world.folder / 'retention.log').read_text()[-4000:]}"
        time.sleep(0.2)


def test_old_footage_goes_held_and_young_footage_stays(world: _World) -> None:
    now = datetime.now(UTC)
    old = now - 35 * DAY
    keys = {}
    for camera, at in (("gate", old), ("hall", old), ("gate", now - DAY)):
        for bucket, key in ((FOOTAGE_BUCKET, footage_key), (CROPS_BUCKET, crops_key)):
            keys[bucket, camera, at] = key(camera, at, clip_id(camera, at))
            world.store.put(bucket, keys[bucket, camera, at], b"clip")
    world.hold(old - timedelta(hours=1), old + timedelta(hours=1), ["hall"])
    prefix = f"{old.date()}/"
    with _running(world, 1) as process:
        _until(lambda: len(world.deletions(prefix)) >= 2, world, "both buckets are swept")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET):
        left = {info.key for info in world.store.list(bucket)}
        assert left == {keys[bucket, "hall", old], keys[bucket, "gate", now - DAY]}
        # A held day has no rule of its own in the store, and so no rule at all.
        prefixes = {rule.prefix for rule in world.store.lifecycle(bucket)}
        assert prefix not in prefixes
        assert f"{(old + 2 * DAY).date()}/" in prefixes
        for left_key in left:
            world.store.delete(bucket, left_key)
    assert list(world.store.lifecycle(SUBJECTS_BUCKET)) == [LifecycleRule("backstop", "", 4)]
    assert {(one.objects_deleted, one.objects_remaining) for one in world.deletions(prefix)} == {(1, 1)}


def test_a_camera_keeps_its_own_limit_and_still_does_once_it_is_removed(world: _World) -> None:
    own, other = f"cam-{uuid4()}", f"cam-{uuid4()}"
    old = datetime.now(UTC) - timedelta(days=3)
    kept = set()
    for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET):
        world.put_clip(bucket, own, old)
        kept |= {world.put_clip(bucket, other, old), world.put_clip(bucket, own, old + DAY * 2)}
    world.camera(own, 2 * DAY)
    prefix = f"{old.date()}/{own}/"
    with _running(world, 1) as process:
        _until(lambda: len(world.deletions(prefix)) == 2, world, "footage and crops of the camera go")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert {one.store for one in world.deletions(prefix)} == {
        DeletedStore.DELETED_STORE_FOOTAGE,
        DeletedStore.DELETED_STORE_CROPS,
    }
    assert {(one.objects_deleted, one.objects_remaining) for one in world.deletions(prefix)} == {(1, 0)}
    world.remove_camera(own)
    late = world.put_clip(FOOTAGE_BUCKET, own, old + timedelta(hours=1))
    with _running(world, 1):
        _until(
            lambda: late not in {info.key for info in world.store.list(FOOTAGE_BUCKET)},
            world,
            "what was still spooled goes at the limit that the camera had",
        )
    left = {info.key for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET) for info in world.store.list(bucket)}
    assert kept <= left
    for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET):
        world.store.delete_many(bucket, [info.key for info in world.store.list(bucket)])


def test_what_runs_out_is_closed_and_wiped(world: _World) -> None:
    matching = _Matching()
    with _serving(matching) as port, _running(world, port):
        authorisation_id = world.open(timedelta(seconds=8))
        other_id = world.open(timedelta(hours=1))
        matching.templates |= {authorisation_id: 2, other_id: 1}
        assert world.photos(authorisation_id)
        _until(lambda: len(world.deletions(authorisation_id)) == 2, world, "both deletions are announced")
        assert world.photos(other_id)
        assert matching.templates == {other_id: 1}
    assert world.photos(authorisation_id) == []
    by_store = {one.store: one for one in world.deletions(authorisation_id)}
    assert by_store[DeletedStore.DELETED_STORE_SUBJECTS].objects_deleted == 1
    assert by_store[DeletedStore.DELETED_STORE_TEMPLATES].objects_deleted == 2
    assert {one.objects_remaining for one in by_store.values()} == {0}
    state = EventLog(world.kafka).state(AUTHORISATIONS)[authorisation_id].message
    assert isinstance(state, Authorisation)
    assert state.optional_close_reason == CloseReason.CLOSE_REASON_EXPIRED


def test_matching_away_and_retention_killed_the_templates_go_all_the_same(world: _World) -> None:
    matching = _Matching()
    with _serving(matching) as port:
        pass
    authorisation_id = world.open(timedelta(hours=1))
    matching.templates[authorisation_id] = 1
    world.close(authorisation_id)
    with _running(world, port):
        _until(lambda: len(world.deletions(authorisation_id)) == 1, world, "photos go without matching")
    assert world.photos(authorisation_id) == []
    assert matching.templates
    with _serving(matching, f"127.0.0.1:{port}"), _running(world, port):
        _until(lambda: not matching.templates, world, "templates go once matching is back")
        _until(
            lambda: DeletedStore.DELETED_STORE_TEMPLATES in {one.store for one in world.deletions(authorisation_id)},
            world,
            "and that is announced",
        )


def test_templates_by_grpc() -> None:
    matching = _Matching()
    matching.templates["a"] = 3
    with _serving(matching) as port:
        templates = MatchingTemplates(connect(f"127.0.0.1:{port}", "matching", PeerTlsSettings()), timedelta(seconds=5))
        assert templates.wipe("a") == Wiped(3, 0)
        assert templates.wipe("a") == Wiped(0, 0)
    with pytest.raises(TemplatesUnavailableError):
        templates.wipe("a")
    templates.close()


def test_the_topics_retention_is_set(world: _World) -> None:
    # Tansu keeps the setting as Kafka does, and does not act on it.
    assert list(KafkaTopicConfigs(world.kafka).apply(list(TOPICS.values()))) == []
