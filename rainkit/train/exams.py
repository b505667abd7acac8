"""Which splits of a corpus a network is trained and judged on, and where trainings are kept meanwhile."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pyarrow.compute as pc

from rainkit.data.corpus import Corpus
from rainkit.data.stores import LocalStore
from rainkit.errors import RecipeError, SourceError
from rainkit.locking import hold_lock
from rainkit.rain import simulator
from rainkit.recipe import Recipe, Validation
from rainkit.records import Simulator
from rainkit.train.config import Machine, Training
from rainkit.train.trial import Exam, Trial
from rainkit.train.verdict import Budget

PROBES = ("slacking-off-large", "rain100h-like")
"""Presets of rain that stand for unseen rain where a corpus has none; the first that is not among its own is taken."""
FOLDER = ".validation"
"""Folder in the corpus that holds trainings until they are judged; hidden files are no part of a corpus."""
PATCH = 64


@dataclass(frozen=True, slots=True)
class Parts:
    """What a corpus is trained and judged on.

    Attributes
    ----------
    train, seen : str
        Names of splits.
    unseen : str
        Name of a split, or "" where rain of `probe` is drawn on the clean pictures of `seen`.
    rains : tuple of str
        Rains of `seen` that `train` has too.
    probe : str
        Name of a preset, or "".
    """

    train: str
    seen: str
    unseen: str
    rains: tuple[str, ...]
    probe: str = ""

    def names(self) -> dict[str, str]:
        """Return what stands for train, seen and unseen, for people."""
        unseen = self.unseen or f"rain {self.probe} drawn on the clean pictures of {self.seen}"
        return {"train": self.train, "seen": self.seen, "unseen": unseen}


def choose_parts(recipe: Recipe, corpus: Corpus, limits: Validation) -> Parts:
    """Return which splits are what.

    Raises
    ------
    RecipeError
        If a split that the thresholds name is not there, or none is left to judge on.
    SourceError
        If the corpus holds no pictures.
    """
    if not {"rainy", "clean"} <= set(corpus.members):
        raise SourceError(f"{corpus.address} has no rainy and clean pictures to judge; build the corpus first")
    there = {name: split for name, split in recipe.splits.items() if name in corpus.splits}
    for part in ("train", "seen", "unseen"):
        name = getattr(limits, part)
        if name is not None and name not in there:
            raise RecipeError(f"validation.{part}: {corpus.address} has no split {name!r}: it has {', '.join(there)}")
    largest = max(there, key=lambda name: there[name].samples)
    train = limits.train or ("train" if "train" in there else largest)
    known = set(there[train].rain)
    _require_apart(limits, train, known, {name: set(split.rain) for name, split in there.items()})
    others = [name for name in there if name != train]
    seen = limits.seen or next((name for name in others if known & set(there[name].rain)), None)
    if seen is None:
        raise RecipeError(
            f"{corpus.address} has no split to judge on: beside {train!r} it needs held-out pictures with rain of "
            f"{', '.join(sorted(known))}; add such a split to the recipe, or name one in validation.seen"
        )
    unseen = limits.unseen or next((name for name in others if not known & set(there[name].rain)), "")
    rains = tuple(sorted(known & set(there[seen].rain))) or tuple(sorted(there[seen].rain))
    probe = "" if unseen else _choose_probe(recipe, known)
    return Parts(train, seen, unseen, rains, probe)


def _require_apart(limits: Validation, train: str, known: set[str], rains: dict[str, set[str]]) -> None:
    """Raise where the thresholds name a split to judge on that networks have seen."""
    for part in ("seen", "unseen"):
        if getattr(limits, part) == train:
            raise RecipeError(
                f"validation.{part}: networks are trained on the split {train!r}; name one of held-out pictures, or "
                "leave it out"
            )
    if limits.unseen is not None and rains[limits.unseen] <= known:
        raise RecipeError(
            f"validation.unseen: rain of the split {limits.unseen!r} is that of the training "
            f"({', '.join(sorted(known))}); name a split with other rain, or leave it out"
        )


def _choose_probe(recipe: Recipe, known: set[str]) -> str:
    used = [recipe.rain[name] for name in known]
    return next((name for name in PROBES if simulator(name) not in used), PROBES[0])


def list_trials(corpus: Corpus, parts: Parts, budget: Budget, *, device: str = "auto", work: Path) -> list[Trial]:
    """Return one trial for each seed.

    Parameters
    ----------
    corpus : Corpus
        As opened.
    parts : Parts
        Splits.
    budget : Budget
        Optimizer steps, number of networks, pictures of each exam.
    device : str
        auto, cpu or cuda.
    work : Path
        Folder for the trainings.
    """
    smallest = min(pc.min(corpus.samples[name]).as_py() for name in ("crop_w", "crop_h"))
    where = cast("Literal['auto', 'cpu', 'cuda']", device)
    exams = (
        Exam("seen", _spread(_rows_of(corpus, parts.seen, parts.rains), budget.cases)),
        Exam("unseen", _spread(corpus.rows(parts.unseen or parts.seen), budget.cases), _probe(parts), parts.probe),
    )
    rows = tuple(corpus.rows(parts.train).tolist())
    return [
        Trial(
            corpus=corpus,
            rows=rows,
            exams=exams,
            config=Training(steps=budget.steps, patch=min(PATCH, smallest), seed=seed),
            machine=Machine(device=where, threads=1),
            run=work / f"{budget.steps}-steps-seed-{seed}",
        )
        for seed in range(budget.seeds)
    ]


def _probe(parts: Parts) -> Simulator | None:
    found: Simulator | None = simulator(parts.probe) if parts.probe else None
    return found


def _rows_of(corpus: Corpus, split: str, rains: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    rows = corpus.rows(split)
    names = np.asarray(corpus.samples["rain"].to_pylist(), dtype=object)[rows]
    return rows[np.isin(names, np.asarray(rains, dtype=object))]


def _spread(rows: np.ndarray[tuple[int], np.dtype[np.int64]], limit: int | None) -> tuple[int, ...]:
    count = len(rows) if limit is None else min(limit, len(rows))
    return tuple(rows[np.arange(count) * len(rows) // max(count, 1)].tolist())


@contextmanager
def working_folder(corpus: Corpus, identity: str) -> Iterator[Path]:
    """Lend a folder for trainings, removed when the block ends well and kept when it is cut off, to go on there.

    It lies hidden in the corpus where that can be written, else among the temporary files.

    Parameters
    ----------
    corpus : Corpus
        As opened.
    identity : str
        Digest of the corpus; what an older one left is removed.

    Raises
    ------
    BuildError
        If another process validates the same corpus.
    """
    folder = Path(corpus.address) / FOLDER
    if not isinstance(corpus.store, LocalStore) or not os.access(folder.parent, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="rainkit-") as name:
            yield Path(name)
        return
    folder.mkdir(exist_ok=True)
    with hold_lock(folder / "lock", f"{corpus.address} is being validated by another process; wait for it"):
        runs = folder / identity[:16]
        for old in folder.iterdir():
            if old.is_dir() and old != runs:
                shutil.rmtree(old)
        runs.mkdir(exist_ok=True)
        yield runs
        shutil.rmtree(folder)
