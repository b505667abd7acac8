"""Judge whether a corpus may be released: read top to bottom, the gates in their order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rainkit.data.corpus import Corpus, open_corpus
from rainkit.engines import available_cpus, choose_engine
from rainkit.errors import SourceError
from rainkit.recipe import Recipe, Validation, count_strata, parse_recipe
from rainkit.records import Report, quiet
from rainkit.release.checksums import CHECKSUMS
from rainkit.release.verify import verify
from rainkit.strata import METADATA_KEY, Stratification
from rainkit.train import gates
from rainkit.train.examine import Examined, examine
from rainkit.train.exams import Parts, choose_parts, list_trials, working_folder
from rainkit.train.gates import GATES, Finding, PlannedSplit, follow
from rainkit.train.trial import run_trials
from rainkit.train.twins import find_twins, take_rows
from rainkit.train.verdict import BUDGETS, Budget, Verdict


def validate(
    address: str | Path,
    *,
    budget: str | Budget = "standard",
    thresholds: Validation | None = None,
    jobs: int | None = None,
    device: str = "auto",
    train_anyway: bool = False,
    report: Report = quiet,
) -> Verdict:
    """Judge a corpus.

    The gates of files, tables and pictures come first; networks are trained only where these pass.

    Parameters
    ----------
    address : str or Path
        Folder or address of a corpus.
    budget : str or Budget
        Key of `BUDGETS`, or one of your own.
    thresholds : Validation, optional
        In place of those of the corpus's recipe.
    jobs : int, optional
        Processes; one per processor without it.
    device : str
        Where networks are trained: auto, cpu, cuda.
    train_anyway : bool
        Whether networks are trained even where an earlier gate failed.
    report : callable
        Follows the progress.

    Returns
    -------
    Verdict
        Gates that fail are in it; they are not raised.

    Raises
    ------
    SourceError
        If there is no corpus, or it holds no pictures.
    RecipeError
        If it has no split to train on, or none to judge on.
    TrainingError
        If a training cannot go on.
    """
    corpus = open_corpus(address)
    recipe = parse_recipe(bytes(corpus.store.read("recipe.yaml")).decode(), f"{corpus.address}/recipe.yaml")
    limits = thresholds or recipe.validation
    parts = choose_parts(recipe, corpus, limits)
    spent = BUDGETS[budget] if isinstance(budget, str) else budget
    verdict = Verdict(
        corpus=f"{recipe.name}-{recipe.version}",
        checksums=_hash_checksums(corpus),
        budget=budget if isinstance(budget, str) else "custom",
        spent=spent,
        splits=parts.names(),
    )
    judge = _Judge(corpus, recipe, limits, verdict, jobs, report)
    judge.look_at_files()
    if judge.found["integrity"].passed:
        judge.look_at_pictures()
        if train_anyway or not judge.causes:
            judge.look_at_networks(parts, device)
    verdict.findings = [judge.found.get(gate) or follow(gate, judge.causes) for gate in GATES]
    return verdict


@dataclass
class _Judge:
    """A corpus, what is asked of it, and what was found so far."""

    corpus: Corpus
    recipe: Recipe
    limits: Validation
    verdict: Verdict
    jobs: int | None
    report: Report
    found: dict[str, Finding] = field(default_factory=dict)

    @property
    def causes(self) -> str:
        return " and ".join(name for name, finding in self.found.items() if finding.passed is False)

    def look_at_files(self) -> None:
        """Judge files and tables."""
        checked = verify(self.corpus.address, deep=self.verdict.spent.deep, jobs=self.jobs, report=self.report)
        # Leaks have a gate of their own.
        problems = [problem.detail for problem in checked.problems if problem.kind != "leak"]
        samples, strata = self.corpus.samples, read_strata(self.corpus)
        planned, grid = plan_splits(self.recipe), strata is not None and bool(strata.second_edges)
        table = samples.select(["split", "stratum", "score"])
        if strata is not None and not grid:
            scores, labels = (np.asarray(samples[name].to_numpy()) for name in ("score", "stratum"))
            table = table.append_column("misplaced", pa.array(~strata.agrees(scores, labels)))
        self.found["integrity"] = gates.check_integrity(problems)
        self.found["counts"] = gates.check_counts(samples, planned)
        self.found["strata"] = gates.check_strata(table, planned, rising=not grid)

    def look_at_pictures(self) -> None:
        """Judge pairs, their rain and their complexity, and look for pictures in two splits."""
        corpus, limits, spent = self.corpus, self.limits, self.verdict.spent
        rows, engine = take_rows(corpus, spent.pairs), choose_engine(workers=self.jobs)
        seen = examine(corpus, self.recipe, read_strata(corpus), rows, engine=engine, report=self.report)
        self.verdict.notes += seen.notes
        twins, compared = find_twins(corpus, rows, limits, engine, crops=spent.crops, report=self.report)
        self.found["complexity"] = gates.check_complexity(seen.pairs, limits)
        self.found["leaks"] = gates.check_leaks(corpus.samples, twins, compared)
        self.found["pairs"] = gates.check_exactness(seen.pairs)
        self.found |= judge_pixels(seen, limits)

    def look_at_networks(self, parts: Parts, device: str) -> None:
        """Train a network for each seed and judge what they make of seen and unseen rain."""
        spent, limits = self.verdict.spent, self.limits
        workers = min(self.jobs or available_cpus(), spent.seeds)
        with working_folder(self.corpus, self.verdict.checksums) as work:
            trials = list_trials(self.corpus, parts, spent, device=device, work=work)
            results = run_trials(trials, choose_engine("processes", workers), self.report)
        seen, unseen = (results.filter(pc.equal(results["exam"], name)) for name in ("seen", "unseen"))
        self.verdict.results = results
        self.found["learning"] = gates.check_learning(seen, limits)
        self.found["background"] = gates.check_background(seen, limits)
        self.found["generalisation"] = gates.check_generalisation(seen, unseen, limits)
        self.found["seeds"] = gates.check_seeds(seen, limits)


def judge_pixels(seen: Examined, limits: Validation) -> dict[str, Finding]:
    """Return what pixels say of pairs; of pictures that are no pair nothing else is said."""
    found = {"partners": gates.check_partners(seen.pairs, limits)}
    if not found["partners"].passed:
        return found | {gate: follow(gate, "partners") for gate in ("alignment", "brightness", "rain")}
    found["alignment"] = gates.check_alignment(seen.pairs, limits)
    if not found["alignment"].passed:
        return found | {gate: follow(gate, "alignment") for gate in ("brightness", "rain")}
    brightness = gates.check_brightness(seen.pairs, limits)
    if not brightness.passed:
        return found | {"brightness": brightness, "rain": follow("rain", "brightness")}
    return found | {"brightness": brightness, "rain": gates.check_rain(seen.pairs, limits, seen.redrawn)}


def plan_splits(recipe: Recipe) -> dict[str, PlannedSplit]:
    """Return what a recipe asks of each split."""
    count = count_strata(recipe.strata) or 0
    planned = {}
    for name, split in recipe.splits.items():
        strata: Sequence[int] = split.strata if split.strata is not None else range(count)
        balance: Mapping[int, float] | None = None
        if split.balance == "strata":
            balance = dict.fromkeys(strata, 1.0)
        elif isinstance(split.balance, tuple):
            balance = dict(zip(strata, split.balance, strict=True))
        planned[name] = PlannedSplit(split.samples, split.rain, tuple(strata), balance)
    return planned


def read_strata(corpus: Corpus) -> Stratification | None:
    """Return the edges that the strata of a corpus stand on, None where its manifest has none."""
    text = (corpus.samples.schema.metadata or {}).get(METADATA_KEY)
    if text is None:
        return None
    document = json.loads(text)
    return Stratification(
        labels=np.empty(0, dtype=np.int16),
        edges=tuple(document["edges"]),
        count=document["count"],
        method=document["method"],
        scale=document["scale"],
        second_edges=tuple(tuple(row) for row in document["second_edges"]),
        second_scale=document["second_scale"],
        closed=document["closed"],
    )


def _hash_checksums(corpus: Corpus) -> str:
    try:
        return hashlib.sha256(bytes(corpus.store.read(CHECKSUMS))).hexdigest()
    except SourceError:
        return ""  # integrity will fail and say so
