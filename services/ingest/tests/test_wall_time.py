"""Clips and gaps are the wall time: over whatever happens to a camera, its clock, its recorder and its disk.

A history is a few lives of one recorder. Each life is some connections; each connection some stretches of packets, with
losses, damage, silences, jumps of the time stamps and a camera's clock that is set. A life ends in order or by a kill,
which loses the open clip.
"""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import Packet, Stamped
from homeward.ingest.media.stretches import Stretch
from homeward.ingest.ports import (
    CameraState,
    ClipWriteError,
    DiskFullError,
    Entry,
    Sealed,
    SourceCorruptError,
    SourceLostError,
    SourceUnreachableError,
)
from support.recording import Connection, ManualClock, ScriptEndedError, Sent, World, live

S = timedelta(seconds=1)
CLOCK_LIMIT = 5 * S
RESYNC = 5 * S
"""How far a camera's time may fall behind before its clips are placed anew."""


class KilledError(BaseException):
    """What a process that is killed does next: nothing."""


class MortalSpool(DiskSpool):
    """A spool whose process may be dead, and whose disk fails at times."""

    dead: ClassVar[bool] = False
    failing: ClassVar[frozenset[int]] = frozenset()
    """Which of the calls to seal and add fail, counted from the first life's first."""
    calls: ClassVar[int] = 0

    def seal(self, draft: Path) -> Sealed:
        self._use_disk()
        return super().seal(draft)

    def add(self, stretch: Stretch, draft: Path | None, state: CameraState, *, replayable: bool) -> None:
        self._use_disk()
        super().add(stretch, draft, state, replayable=replayable)

    def _use_disk(self) -> None:
        if MortalSpool.dead:
            raise KilledError
        MortalSpool.calls += 1
        if MortalSpool.calls in MortalSpool.failing:
            number = errno.EIO if MortalSpool.calls % 3 == 0 else errno.ENOSPC
            raise OSError(number, os.strerror(number))


@dataclass(frozen=True)
class Piece:
    """Some packets at a steady rate, and what is wrong before the first of them."""

    count: int
    gop: int
    silence_s: float = 0.0
    lost: int = 0
    """Packets that never came, and their time with them."""
    damaged: bool = False
    jump_ms: int = 0
    """By how much the time stamps break; nothing is lost."""
    set_s: float = 0.0
    """By how much the camera's clock is set."""


@dataclass(frozen=True)
class Link:
    """One connection, or one that is refused."""

    pieces: Sequence[Piece] = ()
    interval_ms: int = 100
    first_ms: int = 0
    opens_after_s: float = 0.0
    burst: int = 0
    ahead_s: float | None = None
    """How far the camera's clock is ahead at first; None where it does not tell."""
    refused: bool = False
    corrupt: bool = False


@dataclass(frozen=True)
class Life:
    """What one recorder goes through."""

    links: Sequence[Link]
    killed: bool
    down_s: float
    set_s: float = 0.0
    """By how much the recorder's own clock is set before it begins."""


@dataclass
class Camera:
    """Plays links and remembers when each packet came."""

    clock: ManualClock
    came: dict[int, datetime] = field(default_factory=dict)
    unfit: set[int] = field(default_factory=set)
    """What may not follow the packet before it in one clip."""
    damaged: set[int] = field(default_factory=set)
    """What may be in no clip."""

    def connection(self, link: Link) -> Connection:
        if link.refused:
            return Connection(opens_after_s=link.opens_after_s, refused=SourceUnreachableError("camera cam-1: refused"))
        sent = Playing(self, link)
        ends = SourceCorruptError("camera cam-1: broken") if link.corrupt else SourceLostError("camera cam-1: gone")
        return Connection(sent, link.opens_after_s, ends=ends, camera_clock=sent.clock)


class Playing(Sequence[Sent]):
    """One link's packets, made as they are asked for, so that the camera's clock is that of the moment."""

    def __init__(self, camera: Camera, link: Link) -> None:
        self._camera = camera
        self._link = link
        self._ahead: timedelta | None = None if link.ahead_s is None else link.ahead_s * S
        self._taken: dict[int, datetime] = {}

    def __len__(self) -> int:
        return sum(piece.count for piece in self._link.pieces)

    def __getitem__(self, index: object) -> Sent:  # type: ignore[override]
        raise NotImplementedError

    def clock(self, pts: int) -> datetime | None:
        taken = self._taken.get(pts)
        return None if taken is None or self._ahead is None else taken + self._ahead

    def __iter__(self) -> Iterator[Sent]:
        camera, link = self._camera, self._link
        step_s = link.interval_ms / 1000
        pts, made = link.first_ms, 0
        for piece in link.pieces:
            pts += piece.lost * link.interval_ms + piece.jump_ms + round(piece.silence_s * 1000)
            if self._ahead is not None:
                self._ahead += piece.set_s * S
            for index in range(piece.count):
                number = len(camera.came)
                wait_s = 0.0 if made < link.burst else step_s
                if index == 0:
                    wait_s += piece.silence_s + piece.lost * step_s
                first = index == 0
                packet = Packet(
                    pts,
                    pts,
                    link.interval_ms,
                    index % piece.gop == 0,
                    number,
                    size_bytes=100,
                    missing=piece.lost if first else 0,
                    damaged=piece.damaged and first,
                )
                if first and (piece.lost or piece.damaged):
                    camera.unfit.add(number)
                if packet.damaged:
                    camera.damaged.add(number)
                arrives = camera.clock.now() + wait_s * S
                camera.came[number] = arrives
                self._taken[pts] = arrives
                made += 1
                yield Sent(packet, wait_s)
                pts += link.interval_ms


def failing_at(numbers: frozenset[int]) -> Callable[[Stamped], ClipWriteError | None]:
    def failing(packet: Stamped) -> ClipWriteError | None:
        if packet.payload not in numbers:
            return None
        return DiskFullError("full") if hash(packet.payload) % 2 else ClipWriteError("broken")

    return failing


class History:
    """Plays lives, then looks at what was told."""

    def __init__(
        self, folder: Path, max_bytes: int, failing: frozenset[int], disk_failing: frozenset[int] = frozenset()
    ) -> None:
        MortalSpool.calls, MortalSpool.failing = 0, disk_failing
        self._folder = folder
        self._max_bytes = max_bytes
        self._failing = failing_at(failing)
        self.clock = ManualClock()
        self.camera = Camera(self.clock)
        self.entries: list[Entry] = []
        self.numbers: dict[str, list[int]] = {}

    def live(self, life: Life, clip_s: float) -> None:
        if life.set_s:
            self.clock.set(self.clock.now() + life.set_s * S)
        world = World(self._folder, self.clock, max_bytes=self._max_bytes, failing=self._failing, opening=MortalSpool)
        connections = [self.camera.connection(link) for link in life.links]
        MortalSpool.dead = False
        if life.killed:
            last = connections[-1]
            connections[-1] = Connection(
                last.sent, last.opens_after_s, ends=KilledError(), camera_clock=last.camera_clock
            )
            connections[-1] = dying(connections[-1])
        # A recorder that began anew because of its disk asks for one connection more than there are.
        with suppress(KilledError, ScriptEndedError):
            world.record(connections, live(clip_s=clip_s), stops=not life.killed)
        self.clock.sleep(life.down_s)

    def sent(self) -> None:
        """Take what is spooled, as the sender would."""
        world = World(self._folder, self.clock, max_bytes=self._max_bytes)
        for entry in world.entries():
            self.entries.append(entry)
            self.numbers[entry.stretch.clip_id] = world.payloads([entry])


def dying(connection: Connection) -> Connection:
    """Return the connection, at whose end the process is dead."""

    class Dying(list[Sent]):
        def __iter__(self) -> Iterator[Sent]:
            yield from connection.sent
            MortalSpool.dead = True

    return Connection(Dying(), connection.opens_after_s, ends=connection.ends, camera_clock=connection.camera_clock)


pieces = st.builds(
    Piece,
    count=st.integers(1, 40),
    gop=st.sampled_from([1, 5, 12, 100]),
    silence_s=st.sampled_from([0.0, 0.0, 0.0, 2.5, 9.0]),
    lost=st.sampled_from([0, 1, 7]),
    damaged=st.sampled_from([False, False, True]),
    jump_ms=st.sampled_from([0, 0, 0, 0, 400, 900_000, -900_000]),
    set_s=st.sampled_from([0.0, 0.0, 0.0, 3.0, -3.0, 3600.0, -3600.0]),
)
links_that_open = st.builds(
    Link,
    pieces=st.lists(pieces, min_size=2, max_size=3),
    interval_ms=st.sampled_from([40, 100, 333, 1000]),
    first_ms=st.sampled_from([0, -5000, 17_811, 10**9]),
    opens_after_s=st.sampled_from([0.0, 0.3, 4.0]),
    burst=st.sampled_from([0, 0, 20]),
    ahead_s=st.sampled_from([None, None, 0.0, 3.0, -3.0, -0.25, 40.0]),
    corrupt=st.booleans(),
)
links = st.one_of(
    links_that_open,
    links_that_open,
    st.builds(Link, refused=st.just(value=True), opens_after_s=st.sampled_from([0.0, 1.0, 10.0])),
)
lives = st.lists(
    st.builds(
        Life,
        links=st.lists(links, min_size=1, max_size=3),
        killed=st.booleans(),
        down_s=st.sampled_from([0.0, 1.0, 300.0]),
        set_s=st.sampled_from([0.0, 0.0, 0.0, 30.0, -2.0, -30.0]),
    ),
    min_size=1,
    max_size=3,
)


def assert_tells_the_wall_time(history: History) -> None:
    stretches = [entry.stretch for entry in history.entries]
    assert all(stretch.starts_at < stretch.ends_at for stretch in stretches)
    for before, after in pairwise(stretches):
        assert before.ends_at == after.starts_at
    assert len({stretch.clip_id for stretch in stretches}) == len(stretches)
    if stretches:
        total = sum((stretch.ends_at - stretch.starts_at for stretch in stretches), timedelta(0))
        assert total == stretches[-1].ends_at - stretches[0].starts_at


def assert_footage_is_what_came(history: History, slack: timedelta) -> None:
    camera = history.camera
    for entry in history.entries:
        stretch = entry.stretch
        numbers = history.numbers[stretch.clip_id]
        if isinstance(stretch.outcome, Cause):
            assert not numbers
            continue
        assert numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert not camera.unfit & set(numbers[1:])
        assert not camera.damaged & set(numbers)
        came = [camera.came[number] for number in numbers]
        assert stretch.starts_at >= min(came) - slack
        # A frame is shown until the next one comes.
        after = camera.came.get(numbers[-1] + 1, max(came))
        assert stretch.ends_at <= max(after, max(came) + S) + slack
    everything = [number for entry in history.entries for number in history.numbers[entry.stretch.clip_id]]
    assert everything == sorted(set(everything))


def told_up_to(history: History) -> datetime:
    return history.entries[-1].stretch.ends_at


@given(
    lives=lives,
    clip_s=st.sampled_from([2.0, 3.7, 10.0]),
    max_bytes=st.sampled_from([1 << 30, 1 << 30, 30_000]),
    failing=st.frozensets(st.integers(0, 400), max_size=2),
    disk_failing=st.one_of(
        st.frozensets(st.integers(1, 40), max_size=6),
        # A disk that stays full for a while.
        st.builds(lambda first, count: frozenset(range(first, first + count)), st.integers(1, 30), st.integers(1, 30)),
    ),
)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_clips_and_gaps_are_the_wall_time(
    lives: list[Life], clip_s: float, max_bytes: int, failing: frozenset[int], disk_failing: frozenset[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        history = History(Path(folder), max_bytes, failing, disk_failing)
        for life in lives:
            history.live(life, clip_s)
        MortalSpool.failing = frozenset()
        closing = Life([Link(refused=True)], killed=False, down_s=0.0)
        history.live(closing, clip_s)
        history.sent()
    assert_tells_the_wall_time(history)
    set_back = sum((-life.set_s * S for life in lives if life.set_s < 0), timedelta(0))
    # A camera's clock may be off by the limit, a clip follows it slowly, and frames that were kept back came late.
    kept_back = max(link.burst * link.interval_ms for life in lives for link in life.links) * S / 1000
    slack = CLOCK_LIMIT + RESYNC + set_back + kept_back
    assert_footage_is_what_came(history, slack)
    if history.entries:
        assert told_up_to(history) >= history.clock.now() - CLOCK_LIMIT
        assert told_up_to(history) <= history.clock.now() + slack + S


plain_pieces = st.builds(
    Piece,
    count=st.integers(1, 40),
    gop=st.sampled_from([1, 5, 12, 100]),
    silence_s=st.sampled_from([0.0, 0.0, 2.5]),
    lost=st.sampled_from([0, 1, 7]),
    damaged=st.sampled_from([False, False, True]),
)
plain_lives = st.lists(
    st.builds(
        Life,
        links=st.lists(
            st.builds(
                Link,
                pieces=st.lists(plain_pieces, min_size=2, max_size=3),
                interval_ms=st.sampled_from([40, 100]),
                opens_after_s=st.sampled_from([0.0, 4.0]),
            ),
            min_size=1,
            max_size=3,
        ),
        killed=st.booleans(),
        down_s=st.sampled_from([0.0, 300.0]),
    ),
    min_size=1,
    max_size=3,
)


@given(lives=plain_lives, clip_s=st.sampled_from([2.0, 10.0]))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_with_clocks_that_are_right_the_sum_is_exact_to_a_frame(lives: list[Life], clip_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        history = History(Path(folder), 1 << 30, frozenset())
        for life in lives:
            history.live(life, clip_s)
        history.live(Life([Link(refused=True, opens_after_s=1.0)], killed=False, down_s=0.0), clip_s)
        history.sent()
    assert_tells_the_wall_time(history)
    if history.entries:
        frame = max(link.interval_ms for life in lives for link in life.links) * S / 1000
        assert abs(told_up_to(history) - history.clock.now()) <= frame
        assert_footage_is_what_came(history, 2 * frame)
        for entry in history.entries:
            numbers = history.numbers[entry.stretch.clip_id]
            if numbers:
                assert abs(entry.stretch.starts_at - history.camera.came[numbers[0]]) <= frame
                last = history.camera.came[numbers[-1]]
                after = history.camera.came.get(numbers[-1] + 1, last)
                assert last <= entry.stretch.ends_at <= max(last + 2 * frame, after)
