"""The recipe: the whole truth of a corpus, read from YAML, checked at once, identified by a fingerprint."""

from rainkit.recipe.load import (
    component_versions,
    dump_recipe,
    fingerprint,
    json_schema,
    list_components,
    load_recipe,
    parse_recipe,
    place_sources,
    resolve,
)
from rainkit.recipe.models import CHANNELS, Recipe, Samples, Shards, Split, count_strata
from rainkit.recipe.naming import ShardId, parse_shard, shard_path, shard_stem
from rainkit.recipe.problems import suggest
from rainkit.recipe.validation import Validation

__all__ = [
    "CHANNELS",
    "Recipe",
    "Samples",
    "ShardId",
    "Shards",
    "Split",
    "Validation",
    "component_versions",
    "count_strata",
    "dump_recipe",
    "fingerprint",
    "json_schema",
    "list_components",
    "load_recipe",
    "parse_recipe",
    "parse_shard",
    "place_sources",
    "resolve",
    "shard_path",
    "shard_stem",
    "suggest",
]
