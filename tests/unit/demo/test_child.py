"""Child processes: owned, logged, and surely stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.demo.child import Child
from config.demo.exceptions import ChildError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
# Says that it is there, and then waits for a signal.
WAITS = "import signal; print('up', flush=True); signal.pause()"
WAITS_WITH_CHILD = (
    "import subprocess; child = subprocess.Popen(['sleep', '60']);"
    "print(child.pid, flush=True); child.wait()"
)
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def until(condition: Callable[[], object]) -> None:
    """Wait for the condition, which processes beyond our reach will make true."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Return whether there is such a process, and it is not merely waiting to be reaped."""
    with contextlib.suppress(FileNotFoundError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def test_a_child_is_stopped_when_its_block_is_left(tmp_path: Path) -> None:
    """Its output is in the log, and its end is one by SIGTERM."""
    with Child("it", [sys.executable, "-c", WAITS], log=tmp_path / "log") as child:
        until(lambda: child.tail() == "up")
        assert child.returncode is None
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    assert child.returncode == -signal.SIGTERM


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """Patience ends with the grace time."""
    command = [sys.executable, "-c", IGNORES_SIGTERM]
    with Child("it", command, log=tmp_path / "log", grace_seconds=0.2) as child:
        until(lambda: child.tail() == "up")
    assert child.returncode == -signal.SIGKILL


def test_what_a_child_has_started_goes_with_it(tmp_path: Path) -> None:
    """Grandchildren are in its process group, and none is left."""
    with Child("it", [sys.executable, "-c", WAITS_WITH_CHILD], log=tmp_path / "log") as child:
        until(child.tail)
        grandchild = int(child.tail())
        assert runs(grandchild)
    until(lambda: not runs(grandchild))


def test_a_child_reads_its_input_environment_and_folder(tmp_path: Path) -> None:
    """It has what it was given."""
    program = "import os; print(input(), os.environ['GREETING'], os.getcwd())"
    child = Child(
        "it",
        [sys.executable, "-c", program],
        log=tmp_path / "log",
        env={"GREETING": "hello"},
        cwd=tmp_path,
        stdin="typed\n",
    )
    until(lambda: child.returncode is not None)
    assert (child.returncode, child.tail()) == (0, f"typed hello {tmp_path}")
    child.stop()


def test_a_command_that_does_not_exist_says_so_in_the_log(tmp_path: Path) -> None:
    """It ends at once, with a sentence and no traceback."""
    with Child("it", ["/no/such/program"], log=tmp_path / "log") as child:
        until(lambda: child.returncode is not None)
        assert child.returncode == 1
        assert child.tail() == "cannot run /no/such/program: No such file or directory"


def test_a_folder_that_does_not_exist_is_a_child_error(tmp_path: Path) -> None:
    """What cannot even be started is an error with one sentence."""
    with pytest.raises(ChildError, match=r"^it could not be started: "):
        Child("it", ["true"], log=tmp_path / "log", cwd=tmp_path / "missing")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Nothing can be cleaned up after SIGKILL, so the kernel does it."""
    program = (
        "import os, pathlib, sys; from config.demo.child import Child;"
        f"child = Child('it', [sys.executable, '-c', {WAITS!r}], log=pathlib.Path('log'));\n"
        "while child.tail() != 'up': pass\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert parent.returncode == -signal.SIGKILL
    pid = int(parent.stdout)
    until(lambda: not runs(pid))
