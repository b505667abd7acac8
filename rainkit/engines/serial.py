"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from rainkit.records import Component


class Serial(Component):
    """Runs tasks one after the other in the calling process: nothing to start, and a debugger works."""

    kind: Literal["serial"] = Field("serial", description="Name of the engine.")

    def __call__(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index, function(task)) in the order of the tasks."""
        for index, task in enumerate(tasks):
            yield index, function(task)
