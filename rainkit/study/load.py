"""From a file to a study, every problem of it at once: those of the study, of its recipe, and of each override."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rainkit.errors import RecipeError, SourceError
from rainkit.recipe import Recipe, place_sources, suggest
from rainkit.recipe.models import references as recipe_references
from rainkit.recipe.problems import collect
from rainkit.recipe.text import Address, Text, read
from rainkit.study.grid import Arm, apply, list_arms
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
    SourceError
        If a new place is not there.
    """
    path = Path(path)
    text = read(path)
    if not isinstance(text.value, dict):
        raise RecipeError(f"{text.name}: not a study: a study is a mapping that begins with 'study: 1'")
    base_text, folder = _read_base(path, text)
    base: dict[str, Any] = base_text.value
    text.problems += references(text.value, base)
    error: ValidationError | None = None
    try:
        study = Study.model_validate(text.value)
    except ValidationError as caught:
        error = caught
    found = collect(error, Study, text)
    if found is not None:
        raise found
    arms = _check_recipes(study, base, base_text, text)
    _check_sources(sources or {}, [base, *(apply(base, arm.overrides) for arm in arms)])
    return Loaded(study, base, folder, dict(sources or {}))


def _read_base(path: Path, text: Text) -> tuple[Text, Path]:
    """Return the base recipe as its file says, and the folder that its places start from."""
    given = text.value.get("recipe")
    if isinstance(given, str):
        other = read(path.parent / given)
        value = other.value if isinstance(other.value, dict) else {}
        return Text(other.name, value, other.places), (path.parent / given).parent
    places = {address[1:]: place for address, place in text.places.items() if address[:1] == ("recipe",)}
    return Text(text.name, given if isinstance(given, dict) else {}, places), path.parent


def _check_sources(moved: Mapping[str, str], recipes: list[dict[str, Any]]) -> None:
    known = {name for values in recipes for name in (*values["sources"], *values["rain"])}
    for name, place in moved.items():
        if name not in known:
            raise RecipeError(f"--source {name}=...: no source named {name!r} in the study{suggest(name, known)}")
        if "://" not in place and not Path(place).expanduser().exists():
            raise SourceError(f"--source {name}={place}: there is nothing at that place; name a folder that is there")


def _override_places(base: dict[str, Any], text: Text, arm: Arm) -> dict[Address, Any]:
    """Return the place of what an arm changes, and of the mappings that it makes where the base has none."""
    places: dict[Address, Any] = {}
    for override in arm.overrides:
        place = text.place(("axes", override.axis, "levels", override.level, "set", override.path))
        found: Any = base
        for depth, part in enumerate(override.address, 1):
            if isinstance(found, list) and isinstance(part, int):
                found = found[part] if part < len(found) else None
            else:
                found = found.get(part) if isinstance(found, dict) else None
            if found is None or depth == len(override.address):
                places.setdefault(override.address[:depth], place)
    return places


def _check_recipes(study: Study, base: dict[str, Any], base_text: Text, text: Text) -> list[Arm]:
    """Return every arm of a study, or raise with the problems of all its recipes, each at the line that brought it in.

    Raises
    ------
    RecipeError
        Naming the levels that every recipe with the problem has.
    """
    arms = list_arms(study)
    # Lines of another file would mislead: what is wrong there shows without overrides.
    own: dict[Address, Any] = base_text.places if isinstance(study.recipe, dict) else {(): text.place(("recipe",))}
    rows = dict.fromkeys(_list_problems(base, base_text.name, base_text.places))
    whats = {row.what for row in rows}
    culprits: dict[_Row, list[set[str]]] = {}
    for arm in arms:
        levels = {f"{override.axis} = {override.level}" for override in arm.overrides}
        for row in _list_arm(base, arm, text, own):
            if row.what not in whats:
                culprits.setdefault(row, []).append(levels)
    lines = [str(row) for row in rows]
    for row, found in culprits.items():
        common = ", ".join(sorted(set.intersection(*found)))
        lines.append(f"{row} ({common})" if common else str(row))
    if lines:
        head = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise RecipeError(f"{head} in the recipes of {text.name}\n" + "\n".join(f"  {line}" for line in lines))
    return arms


@dataclass(frozen=True)
class _Row:
    """A problem: `file:line:column`, and what is wrong."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def _list_arm(base: dict[str, Any], arm: Arm, text: Text, own: Mapping[Address, Any]) -> list[_Row]:
    try:
        values = apply(base, arm.overrides)
    except RecipeError as error:
        return [_Row(text.name, str(error))]
    return _list_problems(values, text.name, {**own, **_override_places(base, text, arm)})


def _list_problems(values: dict[str, Any], name: str, places: Mapping[Address, Any]) -> list[_Row]:
    """Return every problem of a recipe."""
    text = Text(name, values, dict(places))
    text.problems += recipe_references(values)
    error: ValidationError | None = None
    try:
        Recipe.model_validate(values)
    except ValidationError as caught:
        error = caught
    found = collect(error, Recipe, text)
    if found is None:
        return []
    lines = (line.strip() for line in str(found).splitlines()[1:])
    cut = len(name)
    return [_Row(name + line[cut:].partition(": ")[0], line[cut:].partition(": ")[2]) for line in lines]
