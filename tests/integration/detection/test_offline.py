"""MediaPipe reports its use to its maker, unless it cannot."""

import subprocess
import sys
import textwrap

import pytest

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
