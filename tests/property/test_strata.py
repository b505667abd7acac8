"""Strata depend on scores and ids alone, and share what ties leave to share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.errors import BuildError
from rainkit.seeds import Stream
from rainkit.selection import Select, select
from rainkit.strata import EqualCount, Grid, KMeans, Match, Quantile, Stratification, fit

SCORES = st.lists(st.integers(-30, 30), min_size=1, max_size=60)


def _named(scores: list[int]) -> tuple[np.ndarray, list[str]]:
    return np.array(scores, dtype=np.float64) / 8, [
        f"{Stream(1, 'id', i).integer(0, 2**31):08x}" for i in range(len(scores))
    ]


@st.composite
def methods(draw: st.DrawFn) -> Any:
    count, quota = draw(st.integers(1, 6)), draw(st.sampled_from([None, "smallest", 1, 3]))
    kind = draw(st.sampled_from([Quantile, EqualCount, KMeans, Grid, Match]))
    if kind is Match:
        return Match(edges=(-1.0, 1.0), shares=tuple(draw(st.tuples(*[st.integers(1, 5)] * 3))))
    if kind is Grid:
        return Grid(count=count, second_count=2, second_edges=draw(st.sampled_from(["shared", "within"])))
    return kind(count=count, per_stratum=quota, margin=draw(st.sampled_from([0.0, 0.0, 0.2])))


def _fit(method: Any, *arguments: Any) -> Stratification | str:
    """Return the stratification, or what the error says."""
    try:
        return fit(method, *arguments)
    except BuildError as error:
        return str(error)


@settings(deadline=None, max_examples=200)
@given(SCORES, methods(), st.randoms(use_true_random=False))
def test_labels_do_not_depend_on_the_order(scores: list[int], method: Any, random: Any) -> None:
    values, ids = _named(scores)
    second = -values[::-1]
    order = list(range(len(scores)))
    random.shuffle(order)
    straight = _fit(method, values, ids, second)
    shuffled = _fit(method, values[order], [ids[i] for i in order], second[order])
    if isinstance(straight, str) or isinstance(shuffled, str):
        assert straight == shuffled
        return
    assert shuffled.labels.tolist() == straight.labels[order].tolist()
    assert (shuffled.edges, shuffled.second_edges) == (straight.edges, straight.second_edges)
    placed = straight.labels >= 0
    assert straight.agrees(values, straight.labels, second)[placed].all()
    assert straight.labels.min() >= -1
    assert straight.labels.max() < straight.count


@settings(deadline=None, max_examples=200)
@given(SCORES, st.integers(1, 6))
def test_shares_of_quantiles_are_equal_within_ties(scores: list[int], count: int) -> None:
    values, ids = _named(scores)
    _, sizes = np.unique(values, return_counts=True)
    if len(sizes) < count:
        with pytest.raises(BuildError, match="too few"):
            fit(Quantile(count=count), values, ids)
        return
    made = fit(Quantile(count=count), values, ids)
    cuts = np.cumsum(made.counts)[:-1]
    targets = np.arange(1, count) * len(scores) / count
    boundaries = np.cumsum(sizes)[:-1]
    for cut, target in zip(cuts, targets, strict=True):
        # The boundary nearest to the quantile, unless another quantile has the same one.
        nearest = np.abs(boundaries - target).min() if boundaries.size else 0
        assert abs(cut - target) == nearest or _crowded(boundaries, targets)


def _crowded(boundaries: np.ndarray, targets: np.ndarray) -> bool:
    """Whether two quantiles have the same nearest boundary, so that one must give way."""
    nearest = [int(np.abs(boundaries - target).argmin()) for target in targets]
    return len(set(nearest)) < len(nearest)


@settings(deadline=None, max_examples=200)
@given(SCORES, st.sampled_from(["low", "high", "random", "stratified", "matched"]), st.integers(0, 3), st.data())
def test_selections_are_nested(scores: list[int], by: str, draw: int, data: st.DataObject) -> None:
    values, ids = _named(scores)
    fields: dict[str, Any] = {"by": by, "draw": draw, "share": 0.5, "strata": 2}
    if by == "matched":
        fields["target"] = Match(edges=(0.0,), shares=(1, 2))
    more = data.draw(st.integers(1, len(scores)))
    try:
        large = select(values, ids, Select(count=more, **fields))
    except BuildError:
        return
    small = select(values, ids, Select(count=data.draw(st.integers(1, more)), **fields))
    assert small.tolist() == large[: small.size].tolist()
    assert len(set(large.tolist())) == more


@settings(deadline=None, max_examples=100)
@given(SCORES, st.integers(1, 8))
def test_added_pictures_push_no_others_around(scores: list[int], count: int) -> None:
    values, ids = _named(scores)
    if len(scores) < count:
        return
    before = [ids[i] for i in select(values, ids, Select(count=count))]
    more = [f"new-{i}" for i in range(5)]
    after = select(np.concatenate([values, np.zeros(5)]), ids + more, Select(count=count))
    kept = [(ids + more)[i] for i in after]
    survivors = [name for name in kept if name in before]
    assert survivors == [name for name in before if name in kept]
    assert all(name in before or name in more for name in kept)
