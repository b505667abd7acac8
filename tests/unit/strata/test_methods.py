"""The methods of the block `strata:`."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from rainkit.errors import BuildError
from rainkit.seeds import Stream
from rainkit.strata import METHODS, Edges, EqualCount, Grid, KMeans, Match, Quantile, Strata, fit

IDS = [f"{i:016x}" for i in range(600)]
SCORES = np.round(Stream(3, "scores").uniform(600), 2)
SECOND = np.round(Stream(3, "second").uniform(600), 2)


def _parse(block: dict[str, Any]) -> Any:
    return TypeAdapter(Strata).validate_python(block)


def test_a_block_is_told_apart_by_its_method() -> None:
    blocks = {
        "quantile": {}, "equal_count": {}, "kmeans": {}, "edges": {"edges": [0.5]},
        "match": {"edges": [0.5], "shares": [1, 2]}, "grid": {},
    }  # fmt: skip
    assert set(blocks) == set(METHODS)
    for method, fields in blocks.items():
        assert type(_parse({"method": method, **fields})) is METHODS[method]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"method": "edges"}, "give either `edges` or `edges_from`"),
        ({"method": "edges", "edges": [1], "edges_from": "x"}, "give either `edges` or `edges_from`"),
        ({"method": "edges", "edges": [2, 1]}, "edges must rise, but 1.0 follows 2.0"),
        ({"method": "match"}, "give either `edges` and `shares`, or `like`"),
        ({"method": "match", "edges": [1], "shares": [1]}, "1 edges need 2 shares, not 1"),
        ({"method": "match", "edges": [1], "shares": [0, 0]}, "must be positive"),
        ({"method": "match", "edges": [1], "shares": [1, 1], "per_stratum": 3}, "would undo the match"),
        ({"method": "quantile", "count": 0}, "greater than or equal to 1"),
        ({"method": "quantile", "colour": 1}, "Extra inputs"),
    ],
)
def test_wrong_blocks_are_refused(block: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _parse(block)


def test_fixed_edges_place_scores() -> None:
    made = fit(Edges(edges=(0.25, 0.5)), SCORES, IDS)
    assert made.edges == (0.25, 0.5)
    assert made.labels.tolist() == [0 if s < 0.25 else 1 if s < 0.5 else 2 for s in SCORES]
    assert made.labels.dtype == np.int16


def test_edges_of_another_estimator_are_refused() -> None:
    with pytest.raises(BuildError, match=r"jpeg_ratio@luma-256/1.*delentropy@luma-256/2"):
        fit(Edges(edges=(0.5,), scale="delentropy@luma-256/2"), SCORES, IDS, scale="jpeg_ratio@luma-256/1")
    assert fit(Edges(edges=(0.5,), scale="a@b/1"), SCORES, IDS, scale="a@b/1").count == 2


@pytest.mark.parametrize("strata", [Quantile(), EqualCount(), KMeans(), Edges(edges=(0.3, 0.6))])
def test_a_stratum_never_holds_a_higher_score_than_the_next(strata: Any) -> None:
    made = fit(strata, SCORES, IDS)
    spans = [(SCORES[made.labels == n].min(), SCORES[made.labels == n].max()) for n in range(made.count)]
    assert all(high <= low for (_, high), (low, _) in pairwise(spans))


def test_a_match_has_the_shares_that_were_asked_for() -> None:
    made = fit(Match(edges=(0.2, 0.6), shares=(1, 2, 1)), SCORES, IDS)
    counts = made.counts
    assert counts[1] == pytest.approx(2 * counts[0], abs=2)
    assert counts[0] == pytest.approx(counts[2], abs=1)
    assert made.dropped == 600 - sum(counts)
    # As many as can be: some bin is used up.
    assert any(counts[n] >= (np.searchsorted((0.2, 0.6), SCORES, side="right") == n).sum() - 1 for n in range(3))


def test_a_bin_of_no_share_may_be_empty_and_one_with_a_share_may_not() -> None:
    made = fit(Match(edges=(0.5, 5.0), shares=(1, 1, 0)), SCORES, IDS)
    assert made.counts[2] == 0
    with pytest.raises(BuildError, match=r"50.0% in bin 1, where there is nothing"):
        fit(Match(edges=(5.0,), shares=(1, 1)), SCORES, IDS)


def test_a_grid_crosses_two_scores() -> None:
    made = fit(Grid(count=3, second_count=2), SCORES, IDS, SECOND)
    assert made.count == 6
    assert len(set(made.second_edges)) == 1
    rows, columns = made.labels // 2, made.labels % 2
    assert rows.tolist() == np.searchsorted(made.edges, SCORES, side="right").tolist()
    assert columns.tolist() == (made.second_edges[0][0] <= SECOND).tolist()
    assert made.place(SCORES, SECOND).tolist() == made.labels.tolist()


def test_a_grid_within_rows_fills_every_cell_alike() -> None:
    related = SCORES + 0.01 * SECOND
    made = fit(Grid(count=3, second_count=3, second_edges="within"), SCORES, IDS, related)
    assert max(made.counts) - min(made.counts) <= 6
    with pytest.raises(BuildError, match=r"of 9 strata are empty"):
        fit(Grid(count=3, second_count=3), SCORES, IDS, related)


def test_a_grid_needs_its_second_scores() -> None:
    with pytest.raises(BuildError, match=r"needs the scores of `rms_contrast`; add it to the estimators"):
        fit(Grid(), SCORES, IDS)
