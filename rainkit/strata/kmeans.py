"""The dynamic programme of exact one-dimensional k-means."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _cost(sums: Any, low: int, high: int) -> float:
    """Return the sum of squares of values[low:high] about their mean, from the prefix sums."""
    weight = sums[0, high] - sums[0, low]
    first = sums[1, high] - sums[1, low]
    cost: float = sums[2, high] - sums[2, low] - first * first / weight
    return max(cost, 0.0)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _fill_row(sums: Any, above: Any, row: Any, split: Any, clusters: int) -> None:
    """Fill one row: row[n] = min over m of above[m] + cost(m, n), whose best m never decreases with n."""
    size = row.size - 1
    stack = np.empty((128, 4), dtype=np.int64)  # depth is at most log2(N)
    stack[0] = (clusters, size, clusters - 1, size - 1)
    top = 1
    while top:
        top -= 1
        low, high, first, last = stack[top]
        if low > high:
            continue
        middle = (low + high) // 2
        best = np.inf
        best_split = first
        for start in range(first, min(last, middle - 1) + 1):
            cost = above[start] + _cost(sums, start, middle)
            if cost < best:
                best, best_split = cost, start
        row[middle] = best
        split[middle] = best_split
        stack[top] = (low, middle - 1, first, best_split)
        stack[top + 1] = (middle + 1, high, best_split, last)
        top += 2


def split_points(values: NDArray[np.float64], weights: NDArray[np.float64], count: int) -> list[int]:
    """Return the indices at which clusters 1 .. count-1 start.

    Parameters
    ----------
    values : float64 array, shape (N,)
        Distinct values, ascending.
    weights : float64 array, shape (N,)
        How often each occurs.
    count : int
        Number of clusters, at most N.
    """
    size = values.size
    # Prefix sums of squares cancel; centring and scaling keeps what is lost far below the differences that matter.
    centred = (values - values[size // 2]) / max(float(values[-1] - values[0]), np.finfo(np.float64).tiny)
    sums = np.zeros((3, size + 1), dtype=np.float64)
    for i, terms in enumerate((weights, weights * centred, weights * centred * centred)):
        np.cumsum(terms, out=sums[i, 1:])
    row = np.full(size + 1, np.inf)
    row[0] = 0.0
    splits = np.zeros((count, size + 1), dtype=np.int64)
    for cluster in range(count):
        above, row = row, np.full(size + 1, np.inf)
        _fill_row(sums, above, row, splits[cluster], cluster + 1)
    starts: list[int] = []
    end = size
    for cluster in range(count - 1, 0, -1):
        end = int(splits[cluster, end])
        starts.append(end)
    return starts[::-1]
