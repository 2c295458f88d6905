"""Two Homewards never run on one folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from homeward.cli.embedded.process import ProcessError
from homeward.cli.stack.hold import FolderHold
from homeward.cli.stack.stack import Stack

_TAKE = """
import sys, time
from pathlib import Path
from homeward.cli.stack.hold import FolderHold
FolderHold(Path(sys.argv[1])).take()
print("taken", flush=True)
time.sleep(60)
"""


def test_a_second_stack_on_the_folder_is_refused_before_anything_of_it_runs(tmp_path: Path) -> None:
    first = FolderHold(tmp_path)
    first.take()
    second = Stack(tmp_path, tmp_path / "models")
    with pytest.raises(ProcessError, match="another Homeward keeps its data in"):
        second.start()
    with pytest.raises(ProcessError, match="was not started"):
        _ = second.object_store.process
    first.give_back()
    third = FolderHold(tmp_path)
    third.take()
    third.give_back()
    third.give_back()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _TAKE, tmp_path], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "taken\n"
        with pytest.raises(ProcessError):
            FolderHold(tmp_path).take()
        child.kill()
    hold = FolderHold(tmp_path)
    hold.take()
    hold.give_back()
