"""One trial of a corpus: a network trained on it with one seed, and what it makes of held-out pictures."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from rainkit.data.corpus import Corpus
from rainkit.errors import RecipeError
from rainkit.rain.compose import compose
from rainkit.records import Advance, Engine, Pixels, Report, Simulator
from rainkit.seeds import Stream

if TYPE_CHECKING:
    from rainkit.train.config import Machine, Training
    from rainkit.train.evaluate import Case, Cases

MIDDLE = 256
"""Side of the middle of a picture that networks are judged on, px; larger ones would take minutes."""
_DONE = "judged"
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Exam:
    """Held-out pictures to judge a network on.

    Attributes
    ----------
    name : str
        `seen` or `unseen`.
    rows : tuple of int
        Samples of the corpus.
    rain : Simulator, optional
        Rain that is drawn on their clean pictures in place of their own.
    label : str
        What that rain is called.
    """

    name: str
    rows: tuple[int, ...]
    rain: Simulator | None = None
    label: str = ""


@dataclass(frozen=True)
class Trial:
    """What a worker needs to train one network and to judge it.

    Attributes
    ----------
    corpus : Corpus
        As opened.
    rows : tuple of int
        Samples to train on.
    exams : tuple of Exam
        Samples to judge on.
    config : Training
        What is trained.
    machine : Machine
        Where.
    run : Path
        Folder of the training; one that was cut off there goes on.
    """

    corpus: Corpus
    rows: tuple[int, ...]
    exams: tuple[Exam, ...]
    config: Training
    machine: Machine
    run: Path


def run_trial(trial: Trial) -> pa.Table:
    """Train and judge a network; return results as `evaluate` does, with columns `exam` and `seed` before them."""
    import numpy as np  # noqa: PLC0415

    from rainkit.data.torch import CorpusPairs, Pool  # noqa: PLC0415 - torch takes seconds to import
    from rainkit.train.checkpoint import load_network  # noqa: PLC0415
    from rainkit.train.config import choose_device  # noqa: PLC0415
    from rainkit.train.evaluate import evaluate  # noqa: PLC0415
    from rainkit.train.loop import train  # noqa: PLC0415
    from rainkit.train.tiles import restore  # noqa: PLC0415

    config = trial.config
    (trial.run / _DONE).unlink(missing_ok=True)
    pool = Pool(trial.corpus, np.array(trial.rows, dtype=np.int64))
    pairs = CorpusPairs([pool], config.patch, flip=config.flip, seed=config.seed)
    try:
        train(config, pairs, trial.run, trial.machine, resume=True, report_every=10, save_every=250)
    except RecipeError:
        # What was left there is of another training: an older corpus, or another budget.
        shutil.rmtree(trial.run, ignore_errors=True)
        train(config, pairs, trial.run, trial.machine, resume=True, report_every=10, save_every=250)
    device = choose_device(config, trial.machine)
    network, _ = load_network(trial.run, device)
    methods = {"network": lambda rainy: restore(network, rainy, device=device)}
    tables = []
    with (trial.run / _DONE).open("wb", buffering=0) as ticks:
        for exam in trial.exams:
            table = evaluate(_list_cases(trial.corpus, exam), methods, done=lambda case, results: _tick(ticks))
            names = pa.array([exam.name] * table.num_rows), pa.array([config.seed] * table.num_rows, pa.int64())
            tables.append(table.add_column(0, "exam", names[0]).add_column(1, "seed", names[1]))
    return pa.concat_tables(tables)


def _tick(file: Any) -> None:
    file.write(b".")


def _list_cases(corpus: Corpus, exam: Exam) -> Cases:
    from rainkit.train.evaluate import Cases, corpus_cases  # noqa: PLC0415

    plain = corpus_cases(corpus, exam.rows)
    return Cases(len(plain), lambda number: _prepare(plain.load(number), exam))


def _prepare(case: Case, exam: Exam) -> Case:
    """Return the middle of a case, with the rain of the exam where it has one."""
    from rainkit.train.evaluate import Case  # noqa: PLC0415

    assert case.clean is not None
    rainy, clean = _middle(case.rainy), _middle(case.clean)
    name = case.rain
    if exam.rain is not None:
        rainy = compose(clean, exam.rain(clean.shape[:2], Stream(0, "exam", exam.label, case.key)))
        name = exam.label
    return Case(case.key, case.split, case.stratum, name, case.background_id, rainy, clean)


def _middle(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    top, left = max(0, height - MIDDLE) // 2, max(0, width - MIDDLE) // 2
    return pixels[top : top + MIDDLE, left : left + MIDDLE].copy()


def run_trials(trials: Sequence[Trial], engine: Engine, report: Report) -> pa.Table:
    """Run trials side by side and return their results, in the order of the trials.

    Parameters
    ----------
    trials : sequence of Trial
        At least one.
    engine : Engine
        Runs them; one thread each.
    report : callable
        Follows the progress, in optimizer steps and judged pictures.

    Raises
    ------
    TrainingError
        If a training cannot go on.
    """
    cases = sum(len(exam.rows) for exam in trials[0].exams)
    advance = report("networks", sum(trial.config.steps + cases for trial in trials))
    with _watching({number: trial.run for number, trial in enumerate(trials)}, advance):
        tables: dict[int, pa.Table] = dict(engine(run_trial, trials))
    return pa.concat_tables([tables[number] for number in range(len(trials))])


@contextmanager
def _watching(runs: Mapping[int, Path], advance: Advance) -> Iterator[None]:
    """Report what the runs' diaries say while the block lasts."""
    over = threading.Event()

    def follow() -> None:
        known = dict.fromkeys(runs, 0)
        while not over.wait(_TICK):
            for number, run in runs.items():
                done, words = _read_progress(run)
                if done > known[number]:
                    advance(done - known[number], words)
                    known[number] = done

    thread = threading.Thread(target=partial(follow), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _read_progress(run: Path) -> tuple[int, str]:
    """Return the steps and judged pictures of a run, and a word on the latest."""
    import json  # noqa: PLC0415

    done, words = 0, ""
    with suppress(OSError, ValueError, IndexError, KeyError):
        latest = json.loads((run / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        done, words = int(latest["step"]), f"loss {latest['loss']:.4f}"
    with suppress(OSError):
        judged = (run / _DONE).stat().st_size
        done, words = done + judged, "judging" if judged else words
    return done, words
