"""The Ray engine, where Ray is installed."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rainkit.engines.ray import Ray
from rainkit.errors import BuildError, SourceError


def square(task: int) -> int:
    return task * task


def fail_at(bad: int, task: int) -> int:
    if task == bad:
        raise SourceError(f"picture {task} is damaged")
    return task


def die(task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


def read_threads(task: int) -> tuple[str, int]:
    import cv2

    return os.environ["NUMBA_NUM_THREADS"], cv2.getNumThreads()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BuildError, match=r"pip install 'rainkit\[ray\]'"):
        list(Ray()(square, [1]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import a test
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.mark.slow
# Ray leaves sockets and files of its own processes to the garbage collector.
@pytest.mark.filterwarnings("ignore")
class TestOnACluster:
    def test_every_task_gives_its_result_once(self, cluster: Any) -> None:
        assert sorted(Ray()(square, range(20))) == [(i, i * i) for i in range(20)]

    def test_a_task_has_one_thread(self, cluster: Any) -> None:
        assert [result for _, result in Ray()(read_threads, [0])] == [("1", 1)]

    def test_an_error_comes_back_as_itself(self, cluster: Any) -> None:
        with pytest.raises(SourceError, match="picture 3 is damaged"):
            list(Ray(workers=2)(functools.partial(fail_at, 3), range(10)))

    def test_a_worker_that_dies_again_and_again_is_said(self, cluster: Any) -> None:
        with pytest.raises(BuildError, match="a Ray worker died"):
            list(Ray()(die, [0]))

    def test_tasks_are_read_as_they_are_needed(self, cluster: Any) -> None:
        read: list[int] = []

        def tasks() -> Iterator[int]:
            for task in range(30):
                read.append(task)
                yield task

        results = Ray(workers=2)(square, tasks())
        for count in range(1, 20):
            next(results)
            assert len(read) <= count + 2
        results.close()  # type: ignore[attr-defined]
