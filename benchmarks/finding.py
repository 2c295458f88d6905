"""Who is found by the whole pipeline, by the width of their faces: twenty people, each looked for among the others.

`make bench-finding`. Each person walks past each of three cameras once, in a smiling photo, and is searched for by the
neutral one; every service runs as in production. An appearance is found when a sighting shows it, by time and place.
With names of widths (`finding.py 40 32`) only these are measured.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from accuracy import wilson

from measure import Figure, figure, publish
from support.tally import Tally
from support.world import recorded_world

SUBJECTS: Final = 20
CAMERAS: Final = 3

SIZES: Final = (
    ("48_120", (48.0, 120.0), 0.97),
    ("40", (39.0, 41.0), 0.93),
    ("32", (31.0, 33.0), 0.85),
    ("24", (23.0, 25.0), 0.0),
)
"""Names, the narrowest and the widest face in px, and the share of appearances asked; of 24 px nothing is."""


def measure(width_px: tuple[float, float]) -> Tally:
    """Return what the searches for all people come to when their faces are so wide."""
    with (
        tempfile.TemporaryDirectory() as folder,
        recorded_world(Path(folder), people=SUBJECTS, cameras=CAMERAS, face_width_px=width_px) as world,
    ):
        return world.tally()


def figures(name: str, width_px: tuple[float, float], ask: float, tally: Tally) -> list[Figure]:
    """Return the share of appearances found, and how many people somebody else stood above."""
    low, high = wilson(tally.found, tally.appearances)
    walked = f"{SUBJECTS} people once past each of {CAMERAS} cameras, faces {width_px[0]:g} to {width_px[1]:g} px wide"
    return [
        figure(
            f"finding.appearances_{name}",
            # The middle of the three is the share itself; the others are its bounds.
            (low, tally.recall, high),
            unit="of the appearances",
            at_least=ask,
            against="what was composed; the spread is the 95 % interval (Wilson)",
            source=f"{walked}: {tally.told()}",
        ),
        figure(
            f"finding.outranked_{name}",
            (len(tally.outranked),),
            unit="subjects below somebody else's sighting",
            at_most=0 if ask else SUBJECTS,
            against="what was composed",
            source=walked,
        ),
    ]


def main() -> None:
    """Measure and publish, one width after the other."""
    wanted = sys.argv[1:]
    for name, width_px, ask in SIZES:
        if wanted and name not in wanted:
            continue
        tally = measure(width_px)
        print(f"{name} px: {tally.told()}; somebody else above {tally.outranked or 'nobody'}")
        publish(*figures(name, width_px, ask, tally))


if __name__ == "__main__":
    main()
