"""Tasks side by side in worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from pydantic import Field

from rainkit.errors import BuildError
from rainkit.records import Component

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Environment variables that native libraries read once, when they are loaded."""

# What every worker needs; loaded once in the fork server, in 0.9 s, after which a worker starts in 0.03 s. A worker
# that is spawned takes 0.35 s of a processor each time (Python 3.11).
_PRELOADED = ("rainkit.engines.processes", "rainkit.samples.draw", "rainkit.survey", "rainkit.rain.kernels", "numba")
_GRACE = 2.0
"""Seconds that a worker has to clean up after it was told to stop."""


class _WorkerTraceback(Exception):  # noqa: N818 - it is the cause of an error, shown above it
    """The traceback of a worker, as text, because tracebacks do not travel."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _make_context() -> multiprocessing.context.BaseContext:
    """Return how processes are started: never by forking this one, whose threads and locks a copy would inherit."""
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


@contextmanager
def _inherited_settings() -> Iterator[None]:
    """Give new processes one thread per library, and keep Ctrl-C from them: the parent tells them to stop."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    mask = None
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker  # noqa: PLC0415 - POSIX only

        # Its start would unblock the signal again.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _leave(*_: object) -> None:
    """End a worker so that open files are discarded by the blocks that hold them."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(1)


def _follow_parent() -> None:
    """End this worker when its parent is gone, however the parent died."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE)
        os._exit(1)


def _pack_error(error: BaseException) -> tuple[BaseException, str]:
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error that does not travel must not hide itself behind its own pickling
        return RuntimeError(f"{type(error).__name__}: {error}"), text
    return error, text


def _work(connection: Connection, function: Callable[[Any], Any]) -> None:
    """Run tasks from `connection` until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()
    from rainkit.images import use_threads  # noqa: PLC0415 - after the settings of this process

    use_threads(1)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        answer: tuple[Any, tuple[BaseException, str] | None]
        try:
            answer = (function(task), None)
        except Exception as error:
            answer = (None, _pack_error(error))
        try:
            connection.send(answer)
        except BrokenPipeError:
            return


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    index: int = -1

    def give(self, index: int, task: Any) -> None:
        self.index = index
        try:
            self.connection.send(task)
        except (BrokenPipeError, ConnectionResetError):
            raise self.death() from None

    def take(self) -> Any:
        try:
            result, failure = self.connection.recv()
        except (EOFError, ConnectionResetError):
            raise self.death() from None
        if failure is not None:
            error, text = failure
            raise error from _WorkerTraceback(text)
        return result

    def death(self) -> BuildError:
        self.process.join(_GRACE)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; most likely the memory ran out: use fewer --workers or free some" if name == "SIGKILL" else ""
            return BuildError(
                f"a worker process was ended by {name} during task {self.index}{hint}; what is finished is kept"
            )
        return BuildError(
            f"a worker process ended by itself (exit status {code}) during task {self.index}; in a script of your own, "
            'call rainkit under `if __name__ == "__main__":`'
        )


def _stop(workers: list[_Worker], finished: bool) -> None:
    for worker in workers:
        worker.connection.close()
        if not finished:
            worker.process.terminate()
    deadline = time.monotonic() + _GRACE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()


class Processes(Component):
    """Runs tasks in worker processes, one task at a time each, one thread each.

    A worker that dies ends the run with a `BuildError`; an error in a task comes back as itself; Ctrl-C stops the
    workers within two seconds, and they end when the calling process dies.
    """

    kind: Literal["processes"] = Field("processes", description="Name of the engine.")
    workers: int = Field(2, ge=1, description="Worker processes.")

    def __call__(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index, function(task)) as results arrive; `tasks` is read as workers become free."""
        context = _make_context()
        queue = enumerate(tasks)
        workers: list[_Worker] = []
        finished = False
        try:
            for index, task in queue:
                worker = self._start(context, function)
                workers.append(worker)
                worker.give(index, task)
                if len(workers) == self.workers:
                    break
            busy = {worker.connection: worker for worker in workers}
            while busy:
                for connection in wait(list(busy)):
                    worker = busy[connection]  # type: ignore[index]
                    done, result = worker.index, worker.take()
                    following = next(queue, None)
                    if following is None:
                        del busy[connection]  # type: ignore[arg-type]
                    else:
                        worker.give(*following)
                    yield done, result
            finished = True
        finally:
            _stop(workers, finished)

    @staticmethod
    def _start(context: Any, function: Callable[[Any], Any]) -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, function), daemon=True)
        with _inherited_settings():
            process.start()
        theirs.close()
        return _Worker(process, ours)
