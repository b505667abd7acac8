"""Columns of a manifest as pictures for a page: histograms as SVG paths, and the spread of each rain beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, BASE = 320, 84
"""Width of a chart and height of its bars, in units of its view box."""
BINS = 40
MAX_GROUPS = 12
"""Strata that a histogram stacks; more would be stripes that nobody tells apart."""
MAX_SPREADS = 16
"""Rains whose spread is drawn below a histogram."""

_GAP, _ROW = 18, 24
_OUTER = 0.005
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of one group on the axis of a chart.

    Attributes
    ----------
    name : str
        Of the group.
    places : tuple of float
        Where 5, 25, 50, 75 and 95 in 100 of its values lie, in units of the view box.
    median : float
        In units of the column.
    top : int
        Upper edge of its row.
    """

    name: str
    places: tuple[float, ...]
    median: float
    top: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram of one column.

    Attributes
    ----------
    name, about, unit : str
        Of the column.
    count, ignored : int
        Finite values, which are drawn, and others.
    least, low, median, high, greatest : float
        Ends of the values and of the axis, which leaves out half a percent at each end, and the median.
    quartiles : tuple of float
        Lower and upper.
    most : int
        Values in the highest bar.
    paths : tuple of (int, str)
        Group and its bars as an SVG path; group -1 stands for all.
    edges : tuple of float
        Where strata begin, in units of the view box.
    spreads : tuple of Spread
        Of the first rains.
    height : int
        Of the view box.
    """

    name: str
    about: str
    unit: str
    count: int
    ignored: int
    least: float
    low: float
    median: float
    high: float
    greatest: float
    quartiles: tuple[float, float]
    most: int
    paths: tuple[tuple[int, str], ...]
    edges: tuple[float, ...]
    spreads: tuple[Spread, ...]
    height: int


def order_statistics(values: NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """Return the values below which these shares of finite values lie, each a value of the column itself.

    Without interpolation the result depends on no version of NumPy.
    """
    places = [min(int(share * len(values)), len(values) - 1) for share in shares]
    ordered = np.partition(values, sorted(set(places)))
    return [float(ordered[place]) for place in places]


def draw_chart(
    text: tuple[str, str, str],
    values: NDArray[np.float64],
    groups: NDArray[np.int64] | None = None,
    *,
    edges: Sequence[float] = (),
    rains: tuple[Sequence[str], NDArray[np.int64]] = ((), np.empty(0, np.int64)),
) -> Chart | None:
    """Return the histogram of a column, or None where it has no finite value.

    Parameters
    ----------
    text : tuple of str
        Name of the column, what it is, and its unit.
    values : float64 array, shape (N,)
        The column.
    groups : int64 array, shape (N,), optional
        Group of each value from 0, whose bars are stacked.
    edges : sequence of float
        Where strata begin.
    rains : tuple
        Names, and the number of its name for each value; their spread is drawn below the bars.
    """
    finite = np.isfinite(values)
    kept = values if finite.all() else values[finite]
    if not len(kept):
        return None
    shares = (0.0, _OUTER, 0.25, 0.5, 0.75, 1 - _OUTER, 1.0)
    least, low, first, median, third, high, greatest = order_statistics(kept, shares)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = np.clip(np.floor((kept - low) / (high - low) * BINS), 0, BINS - 1).astype(np.int64)
    stacked = groups is not None and int(groups.max()) < MAX_GROUPS
    inside = groups[finite] if groups is not None and stacked else np.zeros(len(kept), np.int64)
    counts = np.bincount(inside * BINS + bins, minlength=(int(inside.max()) + 1) * BINS).reshape(-1, BINS)
    most = int(counts.sum(axis=0).max())
    spreads = tuple(_draw_spreads(values, finite, rains, low, high))
    return Chart(
        *text, len(kept), len(values) - len(kept), least, low, median, high, greatest, (first, third), most,
        paths=tuple(_draw_bars(counts, most, stacked=stacked)),
        edges=tuple(_place(edge, low, high) for edge in edges if low < edge < high),
        spreads=spreads, height=BASE + _GAP + _ROW * len(spreads),
    )  # fmt: skip


def _place(value: float, low: float, high: float) -> float:
    return round(min(max((value - low) / (high - low), 0.0), 1.0) * WIDTH, 1)


def _draw_bars(counts: NDArray[np.int64], most: int, *, stacked: bool) -> list[tuple[int, str]]:
    """Return a path for each group, stacked in their order; bars are set a little apart."""
    step = WIDTH / BINS
    tops = np.cumsum(counts, axis=0) / most * (BASE - 6)
    heights = counts / most * (BASE - 6)
    paths = []
    for group in range(len(counts)):
        bars = [
            f"M{bar * step + 0.5:g} {BASE - tops[group, bar] + heights[group, bar]:.1f}h{step - 1:g}"
            f"v{-heights[group, bar]:.1f}h{1 - step:g}z"
            for bar in np.flatnonzero(counts[group]).tolist()
        ]
        if bars:
            paths.append((group if stacked else -1, "".join(bars)))
    return paths


def _draw_spreads(
    values: NDArray[np.float64],
    finite: NDArray[np.bool_],
    rains: tuple[Sequence[str], NDArray[np.int64]],
    low: float,
    high: float,
) -> list[Spread]:
    names, codes = rains
    spreads: list[Spread] = []
    for number, name in enumerate(names[:MAX_SPREADS]):
        mine = values[(codes == number) & finite]
        if len(mine):
            found = order_statistics(mine, _QUANTILES)
            places = tuple(_place(value, low, high) for value in found)
            spreads.append(Spread(name, places, found[2], BASE + _GAP + _ROW * len(spreads)))
    return spreads
