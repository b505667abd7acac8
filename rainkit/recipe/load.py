"""From a file to a recipe and back: load, resolve, fingerprint, JSON Schema."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rainkit.complexity.instrument import Unit
from rainkit.errors import RecipeError
from rainkit.recipe.models import Recipe, Split, references
from rainkit.recipe.problems import collect, suggest
from rainkit.recipe.text import Text, parse, read
from rainkit.recipe.validation import Validation
from rainkit.records import Component
from rainkit.strata import Method

UNITS: tuple[Unit, ...] = ("picture", "patch")
PATH_VERSION = 1
"""Raised when what no component answers for gives other samples: planning, splits, composition, near-duplicates."""

# One slash will do: a `Path` keeps no more.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def load_recipe(path: Path | str, sources: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : path-like
        The YAML file. Relative paths in it start from its folder.
    sources : mapping of str to str, optional
        New places of sources by name, as `--source NAME=PATH` gives them.

    Raises
    ------
    RecipeError
        If the file cannot be read or has problems; all of them, each with file, line, column, path and hint.
    """
    path = Path(path)
    recipe = place_sources(_validate(read(path)), path.parent, sources or {})
    splits = {name: _resolve_select(split, path.parent) for name, split in recipe.splits.items()}
    return recipe.model_copy(update={"strata": _resolve_method(recipe.strata, path.parent), "splits": splits})


def _resolve_method(strata: Method, base: Path) -> Method:
    """Return strata with what they take from an earlier corpus written out, so that the recipe stands alone."""
    update = {
        name: str(base / _expand_home(value))
        for name in ("edges_from", "like")
        if (value := getattr(strata, name, None)) is not None and "://" not in value
    }
    return strata.model_copy(update=update).resolved()


def _expand_home(place: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise RecipeError(f"{place}: there is no such user; write the whole path") from error


def _resolve_select(split: Split, base: Path) -> Split:
    if split.select is None or split.select.target is None:
        return split
    target = _resolve_method(split.select.target, base)
    return split.model_copy(update={"select": split.select.model_copy(update={"target": target})})


def parse_recipe(data: str, name: str = "recipe.yaml") -> Recipe:
    """Read a recipe from text; relative paths stay as they are. Raises as `load_recipe` does."""
    return _validate(parse(data, name))


def _validate(text: Text) -> Recipe:
    if not isinstance(text.value, dict):
        raise RecipeError(f"{text.name}: not a recipe: a recipe is a mapping that begins with 'rainkit: 1'")
    text.problems += references(text.value)
    error: ValidationError | None = None
    try:
        recipe = Recipe.model_validate(text.value)
    except ValidationError as caught:
        error = caught
    found = collect(error, Recipe, text)
    if found is not None:
        raise found
    return recipe


def place_sources(recipe: Recipe, base: Path, moved: Mapping[str, str]) -> Recipe:
    """Return the recipe with every place resolved: against `base`, or where `moved` puts it.

    Places are those of sources, and of rains that read streak pictures; where a source and a rain share a name, `moved`
    speaks of both.

    Raises
    ------
    RecipeError
        If `moved` names no source of the recipe, or one that has no place; or a place is an address.
    """
    places = {**recipe.rain, **recipe.sources}
    for name in moved:
        if name not in places:
            raise RecipeError(f"--source {name}=...: no source named {name!r}{suggest(name, recipe.sources)}")
        if not _has_location(places[name]):
            raise RecipeError(f"--source {name}=...: a {places[name].kind} source has no place to move")

    def placed(name: str, value: Any) -> Any:
        def place(given: str) -> str:
            given = moved.get(name, given)
            start = Path.cwd() if name in moved else base
            if _ADDRESS.match(given):
                raise RecipeError(
                    f"{name}: {given} is an address, and sources are read from this machine: copy the files here, then "
                    f"--source {name}=FOLDER"
                )
            return str(start / _expand_home(given))

        return _relocate(value, place)

    return recipe.model_copy(
        update={
            "sources": {name: placed(name, source) for name, source in recipe.sources.items()},
            "rain": {name: placed(name, rain) for name, rain in recipe.rain.items()},
        }
    )


def _relocate(value: Any, place: Callable[[str], str]) -> Any:
    """Return a component with every location below it passed through `place`."""
    if isinstance(value, Component):
        updates: dict[str, Any] = {}
        for name in type(value).model_fields:
            given = getattr(value, name)
            if name in value.location_fields:
                updates[name] = given if given is None else type(given)(place(str(given)))
            else:
                updates[name] = _relocate(given, place)
        return value.model_copy(update=updates)
    if isinstance(value, dict):
        return {key: _relocate(item, place) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_relocate(item, place) for item in value)
    return value


def _has_location(value: Any) -> bool:
    return any(component.location_fields for component in list_components(value))


def list_components(value: Any) -> Iterator[Component]:
    """Yield every component below a model, for its version."""
    if isinstance(value, Component):
        yield value
    if hasattr(type(value), "model_fields"):
        for name in type(value).model_fields:
            yield from list_components(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from list_components(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from list_components(item)


def component_versions(recipe: Recipe) -> dict[str, int]:
    """Return `package/kind` to version for every component that the recipe uses, sorted by name."""
    versions = {}
    for component in list_components(recipe):
        package = type(component).__module__.split(".")[1]
        versions[f"{package}/{getattr(component, 'kind', type(component).__name__.lower())}"] = component.version
    return dict(sorted(versions.items()))


def resolve(recipe: Recipe, *, locations: bool = False) -> dict[str, Any]:
    """Return the recipe as plain values with every default written out.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    locations : bool
        Whether to keep where sources lie on this disk; a recipe that travels leaves it out and puts "." there.
    """
    if not locations:
        recipe = _relocate_recipe(recipe)
    values: dict[str, Any] = recipe.model_dump(mode="json")
    return values


def _relocate_recipe(recipe: Recipe) -> Recipe:
    nowhere = {key: _relocate(getattr(recipe, key), lambda given: ".") for key in ("sources", "rain")}
    return recipe.model_copy(update=nowhere)


def fingerprint(recipe: Recipe) -> str:
    """Return the SHA-256 of the resolved recipe, of the versions of its components, and of what makes its scores.

    Locations and the thresholds of `validation` cannot change a pixel and have no part in it, nor has a label that is
    not asked for.
    """
    resolved = resolve(recipe)
    del resolved["validation"]
    if not recipe.samples.ssim:
        del resolved["samples"]["ssim"]
    values = {
        "path": PATH_VERSION,
        "recipe": resolved,
        "components": component_versions(recipe),
        "score": recipe.complexity.score_id,
        "instruments": {unit: recipe.identities(unit) for unit in UNITS},
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def dump_recipe(recipe: Recipe) -> str:
    """Return the resolved recipe as YAML, without locations; reading it gives the same fingerprint.

    Thresholds of `validation` that are the defaults are left out: they judge a corpus and make nothing of it, and an
    old corpus is judged by the defaults of the day.
    """
    values = resolve(recipe)
    if recipe.validation == Validation():
        del values["validation"]
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a recipe, which editors complete from."""
    schema = Recipe.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "rainkit recipe"}
