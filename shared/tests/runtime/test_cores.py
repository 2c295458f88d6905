import subprocess
import sys
from pathlib import Path

import pytest

CRASH = """
import ctypes, os, resource, sys
from homeward.shared.runtime.cores import forbid_cores
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
forbid_cores()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
os.abort()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands cores to programs")
def test_a_crash_leaves_no_core_by_way_of_a_file_or_of_a_program(tmp_path: Path) -> None:
    crashed = subprocess.run([sys.executable, "-c", CRASH], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert crashed.returncode < 0
    assert crashed.stdout.split() == ["0", "0"]
    assert list(tmp_path.iterdir()) == []
