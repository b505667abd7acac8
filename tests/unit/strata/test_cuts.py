"""Where lines of scores are cut."""

from itertools import combinations

import numpy as np
import pytest

from rainkit.errors import BuildError
from rainkit.seeds import Stream
from rainkit.strata.cuts import (
    cut_at_quantiles,
    cut_by_rank,
    cut_by_squares,
    place,
    rank_by_id,
    short_edge,
)


def test_quantiles_of_distinct_scores_are_equal_shares() -> None:
    scores = Stream(1, "scores").uniform(1000)
    edges = cut_at_quantiles(scores, 5)
    assert np.bincount(place(scores, edges)).tolist() == [200] * 5


def test_equal_scores_stay_together_and_the_nearest_boundary_is_taken() -> None:
    scores = np.array([0.0] * 6 + [1.0] + [2.0] * 3)
    # Half of ten is five: the boundary after six zeros is nearer than the one after seven.
    assert np.bincount(place(scores, cut_at_quantiles(scores, 2))).tolist() == [6, 4]


def test_a_heap_of_equal_scores_does_not_swallow_a_stratum() -> None:
    scores = np.array([0.0] * 97 + [1.0, 2.0, 3.0])
    assert np.bincount(place(scores, cut_at_quantiles(scores, 4))).tolist() == [97, 1, 1, 1]
    reversed_heap = np.array([-3.0, -2.0, -1.0] + [0.0] * 97)
    assert np.bincount(place(reversed_heap, cut_at_quantiles(reversed_heap, 4))).tolist() == [1, 1, 1, 97]


def test_a_score_at_an_edge_belongs_above_it() -> None:
    assert place(np.array([0.9, 1.0, 1.1]), [1.0]).tolist() == [0, 1, 1]


@pytest.mark.parametrize("cut", [cut_at_quantiles, cut_by_squares])
def test_too_few_distinct_scores_name_both_numbers(cut) -> None:
    with pytest.raises(BuildError, match=r"4 scores have 2 distinct values, too few for 3 strata; ask for at most 2"):
        cut(np.array([1.0, 1.0, 2.0, 2.0]), 3)


def test_ranks_of_ids_are_a_permutation_that_follows_the_ids() -> None:
    ids = [f"{i:016x}" for i in range(50)]
    ranks = rank_by_id(ids)
    assert sorted(ranks.tolist()) == list(range(50))
    assert ranks.tolist() != list(range(50))
    assert rank_by_id(ids[::-1]).tolist() == ranks[::-1].tolist()


def test_equal_counts_split_ties_by_id() -> None:
    ids = [f"{i}" for i in range(10)]
    labels, edges = cut_by_rank(np.array([0.0] * 6 + [1.0, 2.0, 3.0, 4.0]), ids, 5)
    assert np.bincount(labels).tolist() == [2] * 5
    assert edges == (0.0, 0.0, 0.5, 2.5)


def test_equal_counts_differ_by_at_most_one() -> None:
    labels, _ = cut_by_rank(np.arange(13.0), [str(i) for i in range(13)], 5)
    counts = np.bincount(labels)
    assert counts.max() - counts.min() == 1
    assert (np.diff(labels) >= 0).all()


def _sum_of_squares(values: np.ndarray, starts: tuple[int, ...]) -> float:
    parts = np.split(values, starts)
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_kmeans_is_the_least_of_all_splits(count: int, seed: int) -> None:
    scores = np.sort(np.rint(Stream(seed, "kmeans").uniform(11, 0, 40)))
    distinct = np.unique(scores)
    edges = cut_by_squares(scores, count)
    got = _sum_of_squares(scores, tuple(np.searchsorted(scores, edges)))
    # Splits between equal scores are allowed here; the best never makes one.
    every = (_sum_of_squares(scores, starts) for starts in combinations(range(1, scores.size), count - 1))
    assert distinct.size >= count
    assert got == pytest.approx(min(every), abs=1e-9)


def test_kmeans_finds_gaps_and_keeps_them_at_any_offset() -> None:
    groups = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0])
    for offset in (0.0, 1e6):
        edges = cut_by_squares(groups + offset, 3)
        assert place(groups + offset, edges).tolist() == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("below", "above", "edge"), [(0.1, 0.2, 0.15), (0.0, 1.0, 0.5), (3.1, 3.9, 3.5), (-2.0, 7.0, 2.0)]
)
def test_edges_are_short(below: float, above: float, edge: float) -> None:
    assert short_edge(below, above) == edge


def test_edges_lie_between_neighbouring_doubles() -> None:
    below = 0.1
    above = float(np.nextafter(below, 1))
    assert below < short_edge(below, above) <= above
