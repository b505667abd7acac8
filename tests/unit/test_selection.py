"""Selections of backgrounds at a stated complexity."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.errors import BuildError
from rainkit.seeds import Stream
from rainkit.selection import Select, select
from rainkit.strata import Match, Quantile, fit

IDS = [f"{i:016x}" for i in range(1000)]
SCORES = Stream(5, "scores").uniform(1000)
COUNTS = (8, 16, 32, 64, 128)


def _scores(**fields: Any) -> np.ndarray:
    return SCORES[select(SCORES, IDS, Select(**fields))]


@pytest.mark.parametrize("by", ["low", "high", "random", "stratified"])
def test_sizes_of_the_paper_are_nested(by: Any) -> None:
    chosen = [select(SCORES, IDS, Select(count=count, by=by)).tolist() for count in COUNTS]
    assert [len(set(each)) for each in chosen] == list(COUNTS)
    assert all(large[: len(small)] == small for small, large in pairwise(chosen))


def test_low_and_high_stay_at_their_end_whatever_the_count() -> None:
    order = np.sort(SCORES)
    for count in COUNTS:
        assert _scores(count=count, by="low").max() < order[200]
        assert _scores(count=count, by="high", share=0.15).min() >= order[850]
    # The complexity of the set does not follow its size: the members are not the outermost ones.
    assert np.median(_scores(count=16, by="low")) == pytest.approx(np.median(_scores(count=128, by="low")), abs=0.05)


def test_stratified_takes_from_each_stratum_in_turn() -> None:
    strata = fit(Quantile(count=4), SCORES, IDS).labels
    chosen = strata[select(SCORES, IDS, Select(count=64, by="stratified", strata=4))]
    assert np.bincount(chosen).tolist() == [16] * 4
    assert [sorted(turn) for turn in chosen.reshape(16, 4).tolist()] == [[0, 1, 2, 3]] * 16


def test_matched_follows_the_target_at_every_count() -> None:
    target = Match(edges=(0.25, 0.75), shares=(0.25, 0.25, 0.5))
    for count in (4, 40, 200):
        chosen = _scores(count=count, by="matched", target=target)
        counts = np.histogram(chosen, bins=(0, 0.25, 0.75, 1))[0]
        assert np.abs(counts - count * np.array([0.25, 0.25, 0.5])).max() < 1


def test_another_draw_prefers_others() -> None:
    first, second = (set(select(SCORES, IDS, Select(count=64, draw=draw)).tolist()) for draw in (0, 1))
    assert 0 < len(first & second) < 20


def test_the_order_of_the_pictures_does_not_matter() -> None:
    order = Stream(6, "order").permutation(1000)
    for by in ("low", "stratified"):
        straight = [IDS[i] for i in select(SCORES, IDS, Select(count=30, by=by))]
        shuffled = [IDS[order[i]] for i in select(SCORES[order], [IDS[i] for i in order], Select(count=30, by=by))]
        assert straight == shuffled


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 1001}, r"1001 backgrounds were asked for, and there are 1000; ask for fewer or add pictures"),
        ({"count": 201, "by": "low"}, r"there are 200 in the share of 0\.2 that is low; ask for fewer, raise `share`"),
        ({"count": 990, "by": "stratified", "strata": 3}, r"has only"),
    ],
)
def test_too_few_backgrounds_say_how_many_there_are(fields: dict[str, Any], message: str) -> None:
    if "strata" in fields:  # one stratum is short of a third
        few = np.concatenate([np.zeros(400), np.ones(400), np.full(200, 2.0)])
        with pytest.raises(BuildError, match=message):
            select(few, IDS, Select(**fields))
        return
    with pytest.raises(BuildError, match=message):
        select(SCORES, IDS, Select(**fields))


def test_a_target_of_another_estimator_is_refused() -> None:
    target = Match(edges=(0.5,), shares=(1, 1), scale="a@b/1")
    with pytest.raises(BuildError, match=r"a@b/2.*a@b/1"):
        select(SCORES, IDS, Select(count=2, by="matched", target=target), scale="a@b/2")


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0},
        {"count": 1, "by": "matched"},
        {"count": 1, "target": {"method": "match", "edges": [1], "shares": [1, 1]}},
        {"count": 1, "by": "matched", "target": {"method": "match", "edges": [1], "shares": [1, 1], "margin": 0.1}},
        {"count": 1, "by": "lowest"},
    ],
)
def test_wrong_blocks_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Select.model_validate(fields)
