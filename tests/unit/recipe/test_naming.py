"""Names of shards: made in one way, and read back without taking one thing for another."""

from __future__ import annotations

import fnmatch

import pytest

from rainkit.recipe import Recipe, ShardId, parse_recipe, parse_shard, shard_path, shard_stem

RECIPE = """
rainkit: 1
name: a-train
version: 1.0.0
seed: 1
sources: {drawn: {kind: procedural}}
strata: {method: quantile, count: COUNT}
rain: {a: {kind: noise_blur}}
splits:
  train: {share: 0.3, samples: 1, rain: a}
  stratum-1: {share: 0.3, samples: 1, rain: a}
  train-stratum-1: {share: 0.3, samples: 1, rain: a}
"""


def make_recipe(count: int) -> Recipe:
    return parse_recipe(RECIPE.replace("COUNT", str(count)))


def test_paths() -> None:
    recipe = make_recipe(5)
    assert shard_path(recipe, ShardId("train", None, 3)) == "data/train/a-train-train-000003.tar"
    assert shard_path(recipe, ShardId("train", 2, 3)) == "data/train/a-train-train-stratum-2-000003.tar"
    assert shard_path(recipe, ShardId("train", 2, 10**7)) == "data/train/a-train-train-stratum-2-10000000.tar"


def test_names_sort_as_strata_do() -> None:
    recipe = make_recipe(11)
    shards = [ShardId("train", stratum, number) for stratum in range(11) for number in range(3)]
    paths = [shard_path(recipe, shard) for shard in shards]
    assert paths == sorted(paths)
    assert shards == sorted(shards)
    assert "stratum-02-000001" in paths[7]


@pytest.mark.parametrize("count", [1, 5, 12])
def test_paths_are_read_back_and_patterns_keep_apart(count: int) -> None:
    recipe = make_recipe(count)
    strata = [None, 0, count - 1]
    shards = {ShardId(split, stratum, number) for split in recipe.splits for stratum in strata for number in (0, 17)}
    paths = {shard: shard_path(recipe, shard) for shard in shards}
    assert len(set(paths.values())) == len(shards)
    for shard, path in paths.items():
        assert parse_shard(path) == shard
        if shard.stratum is not None:
            pattern = f"data/{shard.split}/{shard_stem(recipe, shard.split, shard.stratum)}-*.tar"
            matched = {other for other, name in paths.items() if fnmatch.fnmatchcase(name, pattern)}
            assert {(other.split, other.stratum) for other in matched} == {(shard.split, shard.stratum)}


@pytest.mark.parametrize(
    "path",
    [
        "", "recipe.yaml", "data/train/a-train-1.tar", "data/train/x-test-000000.tar",
        "../data/train/a-train-000000.tar", "data/train/a-train-000000.tar.gz", "data/train/b/a-train-000000.tar",
        "data/train/a-train-stratum--000000.tar",
    ],
)  # fmt: skip
def test_other_paths_are_no_shards(path: str) -> None:
    assert parse_shard(path) is None


def test_a_shard_says_what_it_is() -> None:
    assert str(ShardId("train", None, 3)) == "train 3"
    assert str(ShardId("train", 0, 3)) == "train stratum 0, 3"
