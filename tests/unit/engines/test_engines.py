"""Engines give every result once, errors as themselves, and leave no process behind."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rainkit.engines import ENGINES, available_cpus, choose_engine
from rainkit.engines.processes import THREAD_VARIABLES, Processes
from rainkit.engines.serial import Serial
from rainkit.errors import BuildError, RecipeError, SourceError
from rainkit.records import Engine

LOCAL = [Serial(), Processes(workers=1), Processes(workers=3)]


def square(task: int) -> int:
    return task * task


def fail_at(bad: int, task: int) -> int:
    if task == bad:
        raise SourceError(f"picture {task} is damaged")
    return task


class OddError(Exception):
    """Cannot be pickled back: its constructor wants two arguments."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def fail_oddly(task: int) -> int:
    raise OddError(task, 7)


def die(how: int, task: int) -> int:
    if how:
        os.kill(os.getpid(), how)
    os._exit(3)


def describe_worker(task: int) -> tuple[int, dict[str, str], int, bool]:
    import cv2

    time.sleep(0.05)
    variables = {name: os.environ.get(name, "") for name in THREAD_VARIABLES}
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return os.getpid(), variables, cv2.getNumThreads(), ignored


@pytest.mark.parametrize("engine", LOCAL, ids=repr)
def test_every_task_gives_its_result_once(engine: Engine) -> None:
    assert sorted(engine(square, range(20))) == [(i, i * i) for i in range(20)]


@pytest.mark.parametrize("engine", LOCAL, ids=repr)
def test_no_tasks_no_results(engine: Engine) -> None:
    assert list(engine(square, [])) == []


@pytest.mark.parametrize("engine", LOCAL, ids=repr)
def test_results_larger_than_a_pipe_arrive(engine: Engine) -> None:
    results = dict(engine(bytes, [1 << 20, 3 << 20, 5]))
    assert {index: len(result) for index, result in results.items()} == {0: 1 << 20, 1: 3 << 20, 2: 5}


@pytest.mark.parametrize("engine", LOCAL, ids=repr)
def test_tasks_are_read_as_they_are_needed(engine: Engine) -> None:
    read: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(50):
            read.append(task)
            yield task

    results = engine(square, tasks())
    for count in range(1, 40):
        next(results)
        assert len(read) <= count + 3
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", LOCAL, ids=repr)
def test_an_error_comes_back_as_itself(engine: Engine) -> None:
    with pytest.raises(SourceError, match="picture 3 is damaged"):
        list(engine(functools.partial(fail_at, 3), range(10)))


def test_an_error_carries_the_traceback_of_its_worker() -> None:
    with pytest.raises(SourceError) as caught:
        list(Processes(workers=2)(functools.partial(fail_at, 0), range(10)))
    assert "in fail_at" in str(caught.value.__cause__)


def test_an_error_that_cannot_travel_is_told() -> None:
    with pytest.raises(RuntimeError, match="OddError: 0 and 7"):
        list(Processes(workers=1)(fail_oddly, [0]))


def test_a_killed_worker_is_said_with_a_likely_reason() -> None:
    with pytest.raises(BuildError, match=r"SIGKILL during task 0.*memory.*--workers"):
        list(Processes(workers=1)(functools.partial(die, signal.SIGKILL), range(3)))


def test_a_worker_that_ends_by_itself_is_said() -> None:
    with pytest.raises(BuildError, match=r"exit status 3.*during task 0"):
        list(Processes(workers=1)(functools.partial(die, 0), range(3)))


def test_workers_have_one_thread_each_and_leave_ctrl_c_to_the_parent() -> None:
    before = dict(os.environ)
    answers = [answer for _, answer in Processes(workers=2)(describe_worker, range(6))]
    assert len({pid for pid, *_ in answers}) == 2
    assert os.getpid() not in {pid for pid, *_ in answers}
    for _, variables, threads, ignored in answers:
        assert variables == dict.fromkeys(THREAD_VARIABLES, "1")
        assert threads == 1
        assert ignored
    assert dict(os.environ) == before


def test_no_worker_outlives_the_run() -> None:
    results = Processes(workers=2)(square, range(100))
    next(results)
    assert len(multiprocessing.active_children()) == 2
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


SCRIPT = """
    import os, sys, time
    from pathlib import Path
    from rainkit.engines import choose_engine
    from rainkit.files import committing

    def write_slowly(task):
        with committing(Path(sys.argv[1]) / f"{task}-{os.getpid()}") as file:
            file.write(b"x")
            time.sleep(60)

    if __name__ == "__main__":
        try:
            for _ in choose_engine("processes", 2)(write_slowly, range(8)):
                pass
        except KeyboardInterrupt:
            sys.exit(130)
"""


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _wait_until(condition: object, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_workers_stop_with_their_parent_and_discard_what_they_write(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    out = tmp_path / "out"
    out.mkdir()
    # A session of its own, so that the signal can reach the whole group, as Ctrl-C in a terminal does.
    with subprocess.Popen(
        [sys.executable, str(script), str(out)], stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert _wait_until(lambda: len(list(out.iterdir())) == 2)
        workers = [int(path.name.split("-")[1].split(".")[0]) for path in out.iterdir()]
        if how is signal.SIGINT:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        errors = process.communicate(timeout=20)[1]
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    assert _wait_until(lambda: not any(map(_is_running, workers)))
    assert list(out.iterdir()) == []
    assert b"Traceback" not in errors


def test_the_default_engine_follows_the_workers() -> None:
    assert choose_engine(workers=1) == Serial()
    assert choose_engine(workers=3) == Processes(workers=3)
    assert choose_engine("processes", 1) == Processes(workers=1)
    assert choose_engine("processes") == Processes(workers=available_cpus())
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


def test_a_wrong_choice_is_said() -> None:
    with pytest.raises(RecipeError, match="choose one of serial, processes, ray"):
        choose_engine("threads")
    with pytest.raises(RecipeError, match="at least 1"):
        choose_engine(workers=0)


def test_table_names_each_kind() -> None:
    assert {kind: engine.model_fields["kind"].default for kind, engine in ENGINES.items()} == {k: k for k in ENGINES}
