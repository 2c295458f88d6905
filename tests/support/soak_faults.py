"""What may happen to a city's recorders in a day, drawn by a seed for some minutes."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from support.ingest_process import IngestProcess
from support.ingest_world import IngestWorld
from support.load_cameras import LoadCameras

_MOST_CLOCK_S: Final = 2.0
"""How far a camera's clock may stray; the recorder trusts one within 5 s."""

_LIKELY: Final = {
    "cut": 4,
    "stall": 3,
    "garbage": 3,
    "lose": 3,
    "away": 3,
    "clock": 2,
    "restart": 1,
    "store": 2,
    "kafka": 1,
    "killed": 2,
    "second": 2,
    "second_killed": 1,
}
"""How often each is drawn, in comparison."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong; `camera` is None for what concerns all. `explains` says that it may cost footage."""

    what: str
    camera: int | None
    starts_at: datetime
    ends_at: datetime
    explains: bool


@dataclass
class Faults:
    """Draws what goes wrong with the cameras, the store, the broker and two replicas, and makes it happen."""

    world: IngestWorld
    cameras: LoadCameras
    first: IngestProcess
    second: IngestProcess
    count: int
    random: random.Random

    def __post_init__(self) -> None:
        self.happened: list[Fault] = []
        self._clocks: dict[int, float] = {}

    def run(self, until_s: float, report: Callable[[str], None]) -> None:
        """Let things happen until the monotonic time `until_s`; afterwards everything is well again."""
        while (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, self.random.uniform(1, 6)))
            if until_s - time.monotonic() < _LONGEST_S:
                time.sleep(max(0, until_s - time.monotonic()))
                break
            what = self.random.choices(list(_LIKELY), list(_LIKELY.values()))[0]
            report(what)
            if what in _OF_CAMERAS:
                self._trouble(what)
            else:
                _OF_ALL[what](self)
        self._mend()

    def _trouble(self, what: str) -> None:
        camera, details = self.random.randrange(self.count), dict[str, float]()
        match what:
            case "stall" | "away":
                details["for_s"] = self.random.uniform(1, _LONGEST_S)
            case "lose":
                details["packets"] = self.random.randrange(1, 4)
            case "clock":
                strays_s = self.random.uniform(-_MOST_CLOCK_S, _MOST_CLOCK_S)
                details["by_s"] = strays_s - self._clocks.get(camera, 0)
                self._clocks[camera] = strays_s
        at = datetime.now(UTC)
        self.cameras.order(what, camera=camera, **details)
        lasts = timedelta(seconds=details.get("for_s", abs(details.get("by_s", 0))))
        self.happened.append(Fault(what, camera, at, at + lasts, explains=True))

    def _restart(self) -> None:
        for_s, at = self.random.uniform(0.5, 5), datetime.now(UTC)
        self.cameras.order("restart", for_s=for_s)
        time.sleep(for_s)
        self._note("restart", at, explains=True)

    def _store_away(self) -> None:
        at = datetime.now(UTC)
        self.world.store.process.kill()
        time.sleep(self.random.uniform(1, _LONGEST_S))
        self.world.store.start()
        # Clips wait: no footage may be lost by it.
        self._note("store", at, explains=False)

    def _kafka_away(self) -> None:
        at = datetime.now(UTC)
        # It keeps its log in memory: it stands still and answers nobody, and then goes on.
        self.world.broker.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(1, _LONGEST_S))
        self.world.broker.process.send_signal(signal.SIGCONT)
        # The group forms anew afterwards, and cameras may move.
        self._note("kafka", at, explains=True)

    def _killed(self) -> None:
        at = datetime.now(UTC)
        self.first.kill()
        time.sleep(self.random.uniform(0, 5))
        self.first.start()
        self._note("killed", at, explains=True)

    def _second(self) -> None:
        at = datetime.now(UTC)
        if self.second.running:
            self.second.stop()
        else:
            self.second.start()
        self._note("second", at, explains=True)

    def _second_killed(self) -> None:
        if self.second.running:
            at = datetime.now(UTC)
            self.second.kill()
            self._note("second killed", at, explains=True)

    def _note(self, what: str, at: datetime, *, explains: bool) -> None:
        self.happened.append(Fault(what, None, at, datetime.now(UTC), explains))

    def _mend(self) -> None:
        for replica in (self.first, self.second):
            if not replica.running:
                at = datetime.now(UTC)
                replica.start()
                self._note("started", at, explains=True)


_LONGEST_S: Final = 12.0
"""How long a fault lasts at the most; none begins so late that it would outlast its time."""

_OF_CAMERAS: Final = frozenset({"cut", "stall", "garbage", "lose", "away", "clock"})
_OF_ALL: Final[Mapping[str, Callable[[Faults], None]]] = {
    "restart": Faults._restart,
    "store": Faults._store_away,
    "kafka": Faults._kafka_away,
    "killed": Faults._killed,
    "second": Faults._second,
    "second_killed": Faults._second_killed,
}
