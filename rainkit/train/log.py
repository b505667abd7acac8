"""The diary of a training: one JSON object a line, and TensorBoard's files beside it where they are wanted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from rainkit.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training is.

    Attributes
    ----------
    step, steps : int
        Steps done, of how many.
    loss : float
        Mean L1 since the last report, pictures scaled to 0..1.
    learning_rate : float
        Of the latest step.
    steps_per_second : float
        Since the last report.
    seconds_left : float
        At that speed.
    waiting : float
        Share of the time since the last report in which the network waited for pictures.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    steps_per_second: float
    seconds_left: float
    waiting: float


class Stopwatch:
    """Measures speed, and how long a consumer waits for the items of an iterable."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._waited = 0.0

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, with the time that each took to come added up."""
        iterator = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            self._waited += time.perf_counter() - asked
            yield item

    def lap(self) -> tuple[float, float]:
        """Return seconds since the last lap and the share of them spent waiting, and begin another."""
        now = time.perf_counter()
        seconds, waited = max(now - self._begun, 1e-9), self._waited
        self._begun, self._waited = now, 0.0
        return seconds, waited / seconds


class Odometer:
    """Adds up losses and time, and says when a report is due.

    Parameters
    ----------
    steps : int
        Steps of the training.
    step : int
        Steps done so far.
    every : int
        Steps between reports.
    """

    def __init__(self, steps: int, step: int, every: int) -> None:
        self.watch = Stopwatch()
        self.losses: Tensor | float = 0.0
        self._steps, self._step, self._reported, self._every = steps, step, step, every

    def add(self, loss: Tensor) -> None:
        """Count a step; the loss stays on its device, because asking a GPU for a number makes the loop wait."""
        self.losses = self.losses + loss
        self._step += 1

    def is_due(self) -> bool:
        """Return whether a report is due: every so many steps, and after the last."""
        return self._step - self._reported >= self._every or self._step == self._steps

    def report(self, learning_rate: float) -> Progress:
        """Return the progress since the last report, and begin another stretch."""
        seconds, waiting = self.watch.lap()
        done = self._step - self._reported
        speed, loss = done / seconds, float(self.losses) / done
        self.losses, self._reported = 0.0, self._step
        left = (self._steps - self._step) / speed
        return Progress(self._step, self._steps, loss, learning_rate, speed, left, waiting)


class Diary:
    """Writes `log.jsonl` in a run's folder; what stands there beyond the step of a resumed run is struck out.

    Parameters
    ----------
    run : Path
        Folder of the run.
    step : int
        Steps done so far.
    tensorboard : bool
        Whether to write event files too.

    Raises
    ------
    RecipeError
        If TensorBoard is wanted and not installed.
    """

    def __init__(self, run: Path, step: int, tensorboard: bool = False) -> None:
        self._board = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional
            except ImportError as error:
                raise RecipeError(
                    "tensorboard is not installed: pip install 'rainkit[tensorboard]', or leave --tensorboard out"
                ) from error
            # TensorBoard drops what it knows from this step on; the step of the checkpoint is kept, as in the log.
            self._board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)
        path = run / "log.jsonl"
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= step]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Diary:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, progress: Progress) -> None:
        """Add a line, and make it visible to readers at once."""
        self._file.write(json.dumps(asdict(progress)) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in asdict(progress).items():
                if name not in {"step", "steps"}:
                    self._board.add_scalar(name, value, progress.step)


def _lines(path: Path) -> list[str]:
    """Return the whole lines of the file; a killed process may have left half of one."""
    if not path.exists():
        return []
    return [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line.endswith("}")]
