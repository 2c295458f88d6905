from dataclasses import dataclass, field

from homeward.cli.stack.supervisor import FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S, Supervisor


@dataclass
class Child:
    alive: bool = True
    starts: int = 0
    exit_status: int = -9

    def is_alive(self) -> bool:
        return self.alive

    def start(self) -> None:
        self.alive = True
        self.starts += 1


@dataclass
class Clock:
    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Scene:
    child: Child = field(default_factory=Child)
    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor({"ingest": self.child}, self.clock, self.said.append)  # type: ignore[dict-item, arg-type] # all that it asks of a child and a clock

    def until_started(self) -> float:
        """Return how long the child, which has just ended, stays away."""
        begun, starts = self.clock.seconds, self.child.starts
        self.child.alive = False
        while self.child.starts == starts:
            self.supervisor.look()
            self.clock.seconds += 0.25
        return self.clock.seconds - begun - 0.25


def test_a_running_child_is_left_alone() -> None:
    scene = Scene()
    for _ in range(10):
        scene.supervisor.look()
        scene.clock.seconds += 10
    assert scene.child.starts == 0
    assert scene.said == []


def test_a_child_that_ends_is_started_again_later_each_time() -> None:
    scene = Scene()
    waits = [scene.until_started() for _ in range(10)]
    assert waits[0] == FIRST_WAIT_S
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S
    assert "exit status -9" in scene.said[0]


def test_a_child_that_ran_well_is_started_again_soon() -> None:
    scene = Scene()
    for _ in range(5):
        scene.until_started()
    scene.clock.seconds += STEADY_S
    assert scene.until_started() == FIRST_WAIT_S
