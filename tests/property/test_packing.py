"""Shards by stratum are a partition of a split, whatever its weights, its length and the size of its shards."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.recipe import Recipe
from rainkit.records import Background
from rainkit.samples import PERIOD, Plan, Units, schedule
from rainkit.samples.packing import Turns

PICTURES, EACH, STRATA = 8, 6, 3


def make_plan(shards: dict[str, Any], split: dict[str, Any], seed: int = 1) -> Plan:
    """Plan a split of eight pictures with six patches each, in three strata."""
    recipe = Recipe.model_validate({
        "rainkit": 1, "name": "packed", "version": "1.0.0", "seed": seed,
        "sources": {"drawn": {"kind": "procedural"}}, "complexity": {"unit": "patch"},
        "strata": {"method": "quantile", "count": STRATA}, "samples": {"patch": 32},
        "rain": {"a": {"kind": "noise_blur"}, "b": {"kind": "noise_blur"}},
        "splits": {"train": {"share": 1, "samples": 1, "rain": {"a": 2, "b": 1}} | split}, "shards": shards,
    })  # fmt: skip
    digests = [f"{number:032x}" for number in range(PICTURES)]
    backgrounds = [Background(d[-16:], "drawn", d, "", "", "", d, 96, 64, d) for d in digests]
    rect = np.tile(np.array([[x, y, 32, 32] for y in (0, 32) for x in (0, 32, 64)], np.int32), (PICTURES, 1))
    owner = np.repeat(np.arange(PICTURES, dtype=np.int32), EACH)
    score = (np.arange(len(owner)) * 7 % 31).astype(np.float64)
    return Plan(recipe, backgrounds, Units(owner, rect, score, score * 0, {}, (score // 11).astype(np.int16)))


BALANCES = st.one_of(
    st.sampled_from(["natural", "pictures", "strata"]),
    st.lists(st.floats(0.05, 20), min_size=STRATA, max_size=STRATA).map(tuple),
)


@settings(deadline=None, max_examples=40)
@given(balance=BALANCES, samples=st.integers(1, 700), size=st.integers(1, 120), seed=st.integers(0, 5))
def test_shards_of_strata_are_a_partition(balance: Any, samples: int, size: int, seed: int) -> None:
    plans = {by: make_plan({"samples": size, "by": by}, {"samples": samples, "balance": balance}, seed)
             for by in ("split", "stratum")}  # fmt: skip
    rows = plans["split"].rows("train", 0, samples)
    shards = list(plans["stratum"].shards())
    assert [shard.id for shard in shards] == sorted({shard.id for shard in shards})
    packed: list[Any] = []
    for shard in shards:
        here = plans["stratum"].rows_of(shard)
        assert 0 < len(here) == len(shard) <= size
        assert {row.stratum for row in here} == {shard.id.stratum}
        assert [row.index for row in here] == plans["stratum"].indices(shard).tolist()
        packed += here
    for stratum in {row.stratum for row in rows}:
        # Within a stratum the order is that of the split, and every shard but the last is full.
        assert [row for row in packed if row.stratum == stratum] == [row for row in rows if row.stratum == stratum]
        sizes = [len(shard) for shard in shards if shard.id.stratum == stratum]
        assert sizes[:-1] == [size] * (len(sizes) - 1)
        assert [shard.id.number for shard in shards if shard.id.stratum == stratum] == [*range(len(sizes))]
    assert sorted(packed, key=lambda row: row.index) == rows
    mixed = list(plans["split"].shards())
    assert [row for shard in mixed for row in plans["split"].rows_of(shard)] == rows


@settings(deadline=None, max_examples=25)
@given(balance=BALANCES, samples=st.integers(1, 400), more=st.integers(0, 400), size=st.integers(1, 60))
def test_a_longer_split_keeps_every_full_shard(balance: Any, samples: int, more: int, size: int) -> None:
    shards = {"samples": size, "by": "stratum"}
    before, after = (make_plan(shards, {"samples": count, "balance": balance}) for count in (samples, samples + more))
    longer = {shard.id: shard for shard in after.shards()}
    for shard in before.shards():
        indices = after.indices(longer[shard.id])
        assert indices[: len(shard)].tolist() == before.indices(shard).tolist()
        assert len(shard) < size or len(indices) == size


@settings(deadline=None, max_examples=40)
@given(
    weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=6).map(tuple),
    samples=st.integers(0, 10**9),
    start=st.integers(0, 10**6),
)
def test_turns_are_counted_without_listing_them(weights: tuple[float, ...], samples: int, start: int) -> None:
    classes = schedule(weights)
    every = [Turns(PERIOD, np.flatnonzero(classes == number)) for number in np.unique(classes)]
    assert sum(turns.count(samples) for turns in every) == samples
    for turns in every:
        indices = turns.indices(start, start + 50)
        assert [turns.count(index) for index in indices.tolist()] == [*range(start, start + 50)]
        assert (np.diff(indices) > 0).all()
