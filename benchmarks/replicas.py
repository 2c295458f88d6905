"""Two replicas of matching against one: how much sooner a search ends, and how evenly they share it.

`make bench-replicas`. Each has an embedder of its own that takes a set time a crop, as one on another machine would:
with the real one beside it two cores would be full before a second replica began. The broker is the embedded one.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

from measure import REPEATS, figure, publish
from support.replicas import CAMERAS, Run, searched

_CLIPS: Final = 40
_EMBEDS_IN: Final = timedelta(milliseconds=10)


def run(replicas: int) -> Run:
    """Return one search by so many replicas."""
    with tempfile.TemporaryDirectory() as folder:
        return searched(Path(folder) / "tansu", replicas, clips=_CLIPS, embeds_in=_EMBEDS_IN)


def main() -> None:
    """Measure and publish."""
    pairs = [(run(1), run(2)) for _ in range(REPEATS)]
    one, two = pairs[0]
    publish(
        figure(
            "search.two_replicas_vs_one",
            [alone.seconds / both.seconds for alone, both in pairs],
            unit="times as fast",
            at_least=1.8,
            against=f"one replica ({one.seconds:.1f} s)",
            source=f"{one.tasks} tasks, {sum(one.faces)} faces of {CAMERAS} cameras, an embedder of "
            f"{_EMBEDS_IN.total_seconds() * 1000:g} ms a crop for each replica; the two compared "
            f"{max(two.faces)} and {min(two.faces)} faces",
        )
    )


if __name__ == "__main__":
    main()
