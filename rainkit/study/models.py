"""A study as frozen models: a base recipe, axes of overrides, grids that cross them, and tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rainkit.errors import RecipeError
from rainkit.recipe import suggest
from rainkit.recipe.models import Name
from rainkit.recipe.text import Address
from rainkit.train.config import parse_training
from rainkit.train.networks import PRESETS

OWN_AXES = ("network", "steps")
"""Axes that every grid has besides those of the study."""
_OWN_SETTINGS = {"network": "networks", "seed": "seeds", "steps": "steps"}

Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
Steps = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
Networks = Annotated[tuple[str, ...], Field(min_length=1)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Level(_Block):
    """A value of an axis: what it changes in the recipe."""

    at: float | None = Field(None, description="Place on the axis of a figure; levels without one stand apart.")
    set: dict[str, Any] = Field(
        default_factory=dict, description="Dotted path in the recipe to its value, such as splits.train.strata: [0]."
    )


class Axis(_Block):
    """Something that is varied."""

    title: str = Field("", description="What the axis is, for figures; its name where not given.")
    log: bool = Field(False, description="Whether figures show it on a logarithmic scale.")
    levels: dict[Name, Level] = Field(min_length=1, description="Its values by name, in order.")


class Grid(_Block):
    """Axes that are crossed, and what is compared; what is not given is taken from the study."""

    over: tuple[str, ...] = Field((), description="Axes to cross; the first is the one that is compared and drawn.")
    levels: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Levels of an axis to use; all where not given."
    )
    networks: Networks | None = Field(None, description="Presets of networks.")
    seeds: Seeds | None = Field(None, description="Seeds of the training.")
    steps: Steps | None = Field(None, description="Optimizer steps.")
    compare: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of levels of the first axis: the first less the second, all else equal."
    )


class Test(_Block):
    """A split of the base recipe that every network is judged on."""

    split: str = Field(description="Split of the base recipe.")
    role: Literal["seen", "unseen"] = Field(
        description="Whether the base recipe trains on this kind of rain; where an axis changes the rain of the "
        "training, what is unseen follows from that."
    )
    matched: Literal["severity", "brightness"] | None = Field(
        None,
        description="Make the rain fainter or stronger until its mean PSNR-Y (severity) or the light that it adds "
        "(brightness) is that of the rain `like`.",
    )
    like: str | None = Field(None, description="Rain of the base recipe to be matched.")


class Study(_Block):
    """Everything that decides the numbers of a study."""

    study: Literal[1] = Field(description="Version of the format.")
    name: Name = Field(description="Name of the study.")
    description: str = Field("", description="What it asks, in a sentence or two.")
    recipe: dict[str, Any] | str = Field(description="The base recipe, written here, or its file beside the study.")
    train: str = Field("train", description="Split that networks are trained on.")
    axes: dict[Name, Axis] = Field(default_factory=dict, description="What is varied, by name.")
    grids: dict[Name, Grid] = Field(min_length=1, description="What is crossed and compared, by name.")
    tests: dict[Name, Test] = Field(min_length=1, description="What networks are judged on, by name.")
    networks: Networks = Field(("tiny",), description=f"Presets: {', '.join(PRESETS)}.")
    seeds: Seeds = Field((0, 1), description="Seeds; paired differences need at least two.")
    steps: Steps = Field((1500,), description="Optimizer steps; fixed, because fewer steps look more general.")
    training: dict[str, Any] = Field(
        default_factory=dict, description="Other settings of every training, such as batch, patch or learning_rate."
    )


def references(study: Any, recipe: Any) -> Iterator[tuple[Address, str]]:
    """Yield what does not fit in a study's plain values, each with its address; wrong types are passed over.

    Parameters
    ----------
    study : plain values
        Of the study's file.
    recipe : plain values
        Of the base recipe.
    """
    if not isinstance(study, dict):
        return
    axes, grids, tests = (_mappings(study.get(name)) for name in ("axes", "grids", "tests"))
    for name in axes:
        if name in OWN_AXES:
            yield ("axes", name), f"{name} is an axis of every grid; write the grid's `{name.rstrip('s')}s`"
    for name, grid in grids.items():
        yield from _grid(("grids", name), grid, axes, study)
    yield from _networks(("networks",), study.get("networks"))
    yield from _training(study, grids)
    splits, rains = (_mappings(dict(recipe).get(key)) if isinstance(recipe, dict) else {} for key in ("splits", "rain"))
    train = study.get("train", "train")
    if splits and isinstance(train, str) and train not in splits:
        yield ("train",), f"no split named {train!r}{suggest(train, splits)}"
    for name, test in tests.items():
        yield from _test(("tests", name), test, train, splits, rains)


def _training(study: dict[str, Any], grids: dict[str, Any]) -> Iterator[tuple[Address, str]]:
    training = _mappings(study).get("training", {})
    for name in sorted(_OWN_SETTINGS.keys() & training.keys()):
        yield ("training", name), f"is not set here: write the study's `{_OWN_SETTINGS[name]}`"
    changes = {name: value for name, value in training.items() if name not in _OWN_SETTINGS}
    asked = [name for each in (study, *grids.values()) for name in _list(each.get("networks"))]
    known = [name for name in asked if isinstance(name, str) and name in PRESETS]
    for network in dict.fromkeys(known or Study.model_fields["networks"].default):
        try:
            parse_training(network, changes)
        except RecipeError as error:
            yield ("training",), f"network {network}: {error}"
            return


def _grid(
    address: Address, grid: dict[str, Any], axes: dict[str, Any], study: dict[str, Any]
) -> Iterator[tuple[Address, str]]:
    over = [axis for axis in _list(grid.get("over")) if isinstance(axis, str)]
    for axis in {axis for axis in over if over.count(axis) > 1}:
        yield (*address, "over"), f"{axis!r} is crossed with itself; name it once"
    for axis in over:
        if axis not in (*axes, *OWN_AXES):
            yield (*address, "over"), f"no axis named {axis!r}{suggest(axis, (*axes, *OWN_AXES))}"
    yield from _networks((*address, "networks"), grid.get("networks"))
    for axis, chosen in _mappings(grid.get("levels"), of=list).items():
        known = _levels(axes.get(axis))
        for level in chosen:
            if axis not in over or level not in known:
                yield (
                    (*address, "levels", axis),
                    f"no level {level!r} of {axis!r} is crossed{suggest(str(level), known)}",
                )
    if grid.get("compare") and not grid.get("over"):
        yield (*address, "compare"), "needs an axis in `over` to compare levels of"
    if not over or over[0] not in (*axes, *OWN_AXES):
        return
    trained = _trained(over[0], grid, axes, study)
    for number, pair in enumerate(_list(grid.get("compare"))):
        for level in _list(pair):
            if str(level) not in trained:
                words = f"no level {level!r} of {over[0]!r} is trained in this grid{suggest(str(level), trained)}"
                yield (*address, "compare", number), words


def _trained(axis: str, grid: dict[str, Any], axes: dict[str, Any], study: dict[str, Any]) -> list[str]:
    """Return the levels of an axis that a grid trains."""
    if axis in OWN_AXES:
        field = "networks" if axis == "network" else axis
        values = grid.get(field) or study.get(field) or Study.model_fields[field].default
        return [str(value) for value in values] if isinstance(values, (list, tuple)) else []
    chosen = _mappings(grid.get("levels"), of=list).get(axis)
    return [level for level in _levels(axes.get(axis)) if chosen is None or level in chosen]


def _test(
    address: Address, test: dict[str, Any], train: Any, splits: dict[str, Any], rains: dict[str, Any]
) -> Iterator[tuple[Address, str]]:
    split, like = test.get("split"), test.get("like")
    if splits and isinstance(split, str) and split not in splits:
        yield (*address, "split"), f"no split named {split!r}{suggest(split, splits)}"
    if split == train:
        yield (*address, "split"), "networks are trained on this split; judge them on another"
    elif test.get("role") == "unseen":
        shared = _rains(splits.get(str(split))) & _rains(splits.get(str(train)))
        if shared:
            yield (*address, "role"), f"networks are trained on {', '.join(sorted(shared))}: that rain is seen"
    if (test.get("matched") is None) != (like is None):
        yield address, "`matched` and `like` go together"
    if rains and isinstance(like, str) and like not in rains:
        yield (*address, "like"), f"no rain named {like!r}{suggest(like, rains)}"


def _rains(split: Any) -> set[str]:
    rain = split.get("rain") if isinstance(split, dict) else None
    names = [rain] if isinstance(rain, str) else rain if isinstance(rain, (dict, list)) else ()
    return {name for name in names if isinstance(name, str)}


def _networks(address: Address, names: Any) -> Iterator[tuple[Address, str]]:
    for number, name in enumerate(_list(names)):
        if not isinstance(name, str) or name not in PRESETS:
            yield (*address, number), f"no network named {name!r}{suggest(str(name), PRESETS)}"


def _mappings(value: Any, of: type = dict) -> dict[str, Any]:
    return {name: item for name, item in value.items() if isinstance(item, of)} if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _levels(axis: Any) -> list[str]:
    return list(_mappings(axis).get("levels", {})) if isinstance(axis, dict) else []
