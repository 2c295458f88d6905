"""MediaPipe and onnxruntime report their use to their makers, unless they cannot or are told not to."""

import subprocess
import sys
import textwrap

import pytest

from support.isolation import require_isolation, run_isolated
from support.models import model_folder

_PROGRAM = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    import cv2
    import numpy as np
    from homeward.detection.adapters.mediapipe_finder import MediapipeFinder
    from homeward.detection.motion import Activity

    def filtered():
        found = {}
        for task in Path("/proc/self/task").iterdir():
            lines = (task / "status").read_text().splitlines()
            found[task.name] = next(line.split()[1] for line in lines if line.startswith("Seccomp:"))
        return found

    # OpenCV would start threads of its own for the work that it does outside MediaPipe's thread, as bootstrap knows.
    cv2.setNumThreads(1)
    before = filtered()
    model = Path(sys.argv[1], "face_detection_full_range.tflite").read_bytes()
    finder = MediapipeFinder(model, name="x", sha256="0" * 64, least_score=0.5, least_face_px=32)
    finder.find(np.zeros((360, 640, 3), np.uint8), Activity.everywhere(640, 360))
    time.sleep(1)
    after = filtered()
    added = {task: mode for task, mode in after.items() if task not in before}
    assert len(added) >= 2, "MediaPipe has threads of its own"
    assert set(added.values()) == {"2"}, f"threads with a network: {added}"
    assert all(after[task] == before[task] for task in before if task in after), "the service itself is filtered"
    finder.close()
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp of Linux")
def test_no_thread_of_mediapipe_can_make_a_socket() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(model_folder())], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[:4000]


_NETWORK = """
import sys, time
from pathlib import Path
import numpy as np
from homeward.detection.adapters.centerface_finder import CenterfaceNetwork
network = CenterfaceNetwork(Path(sys.argv[1], "centerface.onnx").read_bytes(), "centerface")
network.faces(np.zeros((64, 64, 3), np.uint8), 0.5)
time.sleep(40)
"""


@pytest.mark.slow
def test_onnxruntime_in_detection_reports_nothing() -> None:
    """It would report half a minute after it is loaded; that it does where nobody asked, tests/privacy shows."""
    require_isolation()
    # The library keeps silent where CI is set, and an operator's machine has none.
    command = ["env", "-u", "CI", sys.executable, "-c", _NETWORK, str(model_folder())]
    ended = run_isolated(command, 90, {})
    assert (ended.status, ended.attempts) == (0, []), ended.output
