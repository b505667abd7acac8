"""Where to cut a line of scores: quantiles, least squares, and the order that breaks ties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

from rainkit.errors import BuildError

Scores = NDArray[np.float64]


def hash_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return the xxh3-64 hash of each id, shape (N,): the order that breaks ties and chooses who is dropped."""
    return np.fromiter((xxhash.xxh3_64_intdigest(name.encode()) for name in ids), dtype=np.uint64, count=len(ids))


def rank_by_id(ids: Sequence[str]) -> NDArray[np.int64]:
    """Return the rank of each id in the order of its hash, shape (N,), 0..N-1; equal hashes are ordered by the id."""
    order = np.lexsort((np.asarray(ids, dtype=np.str_), hash_ids(ids)))
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[order] = np.arange(len(ids))
    return ranks


def place(scores: Scores, edges: Sequence[float]) -> NDArray[np.int16]:
    """Return the stratum of each score, shape (N,): the number of edges at or below it."""
    return np.searchsorted(np.asarray(edges, dtype=np.float64), scores, side="right").astype(np.int16)


def short_edge(below: float, above: float) -> float:
    """Return the shortest decimal number e with `below < e <= above`, near the middle of the two scores.

    Edges stand in recipes and tables, where people read and copy them. Strictly between the two where there is such a
    number, so that a score kept in single precision stays on its side.
    """
    middle = below + (above - below) / 2
    for digits in range(1, 18):
        edge = float(f"{middle:.{digits}g}")
        if below < edge < above:
            return edge
    return above


def require_distinct(distinct: int, total: int, count: int, what: str = "scores") -> None:
    """Raise BuildError if there are fewer distinct scores than strata."""
    if distinct < count:
        raise BuildError(
            f"strata: {total} {what} have {distinct} distinct value{'s' if distinct != 1 else ''}, too few for "
            f"{count} strata; ask for at most {max(distinct, 1)}, add backgrounds, or score by an estimator that tells "
            "them apart"
        )


def cut_at_quantiles(scores: Scores, count: int, what: str = "scores") -> tuple[float, ...]:
    """Return the `count - 1` edges that split the scores into strata as equal as ties allow.

    Equal scores stay together: each edge lies between two different scores, at the boundary nearest to its quantile.

    Parameters
    ----------
    scores : float64 array, shape (N,)
        Finite scores, any order.
    count : int
        Number of strata.
    what : str
        The word for the scores in an error.

    Raises
    ------
    BuildError
        If there are fewer distinct scores than strata.
    """
    ordered = np.sort(scores)
    boundaries = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1
    require_distinct(min(boundaries.size + 1, ordered.size), ordered.size, count, what)
    chosen: list[int] = []
    for cut in range(1, count):
        target = cut * ordered.size / count
        nearest = _nearest(boundaries, target)
        lowest = chosen[-1] + 1 if chosen else 0
        highest = boundaries.size - (count - cut)
        chosen.append(min(max(nearest, lowest), highest))
    return tuple(short_edge(float(ordered[i - 1]), float(ordered[i])) for i in boundaries[chosen])


def _nearest(boundaries: NDArray[np.int64], target: float) -> int:
    right = int(np.searchsorted(boundaries, target))
    if right == boundaries.size or (right and target - boundaries[right - 1] <= boundaries[right] - target):
        return right - 1
    return right


def cut_by_rank(scores: Scores, ids: Sequence[str], count: int) -> tuple[NDArray[np.int16], tuple[float, ...]]:
    """Return labels whose counts differ by at most one, and the edges; ties at an edge are split by the ids' hash.

    Raises
    ------
    BuildError
        If there are fewer distinct scores than strata.
    """
    require_distinct(np.unique(scores).size, scores.size, count)
    order = np.lexsort((rank_by_id(ids), scores))
    labels = np.empty(scores.size, dtype=np.int16)
    labels[order] = (np.arange(scores.size, dtype=np.int64) * count // scores.size).astype(np.int16)
    starts = [-(-cut * scores.size // count) for cut in range(1, count)]
    ordered = scores[order]
    edges = tuple(
        float(ordered[i]) if ordered[i - 1] == ordered[i] else short_edge(float(ordered[i - 1]), float(ordered[i]))
        for i in starts
    )
    return labels, edges


def cut_by_squares(scores: Scores, count: int) -> tuple[float, ...]:
    """Return the `count - 1` edges of the exact one-dimensional k-means: the least sum of squares within strata.

    Dynamic programming over the distinct scores with monotone split points, O(count N log N) [1]_; no random start, no
    local optimum. Of equal optima the one with the lowest edges is taken.

    Raises
    ------
    BuildError
        If there are fewer distinct scores than strata.

    References
    ----------
    .. [1] A. Gronlund et al., "Fast exact k-means, k-medians and Bregman divergence clustering in 1D",
       arXiv:1701.07204.
    """
    from rainkit.strata.kmeans import split_points  # noqa: PLC0415 - numba is slow to import

    values, weights = np.unique(scores, return_counts=True)
    require_distinct(values.size, scores.size, count)
    starts = split_points(values, weights.astype(np.float64), count)
    return tuple(short_edge(float(values[i - 1]), float(values[i])) for i in starts)
