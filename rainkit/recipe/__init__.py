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
from rainkit.recipe.problems import suggest
from rainkit.recipe.validation import Validation

__all__ = [
    "CHANNELS",
    "Recipe",
    "Samples",
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
    "place_sources",
    "resolve",
    "suggest",
]
