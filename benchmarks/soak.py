"""Records SOAK_CAMERAS (20) cameras for SOAK_MINUTES (30) while cameras, stores, brokers and recorders fail at random.

`make soak`. Ends with status 1 unless clips and gaps add up to the wall time of each camera, to the frame. SOAK_SEED
(the time, by default) draws the faults: the same seed draws the same ones.
"""

import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from support.soak import SoakPlan, soak
from support.soak_verdict import table


def main() -> int:
    """Run the soak and print its table; return the exit status."""
    plan = SoakPlan(
        cameras=int(os.environ.get("SOAK_CAMERAS", "20")),
        lasts=timedelta(minutes=float(os.environ.get("SOAK_MINUTES", "30"))),
        seed=int(os.environ.get("SOAK_SEED", str(int(time.time())))),
    )
    print(f"{plan.cameras} cameras for {plan.lasts}, seed {plan.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = soak(Path(folder), plan, lambda what: print(what, flush=True))
    print(table(verdicts))
    wrong = [one.camera for one in verdicts if one.troubles]
    print(f"{len(verdicts) - len(wrong)} of {len(verdicts)} cameras are accounted for to the frame")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
