"""Engines: where and how many at a time tasks are run. No engine can change a byte of a corpus."""

from __future__ import annotations

import os
from pathlib import Path

from rainkit.engines.processes import Processes
from rainkit.engines.ray import Ray
from rainkit.engines.serial import Serial
from rainkit.errors import RecipeError
from rainkit.records import Component, Engine

ENGINES: dict[str, type[Component]] = {"serial": Serial, "processes": Processes, "ray": Ray}
"""Kind -> class."""


def available_cpus() -> int:
    """Return how many processors this process may use: its affinity, and the quota of its control group (Linux)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no version 2 control group, or the quota is "max"
        pass
    return count


def choose_engine(kind: str | None = None, workers: int | None = None) -> Engine:
    """Return the engine that the command line asks for.

    Parameters
    ----------
    kind : str, optional
        A key of `ENGINES`; without it, `serial` for one worker and `processes` for more.
    workers : int, optional
        Tasks at a time; without it, one per available processor.

    Raises
    ------
    RecipeError
        If there is no such engine, or the number of workers is not positive.
    """
    if workers is not None and workers < 1:
        raise RecipeError(f"--workers must be at least 1, not {workers}")
    count = workers or available_cpus()
    kind = kind or ("serial" if count == 1 else "processes")
    if kind == "serial":
        return Serial()
    if kind == "processes":
        return Processes(workers=count)
    if kind == "ray":
        return Ray(workers=workers)
    raise RecipeError(f"there is no engine {kind!r}: choose one of {', '.join(ENGINES)}")
