"""Gates of the manifest: what its tables say of themselves, held against the recipe."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rainkit.train.gates.finding import Finding, column, groups

_SLACK = 2.0


@dataclass(frozen=True, slots=True)
class PlannedSplit:
    """What a recipe asks of a split.

    Attributes
    ----------
    samples : int
        How many.
    rains : mapping of str to float
        Weights of its rains.
    strata : sequence of int
        Strata that samples may come from; empty for any.
    balance : mapping of int to float
        Weights of its strata; empty where they come as they come.
    """

    samples: int
    rains: Mapping[str, float]
    strata: Sequence[int] = ()
    balance: Mapping[int, float] | None = None


def check_integrity(problems: Sequence[str]) -> Finding:
    """Find that the corpus is what its checksums and manifest say; `problems` are those that `rainkit verify` names."""
    reason = f"{len(problems)} problems, first: {problems[0]}" if problems else "every file and pixel is as recorded"
    return Finding("integrity", not problems, len(problems), 0, "problems", reason)


def check_counts(samples: pa.Table, planned: Mapping[str, PlannedSplit]) -> Finding:
    """Find that each split has as many samples as planned, rains in proportion, and that keys are unique.

    Parameters
    ----------
    samples : pyarrow.Table
        Columns `key`, `split`, `rain`.
    planned : mapping of str to PlannedSplit
        By name of the split.
    """
    wrong = []
    parts = dict(groups(samples, "split"))
    for name in sorted({*parts, *planned}):
        found = parts[name].num_rows if name in parts else 0
        asked = planned[name].samples if name in planned else 0
        if found != asked:
            wrong.append(f"{name} has {found} of {asked} samples")
        elif found:
            wrong += _compare_shares(name, "rain", parts[name]["rain"].to_pylist(), planned[name].rains)
    repeated = samples.num_rows - len(set(samples["key"].to_pylist()))
    if repeated:
        wrong.append(f"{repeated} keys are repeated")
    reason = "; ".join(wrong) or f"{samples.num_rows} samples in {len(parts)} splits, rains in proportion"
    return Finding("counts", not wrong, len(wrong), 0, "problems", reason)


def _compare_shares(split: str, what: str, values: Sequence[object], weights: Mapping[Any, float]) -> list[str]:
    """Return where counts differ from their shares by more than a schedule's rounding."""
    total = sum(weights.values())
    wrong = [f"{split} has {what} {name}, which is not planned" for name in {*values} - {*weights}]
    for name, weight in weights.items():
        asked = len(values) * weight / total
        if abs(values.count(name) - asked) > _SLACK + len(weights):
            wrong.append(f"{split} has {values.count(name)} samples of {what} {name} instead of {asked:.0f}")
    return wrong


def check_strata(samples: pa.Table, planned: Mapping[str, PlannedSplit], *, rising: bool = True) -> Finding:
    """Find that each split has samples of the planned strata, in proportion, and that complexity rises with them.

    Parameters
    ----------
    samples : pyarrow.Table
        Columns `split`, `stratum`, `score`; and `misplaced` (bool) where edges are known: whether the score lies in
        another stratum than stated.
    planned : mapping of str to PlannedSplit
        By name of the split.
    rising : bool
        Whether a higher stratum means a higher score; not so for a grid of two scores.
    """
    problems = []
    for split, part in groups(samples, "split"):
        found, plan = part["stratum"].to_pylist(), planned.get(split)
        if plan is not None and plan.balance:
            problems += _compare_shares(split, "stratum", found, plan.balance)
        elif plan is not None and plan.strata and set(found) - set(plan.strata):
            problems.append(f"{split} has strata {sorted(set(found))}, planned are {sorted(plan.strata)}")
    if "misplaced" in samples.column_names:
        misplaced = int(column(samples, "misplaced").sum())
        problems += [f"{misplaced} samples have scores of other strata than stated"] if misplaced else []
    medians = sorted((stratum, float(np.median(column(part, "score")))) for stratum, part in groups(samples, "stratum"))
    for earlier, later in itertools.pairwise(medians) if rising else ():
        if not later[1] > earlier[1]:
            problems.append(f"stratum {later[0]} is no more complex than {earlier[0]}")
    low, high = (medians[0][1], medians[-1][1]) if medians else (0.0, 0.0)
    reason = "; ".join(problems) or f"as planned; median complexity {low:.3g} to {high:.3g} over {len(medians)} strata"
    return Finding("strata", not problems, len(problems), 0, "problems", reason)


def check_leaks(samples: pa.Table, twins: Sequence[str] = (), compared: int = 0) -> Finding:
    """Find that no background, group of near-duplicates or clean picture lies in two splits.

    Parameters
    ----------
    samples : pyarrow.Table
        Columns `split`, and of `group`, `background_id` those that exist.
    twins : sequence of str
        Pairs of clean pictures of two splits that are one picture by their pixels, each in words.
    compared : int
        How many pictures were compared.
    """
    splits = samples["split"].to_pylist()
    shared: dict[str, int] = {}
    example = ""
    for name in ("group", "background_id"):
        if name not in samples.column_names:
            continue
        places: dict[str, set[str]] = {}
        for value, split in zip(samples[name].to_pylist(), splits, strict=True):
            places.setdefault(value, set()).add(split)
        doubled = [value for value, found in places.items() if len(found) > 1]
        if doubled:
            shared[name] = len(doubled)
            example = example or f"such as {doubled[0]} in {' and '.join(sorted(places[doubled[0]]))}"
    if twins:
        shared["pixels"] = len(twins)
        example = example or f"such as {twins[0]}"
    counts = ", ".join(f"{count} by {name}" for name, count in shared.items())
    nothing = f"no picture lies in two splits ({compared} compared by their pixels)"
    reason = f"splits share pictures: {counts}, {example}" if shared else nothing
    return Finding("leaks", not shared, max(shared.values(), default=0), 0, "pictures", reason)
