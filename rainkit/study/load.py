"""From a file to a study, every problem of it at once: those of the study, of its recipe, and of each override."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rainkit.errors import RecipeError
from rainkit.recipe import Recipe, place_sources, suggest
from rainkit.recipe.models import references as recipe_references
from rainkit.recipe.problems import collect
from rainkit.recipe.text import Address, Text, read
from rainkit.study.grid import Arm, Override, apply, list_arms
from rainkit.study.models import Study, references

REPLACED = {"kind": "folder", "license": "research-only"}
"""What a drawn source becomes when `--source` puts a folder in its place."""


@dataclass(frozen=True)
class Loaded:
    """A study with its base recipe.

    Attributes
    ----------
    study : Study
        As the file says.
    base : dict
        Plain values of the base recipe, sources placed.
    folder : Path
        Folder that relative places start from.
    moved : dict of str to str
        New places of sources.
    """

    study: Study
    base: dict[str, Any]
    folder: Path
    moved: dict[str, str]

    def recipe(self, values: Mapping[str, Any]) -> Recipe:
        """Return a recipe of the study from plain values, its places resolved and drawn sources replaced."""
        known = {**values["rain"], **values["sources"]}
        moved = {name: place for name, place in self.moved.items() if name in known}
        drawn = {name for name in moved if known[name]["kind"] == "procedural"}
        replaced = {name: {**REPLACED, "path": place} for name, place in moved.items() if name in drawn}
        values = {**values, "sources": {**values["sources"], **replaced}}
        return place_sources(Recipe.model_validate(values), self.folder, moved)


def load_study(path: Path | str, sources: Mapping[str, str] | None = None) -> Loaded:
    """Read a study and check every recipe that it will build.

    Parameters
    ----------
    path : path-like
        The YAML file.
    sources : mapping of str to str, optional
        New places of sources by name. A source that rainkit draws becomes the folder that is named here.

    Raises
    ------
    RecipeError
        If a file cannot be read or has problems; all of them, each with file, line, column, path and hint.
    """
    path = Path(path)
    text = read(path)
    if not isinstance(text.value, dict):
        raise RecipeError(f"{text.name}: not a study: a study is a mapping that begins with 'study: 1'")
    base, places, folder = _read_base(path, text)
    text.problems += references(text.value, base)
    error: ValidationError | None = None
    try:
        study = Study.model_validate(text.value)
    except ValidationError as caught:
        error = caught
    found = collect(error, Study, text)
    if found is None:
        _check_recipe(base, text.name, places, ())
        arms = list_arms(study)
        for arm in arms:
            # Lines of another file would mislead: what is wrong there shows without overrides.
            own: dict[Address, Any] = places if isinstance(study.recipe, dict) else {(): text.place(("recipe",))}
            _check_recipe(apply(base, arm.overrides), text.name, {**own, **_override_places(text, arm)}, arm.overrides)
        _check_sources(sources or {}, [base, *(apply(base, arm.overrides) for arm in arms)])
        return Loaded(study, base, folder, dict(sources or {}))
    raise found


def _read_base(path: Path, text: Text) -> tuple[dict[str, Any], dict[Address, Any], Path]:
    """Return the base recipe's plain values, the place of each, and the folder that its places start from."""
    given = text.value.get("recipe")
    if isinstance(given, str):
        other = read(path.parent / given)
        value = other.value if isinstance(other.value, dict) else {}
        return value, other.places, (path.parent / given).parent
    places = {address[1:]: place for address, place in text.places.items() if address[:1] == ("recipe",)}
    return (given if isinstance(given, dict) else {}), places, path.parent


def _check_sources(moved: Mapping[str, str], recipes: list[dict[str, Any]]) -> None:
    known = {name for values in recipes for name in (*values["sources"], *values["rain"])}
    for name in moved:
        if name not in known:
            raise RecipeError(f"--source {name}=...: no source named {name!r} in the study{suggest(name, known)}")


def _override_places(text: Text, arm: Arm) -> dict[Address, Any]:
    return {
        override.address: text.place(("axes", override.axis, "levels", override.level, "set", override.path))
        for override in arm.overrides
    }


def _check_recipe(
    values: dict[str, Any], name: str, places: dict[Address, Any], overrides: tuple[Override, ...]
) -> None:
    """Raise RecipeError with every problem of a recipe of the study, each at the line that brought it in."""
    text = Text(name, values, places)
    text.problems += recipe_references(values)
    error: ValidationError | None = None
    try:
        Recipe.model_validate(values)
    except ValidationError as caught:
        error = caught
    found = collect(error, Recipe, text)
    if found is not None:
        where = ", ".join(dict.fromkeys(f"{override.axis} = {override.level}" for override in overrides))
        raise RecipeError(f"the recipe of {where or 'the study'} cannot be used: {found}")
