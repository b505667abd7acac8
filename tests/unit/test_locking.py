"""One training in a folder at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rainkit.errors import BuildError
from rainkit.locking import hold_lock

HOLD = """\
import sys
from pathlib import Path
from rainkit.locking import hold_lock
with hold_lock(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_keeps_it_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BuildError, match="runs/a is busy"), hold_lock(path, "runs/a is busy"):
            pass
        other.kill()
    with hold_lock(path, "busy"):
        pass


def test_a_second_holder_in_one_process_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path, "busy"):
        for _ in range(2):
            with pytest.raises(BuildError, match="busy"), hold_lock(path, "busy"):
                pass


def test_a_lock_that_cannot_be_made_is_a_failed_write(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="the folder does not exist"), hold_lock(tmp_path / "no" / "lock", "busy"):
        pass
