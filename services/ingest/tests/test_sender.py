import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Claim, Footage, Stretch
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import CameraState
from homeward.ingest.sender import Sender
from homeward.ingest.sharing.membership import SEND, WAIT, Judgement, Verdict
from homeward.shared.clock import SystemClock
from homeward.shared.events import decode, encode
from homeward.shared.objectkeys import ClipKey
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.topics import CLIPS
from homewardapi.clip.v1.clip_pb2 import Clip, GapCause
from support.recording import NOON, ManualClock, RecordingProducer

S = timedelta(seconds=1)
AT_ONCE = Backoff(timedelta(milliseconds=1), timedelta(milliseconds=2))


class World:
    def __init__(self, folder: Path, failures: int = 0) -> None:
        clock = ManualClock()
        self.folder = folder
        self.spool = DiskSpool(folder, 1 << 30)
        self.store = MemoryStore(clock)
        self.store.ensure_bucket("footage")
        self.producer = RecordingProducer(failures)
        self.metrics = IngestMetrics(CollectorRegistry())
        self.sender = Sender(
            self.spool, self.store, self.producer, backoff=AT_ONCE, clock=clock, metrics=self.metrics, workers=3
        )

    def add(self, index: int, camera_id: str = "cam-1", outcome: Cause | None = None) -> Stretch:
        draft = None
        facts: Footage | Cause | None = outcome
        if facts is None:
            draft = self.spool.draft(camera_id)
            draft.write_bytes(b"video %d" % index)
            sealed = self.spool.seal(draft)
            facts = Footage(sealed.size_bytes, sealed.sha256, "hevc", 1920, 1080, 250, 5, 2 * S)
        stretch = Stretch(camera_id, NOON + index * 10 * S, NOON + (index + 1) * 10 * S, facts)
        self.spool.add(stretch, draft, CameraState(through=stretch.ends_at), replayable=False)
        return stretch

    def run(self, events: int) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self.sender.run, args=(stop,))
        thread.start()
        deadline = threading.Event()
        for _ in range(500):
            if len(self.producer.events) >= events:
                break
            deadline.wait(0.01)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()

    def messages(self) -> list[Clip]:
        return [event.message for event in self.producer.events if isinstance(event.message, Clip)]


def test_a_clip_is_stored_announced_and_freed(tmp_path: Path) -> None:
    world = World(tmp_path)
    stretch = world.add(0)
    world.run(1)
    event = world.producer.events[0]
    record = encode(event)
    assert decode(CLIPS, record.key, record.value, list(record.headers)).message == event.message
    clip = world.messages()[0]
    assert event.event_id == clip.clip_id == stretch.clip_id
    assert ClipKey.parse(clip.stored.object_key).camera_id == "cam-1"
    assert world.store.get("footage", clip.stored.object_key) == b"video 0"
    info = world.store.stat("footage", clip.stored.object_key)
    assert info.metadata["sha256"] == clip.stored.sha256.hex()
    assert (clip.stored.codec, clip.stored.width_px, clip.stored.frame_count) == ("hevc", 1920, 250)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["state.json"]


@pytest.mark.parametrize("cause", list(Cause))
def test_each_gap_is_announced_with_its_cause(tmp_path: Path, cause: Cause) -> None:
    world = World(tmp_path)
    world.add(0, outcome=cause)
    world.run(1)
    assert GapCause.Name(world.messages()[0].gap.cause) == f"GAP_CAUSE_{cause.name}"


def test_while_the_store_is_away_nothing_is_announced_or_freed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(0)
    world.store.available = False
    entry = world.spool.claim(0)
    assert entry is not None
    with pytest.raises(ObjectStoreUnavailableError):
        world.sender.send(entry)
    assert world.producer.events == []
    assert entry.path is not None
    assert entry.path.exists()


def test_while_kafka_is_away_the_clip_is_stored_and_kept(tmp_path: Path) -> None:
    world = World(tmp_path, failures=1)
    stretch = world.add(0)
    entry = world.spool.claim(0)
    assert entry is not None
    with pytest.raises(DeliveryError):
        world.sender.send(entry)
    assert world.store.get("footage", stretch.object_key) == b"video 0"
    assert [e.stretch for e in [DiskSpool(tmp_path, 1 << 30).claim(0)] if e] == [stretch]


def test_after_failures_everything_goes_out_in_order_per_camera(tmp_path: Path) -> None:
    world = World(tmp_path, failures=5)
    for index in range(6):
        for camera in range(3):
            world.add(index, f"cam-{camera}")
    world.run(18)
    for camera in range(3):
        starts = [m.starts_at.ToDatetime() for m in world.messages() if m.camera_id == f"cam-{camera}"]
        assert len(starts) == 6
        assert starts == sorted(starts)


def test_a_repeat_after_a_crash_has_the_same_id_and_bytes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(0)
    entry = world.spool.claim(0)
    assert entry is not None
    copy = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    world.sender.send(entry)
    for path, content in copy.items():
        path.write_bytes(content)
    again = World(tmp_path)
    again.run(1)
    assert again.producer.events == world.producer.events


def test_spoiled_footage_is_announced_as_corrupt(tmp_path: Path) -> None:
    world = World(tmp_path)
    stretch = world.add(0)
    world.add(1)
    next(tmp_path.rglob("*001.mp4")).write_bytes(b"something else")
    world.run(2)
    first, second = world.messages()
    assert (first.clip_id, first.gap.cause) == (stretch.clip_id, GapCause.GAP_CAUSE_CORRUPT)
    assert second.HasField("stored")


@pytest.mark.parametrize(("number", "told"), [(errno.EIO, "gap"), (errno.EMFILE, "stored")])
def test_a_clip_that_the_disk_cannot_read_is_a_gap_and_one_that_it_reads_later_is_not(
    tmp_path: Path, number: int, told: str
) -> None:
    world = World(tmp_path)
    world.add(0)
    world.add(1)
    left = 1
    digest = hashlib.file_digest

    def reading(*args: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise OSError(number, "refused")
        return digest(*args)

    with patch("homeward.ingest.sender.hashlib.file_digest", reading):
        world.run(2)
    assert [one.WhichOneof("outcome") for one in world.messages()] == [told, "stored"]


def test_a_bug_of_a_worker_ends_the_part(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(0)

    class Broken(RecordingProducer):
        def send(self, events: object) -> None:  # noqa: ARG002 - the port's
            raise TypeError("a bug")

    sender = Sender(
        world.spool, world.store, Broken(), backoff=AT_ONCE, clock=ManualClock(), metrics=world.metrics, workers=2
    )
    with pytest.raises(TypeError, match="a bug"):
        sender.run(threading.Event())


class Judge:
    """Answers of the group, by epoch; what it was not told of has to wait."""

    def __init__(self) -> None:
        self.answers: dict[int, Judgement] = {}
        self.asked = 0

    def ask(self, claim: Claim | None, wait_s: float) -> Judgement:
        assert wait_s < 1
        self.asked += 1
        return SEND if claim is None else self.answers.get(claim.epoch, WAIT)


def claimed(
    world: World, index: int, epoch: int, *, camera_id: str = "cam-1", read_at: datetime | None = None
) -> Stretch:
    draft = world.spool.draft(camera_id)
    draft.write_bytes(b"video %d" % index)
    sealed = world.spool.seal(draft)
    facts = Footage(sealed.size_bytes, sealed.sha256, "hevc", 1920, 1080, 250, 5, 2 * S)
    starts_at, ends_at = NOON + index * 10 * S, NOON + (index + 1) * 10 * S
    stretch = Stretch(camera_id, starts_at, ends_at, facts, Claim(0, epoch, read_at or ends_at))
    world.spool.add(stretch, draft, CameraState(through=ends_at), replayable=read_at is not None)
    return stretch


def judged(world: World) -> Judge:
    judge = Judge()
    world.sender = Sender(
        world.spool,
        world.store,
        world.producer,
        backoff=AT_ONCE,
        clock=SystemClock(),
        metrics=world.metrics,
        workers=2,
        ask=judge.ask,
    )
    return judge


def test_what_is_not_proven_is_neither_stored_nor_announced_and_holds_up_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    judge = judged(world)
    claimed(world, 0, epoch=1)
    claimed(world, 0, epoch=2, camera_id="cam-2")
    judge.answers[2] = SEND
    world.run(1)
    assert [message.camera_id for message in world.messages()] == ["cam-2"]
    assert len(list(world.store.list("footage", ""))) == 1
    judge.answers[1] = SEND
    world.run(2)
    assert {message.optional_epoch for message in world.messages()} == {1, 2}


def test_what_another_replica_took_over_is_cut_off_there_or_let_go(tmp_path: Path) -> None:
    world = World(tmp_path)
    judged(world)
    kept, cut, gone = (claimed(world, index, epoch=1) for index in range(3))
    again = claimed(world, 0, epoch=1, camera_id="import", read_at=NOON + 30 * S)
    fence = NOON + 14 * S

    def ask(claim: Claim | None, _: float) -> Judgement:
        assert claim is not None
        return SEND if claim.until <= fence else Judgement(Verdict.FENCED, fence)

    world.sender._ask = ask
    world.run(2)
    told = [(message.clip_id, message.ends_at.ToDatetime(tzinfo=UTC)) for message in world.messages()]
    assert told == [(kept.clip_id, kept.ends_at), (cut.clip_id, fence)]
    assert world.spool.empty()
    assert gone.clip_id not in dict(told)
    assert again.clip_id not in dict(told)
    assert list(tmp_path.rglob("*.mp4")) == []


def test_what_the_recorders_wrote_last_is_sent_before_the_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    recorded = threading.Event()
    sender = Sender(
        world.spool,
        world.store,
        world.producer,
        backoff=AT_ONCE,
        clock=SystemClock(),
        metrics=world.metrics,
        recorded=recorded,
    )
    stop = threading.Event()
    stop.set()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    world.add(0)
    recorded.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(world.messages()) == 1


def test_a_store_that_is_away_keeps_nobody_from_ending(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store.available = False
    world.add(0)
    recorded, stop = threading.Event(), threading.Event()
    recorded.set()
    stop.set()
    sender = Sender(
        world.spool,
        world.store,
        world.producer,
        backoff=AT_ONCE,
        clock=SystemClock(),
        metrics=world.metrics,
        recorded=recorded,
    )
    began_s = SystemClock().monotonic()
    sender.run(stop)
    assert SystemClock().monotonic() - began_s < 5
    assert not world.spool.empty()


@contextmanager
def refusing(method: str, number: int) -> Iterator[None]:
    """Have the disk refuse the first two calls of one of the spool's methods."""
    left = 2
    works: Callable[..., None] = getattr(DiskSpool, method)

    def used(*args: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise OSError(number, "refused")
        works(*args)

    with patch.object(DiskSpool, method, used):
        yield
    assert left == 0


def test_a_disk_that_deletes_nothing_delays_and_ends_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    for index in range(2):
        for camera in range(3):
            world.add(index, f"cam-{camera}")
    with refusing("free", errno.EROFS):
        # Two are announced twice, each time as the same event.
        world.run(8)
    assert len({event.event_id for event in world.producer.events}) == 6
    assert world.spool.empty()


def test_a_spoiled_clip_is_told_once_there_is_room_to_say_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add(0)
    next(tmp_path.rglob("*001.mp4")).write_bytes(b"something else")
    with refusing("spoil", errno.ENOSPC):
        world.run(1)
    assert [one.gap.cause for one in world.messages()] == [GapCause.GAP_CAUSE_CORRUPT]
    assert world.spool.empty()


def test_what_is_cut_off_is_cut_once_there_is_room_to_say_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    judged(world)
    cut = claimed(world, 0, epoch=1)
    fence = NOON + 4 * S
    world.sender._ask = lambda claim, _: (
        SEND if claim is not None and claim.until <= fence else Judgement(Verdict.FENCED, fence)
    )
    with refusing("shorten", errno.ENOSPC):
        world.run(1)
    told = [(message.clip_id, message.ends_at.ToDatetime(tzinfo=UTC)) for message in world.messages()]
    assert told == [(cut.clip_id, fence)]
    assert world.spool.empty()
