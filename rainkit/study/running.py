"""Running a study: build corpora once, train and judge what is not yet done, several one-thread processes at a time.

Everything is kept by content under the study's folder: `corpora/DIGEST`, `runs/DIGEST`. A run that is finished is not
run again, whichever grid or later study asks for it; a run that was killed goes on from its newest checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.data.corpus import Corpus, open_corpus
from rainkit.engines.serial import Serial
from rainkit.errors import IntegrityError, RecipeError
from rainkit.files import write_bytes
from rainkit.pipeline import build
from rainkit.recipe import Recipe, dump_recipe, fingerprint
from rainkit.records import Engine
from rainkit.study.grid import Arm, Cell, apply, expand
from rainkit.study.load import Loaded
from rainkit.study.matching import match_rain
from rainkit.study.models import Test
from rainkit.train.config import Training, parse_training
from rainkit.train.evaluate import corpus_cases, evaluate, write_results

Report = Callable[[str, int], Callable[[int, str], None]]
"""Called with the name of a stage and its number of steps; returns what is called as they are done."""

MATCHED_ON = 24
"""Pictures that a test rain is matched on."""
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
        By folder: samples, backgrounds, strata and severity of the training split.
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
    report: Report = lambda stage, steps: lambda count, word: None,
) -> Planned:
    """Build every corpus that a study needs, and return what is to be trained.

    Parameters
    ----------
    loaded : Loaded
        The study.
    output : Path
        Its folder.
    grids, seeds
        As for `grid.expand`.
    engine, cache
        As for `pipeline.build`.
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
    builder = _Builder(loaded, output / "corpora", engine or Serial(), cache)
    arms = {cell.arm.levels: cell.arm for cell in cells}
    advance = report("build", len(arms) + len(study.tests))
    tests = {}
    for name, test in study.tests.items():
        tests[name] = builder.test(test)
        advance(1, name)
    corpora = {}
    for levels, arm in arms.items():
        corpora[levels] = builder.training(arm)
        advance(1, " ".join(level for _, level in levels))
    facts = {str(corpus.address): _describe(corpus, study.train) for corpus in corpora.values()}
    files = {entry["file"]: (entry["corpus"], entry["split"]) for entry in tests.values()}
    for corpus in corpora.values():
        _require_apart(corpus, study.train, files.values())
    trials: dict[str, Trial] = {}
    digests = []
    for cell in cells:
        corpus = corpora[cell.arm.levels]
        training = parse_training(cell.network, {**study.training, "steps": cell.steps, "seed": cell.seed})
        digest = _digest([_identity(corpus), study.train, training.model_dump(mode="json")])
        run = str(output / "runs" / digest)
        trials.setdefault(digest, Trial(run, corpus.address, study.train, training, files, device))
        digests.append(digest)
    return Planned(cells, trials, tuple(digests), tests, facts)


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
        write_results(run / f"{name}.parquet", evaluate(corpus_cases(test, select_rows(test, split)), methods))
    return str(checkpoint)


def read_results(trial: Trial, name: str) -> pa.Table:
    """Return the table of results of a run on a test, one row a sample, by the name of its file.

    Raises
    ------
    RecipeError
        If the run is not finished.
    """
    path = Path(trial.run) / f"{name}.parquet"
    if not path.is_file():
        raise RecipeError(f"{path.parent.name}: not finished; run the study to its end")
    return pq.read_table(path)


class _Builder:
    """Builds the corpora of a study, each once."""

    def __init__(self, loaded: Loaded, folder: Path, engine: Engine, cache: Path | None) -> None:
        self.loaded, self.folder, self.engine, self.cache = loaded, folder, engine, cache

    def training(self, arm: Arm) -> Corpus:
        """Return the corpus of an arm; splits that are not trained on hold one sample, so that shares stay."""
        return self._build(apply(self.loaded.base, arm.overrides), keep=self.loaded.study.train)

    def test(self, test: Test) -> dict[str, Any]:
        """Return what is known of a test, its corpus built."""
        corpus = self._build(self.loaded.base, keep=test.split)
        factor = 1.0
        if test.matched is not None:
            values, factor = self._matched(corpus, test)
            corpus = self._build(values, keep=test.split)
        severity, brightness = _measure(corpus, test.split)
        file = f"{test.split}-{_digest([_identity(corpus), test.split])[:12]}"
        facts = {"corpus": corpus.address, "file": file, "factor": factor, "severity": severity}
        return {**test.model_dump(), **facts, "brightness": brightness, "samples": len(corpus.rows(test.split))}

    def _matched(self, corpus: Corpus, test: Test) -> tuple[dict[str, Any], float]:
        """Return the base recipe with each rain of a test's split made as strong as `like`."""
        recipe = self.loaded.recipe(self.loaded.base)
        rows = corpus.rows(test.split)
        pictures = [corpus.read(int(row), ("clean",))["clean"] for row in rows[:: max(1, len(rows) // MATCHED_ON)]]
        values = recipe.model_dump(mode="json")
        factors = []
        assert test.matched is not None
        assert test.like is not None
        for name in recipe.splits[test.split].rain:
            rain, factor = match_rain(recipe.rain[name], recipe.rain[test.like], pictures, test.matched)
            values["rain"][name] = rain.model_dump(mode="json")
            factors.append(factor)
        return values, float(np.mean(factors))

    def _build(self, values: Mapping[str, Any], keep: str) -> Corpus:
        splits = {
            name: split if name == keep else {**_without_select(split), "samples": 1}
            for name, split in values["splits"].items()
        }
        samples = {**(values.get("samples") or {}), "channels": ["rainy", "clean"]}
        recipe = self.loaded.recipe({**values, "splits": splits, "samples": samples})
        # The text too: another release may write out a block of defaults that no fingerprint holds.
        folder = self.folder / _digest([fingerprint(recipe), dump_recipe(recipe), _locations(recipe)])
        return open_corpus(str(build(recipe, folder, self.engine, self.cache).folder))


def _without_select(split: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in split.items() if name not in {"select", "strata", "balance"}}


def _locations(recipe: Recipe) -> list[str]:
    """Return where the sources of a recipe lie: other pictures under an equal recipe are another corpus."""
    return sorted(source.model_dump_json() for source in recipe.sources.values())


def _identity(corpus: Corpus) -> str:
    """Return the digest of a corpus' table, which holds the pixel digests of every sample."""
    folder = Path(corpus.address)
    return hashlib.sha256((folder / "metadata" / "samples.parquet").read_bytes()).hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


def _describe(corpus: Corpus, split: str) -> dict[str, Any]:
    rows = corpus.samples.take(pa.array(corpus.rows(split)))
    score = np.asarray(rows["score"].to_pylist(), dtype=np.float64)
    severity, brightness = _measure(corpus, split)
    facts = {"backgrounds": len(set(rows["background_id"].to_pylist())), "samples": rows.num_rows}
    return {**facts, "complexity": float(score.mean()), "severity": severity, "brightness": brightness}


def _measure(corpus: Corpus, split: str, count: int = 200) -> tuple[float, float]:
    """Return mean PSNR-Y of the rainy input in dB, and mean light added in levels, over samples of a split."""
    from rainkit.train.metrics import PSNR_CAP, luma_limited, psnr  # noqa: PLC0415

    rows = corpus.rows(split)
    pairs = [corpus.read(int(row)) for row in rows[:: max(1, len(rows) // count)]]
    severity = [min(PSNR_CAP, psnr(luma_limited(pair["rainy"]), luma_limited(pair["clean"]))) for pair in pairs]
    return float(np.mean(severity)), float(np.mean([pair["rainy"].mean() - pair["clean"].mean() for pair in pairs]))


def _require_apart(corpus: Corpus, split: str, tests: Iterable[tuple[str, str]]) -> None:
    trained = set(corpus.samples.take(pa.array(corpus.rows(split)))["background_id"].to_pylist())
    for folder, name in tests:
        test = open_corpus(folder)
        shared = trained & set(test.samples.take(pa.array(test.rows(name)))["background_id"].to_pylist())
        if shared:
            raise IntegrityError(
                f"{len(shared)} backgrounds are both trained and tested on (split {name}), such as {min(shared)}; "
                "an axis must not change the shares of the splits"
            )


def write_plan(planned: Planned, path: Path) -> None:
    """Write what was run beside the results: corpora, tests, and each run's settings.

    Raises
    ------
    BuildError
        If the disk refuses.
    """
    runs = {
        digest: {"corpus": trial.corpus, "training": trial.training.model_dump(mode="json")}
        for digest, trial in planned.trials.items()
    }
    cells = [
        {"grid": cell.grid, "levels": dict(cell.arm.levels), **_own(cell), "run": digest}
        for cell, digest in zip(planned.cells, planned.digests, strict=True)
    ]
    text = json.dumps({"tests": planned.tests, "corpora": planned.corpora, "runs": runs, "cells": cells}, indent=2)
    write_bytes(path, (text + "\n").encode())


def _own(cell: Cell) -> dict[str, Any]:
    facts = asdict(cell)
    return {name: facts[name] for name in ("network", "steps", "seed")}
