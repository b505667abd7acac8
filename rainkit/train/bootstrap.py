"""Means of groups of samples with intervals by bootstrap over backgrounds.

Samples that share a background are not independent: the interval must come from drawing backgrounds again, not samples,
or a corpus of eight pictures would look as certain as one of a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.seeds import Stream
from rainkit.train.metrics import METRICS

Values = NDArray[np.float64]

REPEATS = 1000
CONFIDENCE = 0.95
_CHUNK = 2_000_000  # drawn indices at a time, 16 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval.

    Attributes
    ----------
    mean : float
        NaN where no sample has a value.
    low, high : float
        Ends of the percentile interval; NaN with fewer than two backgrounds.
    samples, backgrounds : int
        How many had a value.
    """

    mean: float
    low: float
    high: float
    samples: int
    backgrounds: int


def resample(groups: int, rng: Stream, repeats: int = REPEATS) -> Values:
    """Return how often each of `groups` backgrounds is drawn, float64 (repeats, groups); rows sum to `groups`."""
    counts = np.empty((repeats, groups), dtype=np.float64)
    step = max(1, _CHUNK // max(groups, 1))
    for start in range(0, repeats, step):
        rows = min(step, repeats - start)
        drawn = rng.integers(0, groups, rows * groups).reshape(rows, groups)
        offset = drawn + np.arange(rows)[:, None] * groups
        counts[start : start + rows] = np.bincount(offset.ravel(), minlength=rows * groups).reshape(rows, groups)
    return counts


def estimate(values: Values, backgrounds: Sequence[str], rng: Stream, repeats: int = REPEATS) -> Estimate:
    """Return the mean of the samples' values and its interval over backgrounds.

    Parameters
    ----------
    values : float64 array (N,)
        One a sample; NaN where it has none.
    backgrounds : sequence of str
        The background of each sample.
    rng : Stream
        Where the draws come from.
    repeats : int
        Bootstrap draws.

    Examples
    --------
    >>> estimate(np.array([1.0, 1.0, 3.0]), ["a", "a", "b"], Stream(0, "x")).mean.__round__(3)
    1.667
    """
    return estimate_all({"value": values}, {}, backgrounds, rng, repeats)["value"]


def estimate_all(
    columns: Mapping[str, Values],
    ratios: Mapping[str, tuple[float, str, str]],
    backgrounds: Sequence[str],
    rng: Stream,
    repeats: int = REPEATS,
) -> dict[str, Estimate]:
    """Return the estimate of each column and of each ratio of two columns' means, from the same draws.

    Parameters
    ----------
    columns : mapping of str to float64 array (N,)
        Values by name.
    ratios : mapping of str to (factor, numerator, denominator)
        Ratios of means: factor x mean(numerator) / mean(denominator).
    backgrounds : sequence of str
        The background of each sample.
    rng : Stream
        Where the draws come from.
    repeats : int
        Bootstrap draws.
    """
    _, index = np.unique(np.asarray(backgrounds, dtype=object), return_inverse=True)
    groups = int(index.max()) + 1 if index.size else 0
    weights = resample(groups, rng, repeats) if groups > 1 else np.empty((0, groups))
    means, draws, counts = {}, {}, {}
    for name, values in columns.items():
        known = np.isfinite(values)
        sums = np.bincount(index[known], values[known], groups)
        sizes = np.bincount(index[known], minlength=groups).astype(np.float64)
        means[name] = _quotient(np.atleast_1d(sums.sum()), np.atleast_1d(sizes.sum()))[0]
        draws[name] = _quotient(weights @ sums, weights @ sizes)
        counts[name] = (int(sizes.sum()), int(np.count_nonzero(sizes)))
    for name, (factor, top, bottom) in ratios.items():
        if top in columns and bottom in columns:
            means[name] = factor * _quotient(np.atleast_1d(means[top]), np.atleast_1d(means[bottom]))[0]
            draws[name] = factor * _quotient(draws[top], draws[bottom])
            counts[name] = min(counts[top], counts[bottom])
    return {name: Estimate(float(means[name]), *interval(draws[name]), *counts[name]) for name in means}


def summarise(table: pa.Table, by: Sequence[str], seed: int = 0, repeats: int = REPEATS) -> pa.Table:
    """Return the estimates of every metric for each group of samples.

    Parameters
    ----------
    table : pyarrow.Table
        One row a sample and method: `background_id`, the columns in `by`, and any columns of `metrics.METRICS`.
    by : sequence of str
        Columns whose values make a group, such as `("method", "split", "stratum", "rain")`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pyarrow.Table
        Columns `*by, metric, mean, low, high, samples, backgrounds`, groups sorted by their values: numbers as
        numbers, missing ones last; methods that are alike in all else in order of first appearance.
    """
    keys = list(zip(*(table[name].to_pylist() for name in by), strict=True)) if by else [()] * table.num_rows
    members: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(key, []).append(row)
    ids = table["background_id"].to_pylist()
    columns = {name: _floats(table, name) for name in METRICS if name in table.column_names}
    rows: list[dict[str, Any]] = []
    for key, chosen in sorted(members.items(), key=lambda member: _rank(by, member[0])):
        part = {name: values[chosen] for name, values in columns.items()}
        # One stream for all groups: methods on the same backgrounds are drawn alike, so their intervals compare.
        found = estimate_all(part, RATIO_OF_MEANS, [ids[row] for row in chosen], Stream(seed, "bootstrap"), repeats)
        group = dict(zip(by, key, strict=True))
        rows += [group | {"metric": name} | _as_row(value) for name, value in found.items() if value.samples]
    types = [(name, table.schema.field(name).type) for name in by]
    numbers = [("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
    schema = pa.schema(
        [*types, ("metric", pa.string()), *numbers, ("samples", pa.int64()), ("backgrounds", pa.int64())]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def nest(summary: pa.Table) -> list[dict[str, Any]]:
    """Return a summary as one entry a group: its columns, and under `metrics` the estimate of each metric by name."""
    numbers = ("mean", "low", "high", "samples", "backgrounds")
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in summary.to_pylist():
        head = {name: value for name, value in row.items() if name not in {"metric", *numbers}}
        group = groups.setdefault(tuple(head.values()), {**head, "metrics": {}})
        group["metrics"][row["metric"]] = {name: row[name] for name in numbers}
    return list(groups.values())


RATIO_OF_MEANS: dict[str, tuple[float, str, str]] = {"removal_per_damage": (1000.0, "removal", "rain_free_error")}
"""How `metrics.RATIOS` are made."""


def _rank(by: Sequence[str], key: Sequence[Any]) -> list[tuple[bool, Any]]:
    """Return what a group is sorted by: its values, but not the method; a baseline stays before what it is held to."""
    values = (value for name, value in zip(by, key, strict=True) if name != "method")
    return [(value is None, 0 if value is None else value) for value in values]


def _as_row(value: Estimate) -> dict[str, Any]:
    numbers = {name: getattr(value, name) for name in ("mean", "low", "high")}
    plain = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    return plain | {"samples": value.samples, "backgrounds": value.backgrounds}


def _floats(table: pa.Table, name: str) -> Values:
    return np.array([math.nan if value is None else value for value in table[name].to_pylist()], dtype=np.float64)


def _quotient(top: Values, bottom: Values) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, math.nan)


def interval(draws: Values) -> tuple[float, float]:
    """Return the ends of the 95 % interval of draws, those that are no numbers left out; NaN if none is left."""
    known = draws[np.isfinite(draws)]
    if not known.size:
        return math.nan, math.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
