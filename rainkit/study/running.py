"""Running a study: build corpora once, train and judge what is not yet done, several one-thread processes at a time.

Everything is kept by content under the study's folder: `corpora/DIGEST`, `runs/DIGEST`. A run that is finished is not
run again, whichever grid or later study asks for it; a run that was killed goes on from its newest checkpoint. Versions
are no part of a digest: `study.provenance` keeps them beside the results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.data.corpus import Corpus, open_corpus
from rainkit.engines.serial import Serial
from rainkit.errors import IntegrityError, RainkitError, RecipeError
from rainkit.files import write_bytes
from rainkit.records import Advance, Engine, Report, quiet
from rainkit.study.corpora import Builder, describe, digest_of, identify, require_apart
from rainkit.study.grid import Arm, Cell, expand
from rainkit.study.load import Loaded
from rainkit.study.models import Test
from rainkit.study.provenance import list_versions, note_results, read_makers
from rainkit.train.config import Training, parse_training
from rainkit.train.evaluate import corpus_cases, evaluate, write_results

Labels = tuple[tuple[str, str], ...]
_DEFAULT_SAVES = 4


@dataclass(frozen=True)
class Trial:
    """A training and the tests to judge it on; all a worker needs.

    Attributes
    ----------
    run : str
        Folder of the run.
    corpus, split : str
        Corpus folder and split to train on.
    training : Training
        What is trained.
    tests : mapping of str to (corpus folder, split)
        By the name of the file of results.
    device : str
        "auto", "cpu" or "cuda".
    """

    run: str
    corpus: str
    split: str
    training: Training
    tests: Mapping[str, tuple[str, str]]
    device: str = "auto"

    @property
    def missing(self) -> list[str]:
        """Tests without results."""
        return [name for name in self.tests if not (Path(self.run) / f"{name}.parquet").is_file()]


@dataclass(frozen=True)
class Planned:
    """A study whose corpora stand, before anything is trained.

    Attributes
    ----------
    cells : tuple of Cell
        Every training of every grid.
    trials : dict of str to Trial
        Each once, by digest.
    digests : tuple of str
        Of the trial of each cell.
    tests : dict of str to dict
        What is known of each test: split, role, corpus, file of results, factor of a match, severity and brightness.
    corpora : dict of str to dict
        By folder: samples, backgrounds, complexity, severity and brightness of the training split, and the tests whose
        rain is unseen to its networks.
    """

    cells: tuple[Cell, ...]
    trials: dict[str, Trial]
    digests: tuple[str, ...]
    tests: dict[str, dict[str, Any]]
    corpora: dict[str, dict[str, Any]]


def plan_study(
    loaded: Loaded,
    output: Path,
    *,
    grids: Sequence[str] | None = None,
    seeds: int | None = None,
    engine: Engine | None = None,
    cache: Path | None = None,
    device: str = "auto",
    report: Report = quiet,
) -> Planned:
    """Build every corpus that a study needs, and return what is to be trained.

    Parameters
    ----------
    loaded : Loaded
        The study.
    output : Path
        Its folder.
    grids, seeds, engine, cache
        As for `grid.expand` and `pipeline.build`.
    device : str
        Where networks are trained.
    report : callable
        Follows the progress.

    Raises
    ------
    BuildError, SourceError
        If a corpus cannot be built.
    IntegrityError
        If a picture is both trained and tested on.
    """
    study = loaded.study
    cells = tuple(expand(study, grids, seeds))
    builder = Builder(loaded, output / "corpora", engine or Serial(), cache)
    arms, names = {cell.arm.levels: cell.arm for cell in cells}, _name_arms(cells)
    tests, corpora = _build_all(builder, study.tests, arms, names, report("build", len(arms) + len(study.tests)))
    facts = {
        str(corpus.address): {**describe(corpus, study.train), "unseen": builder.unseen(arms[levels])}
        for levels, corpus in corpora.items()
    }
    files = {entry["file"]: (entry["corpus"], entry["split"]) for entry in tests.values()}
    for levels, corpus in corpora.items():
        with _naming(names[levels]):
            require_apart(corpus, study.train, files.values())
    trials: dict[str, Trial] = {}
    digests = []
    for cell in cells:
        corpus = corpora[cell.arm.levels]
        digest, trial = _make_trial(loaded, output, cell, corpus, files=files, device=device)
        trials.setdefault(digest, trial)
        digests.append(digest)
    return Planned(cells, trials, tuple(digests), tests, facts)


def _build_all(
    builder: Builder,
    tests: Mapping[str, Test],
    arms: Mapping[Labels, Arm],
    names: Mapping[Labels, str],
    advance: Advance,
) -> tuple[dict[str, dict[str, Any]], dict[Labels, Corpus]]:
    """Return what is known of each test, and the corpus of each arm, all built."""
    found = {}
    for name, test in tests.items():
        with _naming(f"test {name}"):
            found[name] = builder.test(test)
        advance(1, name)
    corpora = {}
    for levels, arm in arms.items():
        with _naming(names[levels]):
            corpora[levels] = builder.training(arm)
        advance(1, " ".join(level for _, level in levels))
    return found, corpora


def _name_arms(cells: Sequence[Cell]) -> dict[Labels, str]:
    """Return what to call the recipe of each arm: the grids that ask for it, and its levels."""
    grids: dict[Labels, list[str]] = {}
    for cell in cells:
        grids.setdefault(cell.arm.levels, []).append(cell.grid)
    return {
        levels: f"grid {' and '.join(dict.fromkeys(names))}" + "".join(f", {axis} = {level}" for axis, level in levels)
        for levels, names in grids.items()
    }


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say which corpus of the study an error of the block is about."""
    try:
        yield
    except RainkitError as error:
        raise type(error)(f"{what}: {error}") from error


def run_trials(trials: Iterable[Trial], engine: Engine, done: Callable[[str], None] = lambda run: None) -> None:
    """Train and judge whatever is not yet done.

    Parameters
    ----------
    trials : iterable of Trial
        In the order to be begun.
    engine : Engine
        `Processes` trains several at a time, one thread each.
    done : callable
        Called with the folder of each run when it is finished.

    Raises
    ------
    TrainingError
        If a network cannot be trained; runs that are finished stay.
    """
    left = [trial for trial in trials if trial.missing]
    for number, _ in engine(run_trial, left):
        done(left[number].run)


def run_trial(trial: Trial) -> str:
    """Train one network, from its newest checkpoint where there is one, judge it, and return its last checkpoint."""
    import torch  # noqa: PLC0415 - seconds to import; a study may have nothing left to train

    from rainkit.data.torch import CorpusPairs, Pool, select_rows  # noqa: PLC0415
    from rainkit.train.checkpoint import load_network  # noqa: PLC0415
    from rainkit.train.config import Machine, choose_device  # noqa: PLC0415
    from rainkit.train.loop import train  # noqa: PLC0415
    from rainkit.train.tiles import restore  # noqa: PLC0415

    torch.set_num_threads(1)
    corpus, config, run = open_corpus(trial.corpus), trial.training, Path(trial.run)
    machine = Machine.model_validate({"device": trial.device, "threads": 1})
    pool = Pool(corpus, select_rows(corpus, trial.split))
    pairs = CorpusPairs([pool], config.patch, flip=config.flip, seed=config.seed)
    every = max(1, config.steps // _DEFAULT_SAVES)
    checkpoint = train(config, pairs, run, machine, resume=True, save_every=every)
    device = choose_device(config, machine)
    network, _ = load_network(checkpoint, device)
    methods = {"network": lambda rainy: restore(network, rainy, device=device)}
    for name in trial.missing:
        folder, split = trial.tests[name]
        test = open_corpus(folder)
        table = evaluate(corpus_cases(test, select_rows(test, split)), methods)
        note_results(run, name, str(device))  # before the results: they are never found without
        write_results(run / f"{name}.parquet", table)
    return str(checkpoint)


def read_results(trial: Trial, name: str) -> pa.Table:
    """Return the table of results of a run on a test, one row a sample, by the name of its file.

    Raises
    ------
    RecipeError
        If the run is not finished.
    IntegrityError
        If the file is damaged.
    """
    path = Path(trial.run) / f"{name}.parquet"
    if not path.is_file():
        raise RecipeError(f"{path.parent.name}: not finished; run the study to its end")
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise IntegrityError(
            f"{path}: damaged; remove it and run the study again, which judges the network anew"
        ) from error


def _make_trial(
    loaded: Loaded, output: Path, cell: Cell, corpus: Corpus, *, files: Mapping[str, tuple[str, str]], device: str
) -> tuple[str, Trial]:
    """Return the trial of a cell, and its digest: of the corpus' samples and of everything that is trained."""
    study = loaded.study
    training = parse_training(cell.network, {**study.training, "steps": cell.steps, "seed": cell.seed})
    digest = digest_of([identify(corpus), study.train, training.model_dump(mode="json")])
    return digest, Trial(str(output / "runs" / digest), corpus.address, study.train, training, files, device)


def write_plan(planned: Planned, path: Path) -> None:
    """Write what was run beside the results: versions, corpora, tests, and each run's settings and what made it.

    Raises
    ------
    BuildError
        If the disk refuses.
    """
    runs = {
        digest: {
            "corpus": trial.corpus,
            "training": trial.training.model_dump(mode="json"),
            "made": read_makers(Path(trial.run), trial.tests),
        }
        for digest, trial in planned.trials.items()
    }
    cells = [
        {"grid": cell.grid, "levels": dict(cell.arm.levels), **_own(cell), "run": digest}
        for cell, digest in zip(planned.cells, planned.digests, strict=True)
    ]
    document = {"versions": list_versions(), "tests": planned.tests, "corpora": planned.corpora}
    text = json.dumps({**document, "runs": runs, "cells": cells}, indent=2)
    write_bytes(path, (text + "\n").encode())


def _own(cell: Cell) -> dict[str, Any]:
    facts = asdict(cell)
    return {name: facts[name] for name in ("network", "steps", "seed")}
