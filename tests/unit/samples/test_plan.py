"""The plan: rows by index, in proportion, without leaks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.errors import BuildError
from rainkit.recipe import Recipe, parse_recipe
from rainkit.records import Background
from rainkit.samples import PERIOD, Plan, Units, assign_split, schedule

RECIPE = """
rainkit: 1
name: planned
version: 1.0.0
seed: {seed}
sources: {{drawn: {{kind: procedural}}}}
complexity: {{unit: {unit}}}
strata: {{method: quantile, count: 3}}
samples: {{patch: 32}}
shards: {{samples: 50, by: {by}}}
rain: {{a: {{kind: noise_blur}}, b: {{kind: noise_blur}}}}
splits:
  train: {{share: 0.7, samples: 400, rain: {rain}, balance: {balance}}}
  test: {{share: 0.2, samples: 60, rain: b}}
"""


def make_recipe(
    seed: int = 1, unit: str = "patch", rain: str = "a", balance: str = "natural", by: str = "split"
) -> Recipe:
    return parse_recipe(RECIPE.format(seed=seed, unit=unit, rain=rain, balance=balance, by=by))


def make_background(number: int) -> Background:
    digest = f"{number * 2654435761 % 2**64:016x}" + "0" * 16
    return Background(digest[:16], "drawn", f"p/{number}", "", "", "", digest, 96, 64, digest[:16], {})


def make_plan(recipe: Recipe, count: int = 60) -> Plan:
    backgrounds = sorted((make_background(i) for i in range(count)), key=lambda b: b.digest)
    if recipe.complexity.unit == "patch":
        rect = np.tile(np.array([[x, y, 32, 32] for y in (0, 32) for x in (0, 32, 64)], np.int32), (count, 1))
        owner = np.repeat(np.arange(count, dtype=np.int32), 6)
    else:
        rect = np.tile(np.array([[0, 0, 96, 64]], np.int32), (count, 1))
        owner = np.arange(count, dtype=np.int32)
    score = (np.arange(len(owner)) * 7 % 31).astype(np.float64)
    stratum = (score // 11).astype(np.int16)
    return Plan(recipe, backgrounds, Units(owner, rect, score, score * 0, {"x": score}, stratum))


def all_rows(plan: Plan, split: str) -> list[Any]:
    return plan.rows(split, 0, plan.recipe.splits[split].samples)


@pytest.mark.parametrize("unit", ["patch", "picture"])
@pytest.mark.parametrize("balance", ["natural", "pictures", "strata", "[3, 1, 1]"])
def test_any_row_can_be_computed_alone(unit: str, balance: str) -> None:
    plan = make_plan(make_recipe(unit=unit, balance=balance, rain="{a: 2, b: 1}"))
    rows = all_rows(plan, "train")
    for index in (0, 1, 57, 399):
        assert plan.rows("train", index, index + 1) == [rows[index]]
    assert plan.rows("train", 100, 300) == rows[100:300]


def test_keys_are_unique_and_without_dots() -> None:
    plan = make_plan(make_recipe())
    keys = [row.key for split in ("train", "test") for row in all_rows(plan, split)]
    assert len(set(keys)) == 460
    assert not any("." in key for key in keys)


def test_balance_over_strata_is_exact() -> None:
    rows = all_rows(make_plan(make_recipe(balance="strata")), "train")
    counts = Counter(row.stratum for row in rows)
    assert max(counts.values()) - min(counts.values()) <= 1
    weighted = Counter(row.stratum for row in all_rows(make_plan(make_recipe(balance="[2, 1, 1]")), "train"))
    assert weighted == {0: 200, 1: 100, 2: 100}


def test_rains_keep_their_weights_within_each_stratum() -> None:
    rows = all_rows(make_plan(make_recipe(balance="strata", rain="{a: 3, b: 1}")), "train")
    counts = Counter((row.stratum, row.rain) for row in rows)
    for stratum in range(3):
        total = counts[stratum, "a"] + counts[stratum, "b"]
        assert counts[stratum, "b"] == pytest.approx(total / 4, abs=1.5)


def test_no_unit_is_used_twice_before_each_was_used_once() -> None:
    plan = make_plan(make_recipe())
    units = [(row.background_id, row.crop) for row in all_rows(plan, "train")]
    size = sum(1 for owner in plan.units.background if plan.splits[owner] == "train")
    assert len(set(units[:size])) == min(size, len(units))
    assert max(Counter(units).values()) - min(Counter(units).values()) <= 1


def test_balance_over_pictures_is_even() -> None:
    plan = make_plan(make_recipe(balance="pictures"))
    counts = Counter(row.background_id for row in all_rows(plan, "train"))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_splits_share_no_picture() -> None:
    plan = make_plan(make_recipe())
    train = {row.background_id for row in all_rows(plan, "train")}
    assert train.isdisjoint({row.background_id for row in all_rows(plan, "test")})


def test_crops_of_pictures_lie_inside_and_vary() -> None:
    rows = all_rows(make_plan(make_recipe(unit="picture")), "train")
    assert all(0 <= r.crop[0] <= 64 and 0 <= r.crop[1] <= 32 and r.crop[2:] == (32, 32) for r in rows)
    assert len({r.crop[0] for r in rows}) > 30
    assert {r.crop[1] for r in rows} >= {0, 32}


@given(st.integers(0, 2**32), st.integers(2, 200))
@settings(max_examples=25, deadline=None)
def test_adding_pictures_moves_no_other(seed: int, count: int) -> None:
    recipe = make_recipe(seed=seed)
    groups = [make_background(i).group for i in range(count)]
    first = {group: assign_split(recipe, group) for group in groups[: count // 2]}
    assert {group: assign_split(recipe, group) for group in groups}.items() >= first.items()


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None)
def test_every_prefix_of_the_schedule_is_in_proportion(weights: list[float]) -> None:
    classes = schedule(tuple(weights))
    for stop in (1, 7, 100, PERIOD):
        counts = np.bincount(classes[:stop], minlength=len(weights))
        expected = np.array(weights) / sum(weights) * stop
        assert np.abs(counts - expected).max() <= max(1.0, len(weights) / 2) + 1e-6


def test_more_samples_do_not_change_earlier_ones() -> None:
    plan = make_plan(make_recipe(rain="{a: 1, b: 1}"))
    assert plan.rows("train", 0, 100) == plan.rows("train", 0, 12_000)[:100]


def test_an_empty_stratum_is_named() -> None:
    recipe = parse_recipe(
        RECIPE.format(seed=1, unit="patch", rain="a", balance="strata", by="split").replace("count: 3", "count: 4")
    )
    with pytest.raises(BuildError, match="stratum 3 of split 'train' is empty"):
        make_plan(recipe)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rain": "{a: 20000, b: 1}"}, "never draw rain 'b'"),
        ({"balance": "[1, 20000, 1]"}, "never draw rain 'a' on stratum 0"),
    ],
)
def test_a_weight_that_comes_to_nothing_is_named(fields: dict[str, str], words: str) -> None:
    with pytest.raises(BuildError, match=words):
        make_plan(make_recipe(**fields))


def test_a_split_without_pictures_is_named() -> None:
    with pytest.raises(BuildError, match="gets none of the 1 backgrounds"):
        make_plan(make_recipe(), count=1)


def test_a_split_may_select_some_of_its_pictures() -> None:
    text = RECIPE.format(seed=1, unit="patch", rain="a", balance="natural", by="split")
    chosen = {}
    for count in (4, 8):
        selected = text.replace("samples: 400,", f"samples: 400, select: {{count: {count}, by: low, share: 0.5}},")
        base = make_plan(parse_recipe(text))
        scores = np.arange(len(base.backgrounds), dtype=np.float64)
        plan = Plan(parse_recipe(selected), base.backgrounds, base.units, scores)
        chosen[count] = {row.background_id for row in all_rows(plan, "train")}
        assert len(chosen[count]) == count
        train = [i for i, split in enumerate(base.splits) if split == "train"]
        simple = {base.backgrounds[i].id for i in train[: round(len(train) / 2)]}
        assert chosen[count] <= simple
        assert [row.key for row in all_rows(plan, "test")] == [row.key for row in all_rows(base, "test")]
    assert chosen[4] < chosen[8]


def test_every_sample_has_rain_of_its_own() -> None:
    plan = make_plan(make_recipe())
    seeds = {row.rain_seed for split in ("train", "test") for row in all_rows(plan, split)}
    assert len(seeds) == 460


def test_the_seed_moves_pictures_between_splits_and_changes_the_rain() -> None:
    first, other = (make_plan(make_recipe(seed=seed)) for seed in (1, 2))
    assert first.splits != other.splits
    seeds = [{row.rain_seed for row in all_rows(plan, "train")} for plan in (first, other)]
    assert seeds[0].isdisjoint(seeds[1])


def test_every_pass_has_an_order_of_its_own() -> None:
    plan = make_plan(make_recipe())
    size = sum(1 for owner in plan.units.background if plan.splits[owner] == "train")
    first, second = ([(r.background_id, r.crop) for r in plan.rows("train", i * size, (i + 1) * size)] for i in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


def test_crops_do_not_repeat_with_the_schedule() -> None:
    plan = make_plan(make_recipe(unit="picture"))
    first, second = ([r.crop for r in plan.rows("train", start, start + 100)] for start in (0, PERIOD))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 10


def test_shards_of_a_split_are_runs_of_its_samples() -> None:
    plan = make_plan(make_recipe())
    assert [(str(shard.id), shard.start, shard.stop) for shard in plan.shards()][-3:] == [
        ("train 7", 350, 400), ("test 0", 0, 50), ("test 1", 50, 60),
    ]  # fmt: skip
    assert [row for shard in plan.shards() for row in plan.rows_of(shard)] == [
        *all_rows(plan, "train"), *all_rows(plan, "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["patch", "picture"])
@pytest.mark.parametrize("balance", ["natural", "pictures", "strata", "[3, 1, 1]", "[2, 1], strata: [2, 0]"])
def test_shards_of_strata_hold_the_same_samples(unit: str, balance: str) -> None:
    mixed, sorted_ = (
        make_plan(make_recipe(unit=unit, balance=balance, rain="{a: 2, b: 1}", by=by)) for by in ("split", "stratum")
    )
    rows = {row.key: row for shard in mixed.shards() for row in mixed.rows_of(shard)}
    packed = {}
    for shard in sorted_.shards():
        here = sorted_.rows_of(shard)
        assert {(row.split, row.stratum) for row in here} == {(shard.id.split, shard.id.stratum)}
        packed |= {row.key: row for row in here}
    assert packed == rows
    assert len(packed) == 460


def test_a_stratum_that_no_sample_has_gets_no_shard() -> None:
    plan = make_plan(make_recipe(balance="natural, strata: [1]", by="stratum"))
    assert {shard.id.stratum for shard in plan.shards() if shard.id.split == "train"} == {1}
    assert {shard.id.stratum for shard in plan.shards() if shard.id.split == "test"} == {0, 1, 2}


def test_strata_that_follow_no_schedule_are_found_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_plan(make_recipe(by="stratum"))
    wanted = [whole.indices(shard).tolist() for shard in whole.shards()]
    monkeypatch.setattr("rainkit.samples.plan._CHUNK", 7)
    chunked = make_plan(make_recipe(by="stratum"))
    assert [chunked.indices(shard).tolist() for shard in chunked.shards()] == wanted
