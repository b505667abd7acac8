"""The grid: which recipes a study makes of its base, and which trainings of them; equal trainings are one run."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rainkit.errors import RecipeError
from rainkit.recipe.text import Address
from rainkit.study.models import OWN_AXES, Grid, Study


@dataclass(frozen=True)
class Override:
    """One value that a level puts into the recipe.

    Attributes
    ----------
    axis, level : str
        Where it comes from.
    path : str
        Dotted path in the recipe.
    value : plain value
        What stands there.
    """

    axis: str
    level: str
    path: str
    value: Any

    @property
    def address(self) -> Address:
        """The path as keys and indices."""
        return tuple(int(part) if part.isdecimal() else part for part in self.path.split("."))


@dataclass(frozen=True)
class Arm:
    """A recipe of a grid: a level of each of its axes.

    Attributes
    ----------
    levels : tuple of (axis, level)
        In the order of the grid's `over`.
    overrides : tuple of Override
        What they put into the recipe.
    """

    levels: tuple[tuple[str, str], ...]
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class Cell:
    """A training of a grid.

    Attributes
    ----------
    grid : str
        Name of the grid.
    arm : Arm
        Its recipe.
    network : str
        Preset.
    steps, seed : int
        Of the training.
    """

    grid: str
    arm: Arm
    network: str
    steps: int
    seed: int

    def label(self, axis: str) -> str:
        """Return the level of an axis, those of `models.OWN_AXES` among them; "" where the grid has no such axis."""
        own = {"network": self.network, "steps": str(self.steps)}
        return own[axis] if axis in own else dict(self.arm.levels).get(axis, "")


def apply(base: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """Return a recipe's plain values with some replaced; the base is left as it is.

    Parameters
    ----------
    base : mapping
        Plain values.
    overrides : sequence of Override
        Missing mappings on a path are made.

    Raises
    ------
    RecipeError
        If a path leads through something that is no mapping, or beyond the end of a list.

    Examples
    --------
    >>> apply({"a": {"b": 1}}, [Override("x", "y", "a.b", 2)])
    {'a': {'b': 2}}
    """
    values: dict[str, Any] = copy.deepcopy(dict(base))
    for override in overrides:
        place: Any = values
        *parents, last = override.address
        try:
            for part in parents:
                place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
            place[last] = copy.deepcopy(override.value)
        except (TypeError, IndexError, AttributeError) as error:
            raise RecipeError(
                f"axes.{override.axis}.levels.{override.level}.set: {override.path} leads nowhere in the recipe"
            ) from error
    return values


def list_arms(study: Study, grid: Grid | None = None) -> list[Arm]:
    """Return the recipes of a grid, or of all grids, each once, in order.

    Raises
    ------
    RecipeError
        If two axes of a grid change the same value.
    """
    if grid is None:
        arms = [arm for each in study.grids.values() for arm in list_arms(study, each)]
        return list({arm.levels: arm for arm in arms}.values())
    axes = [axis for axis in grid.over if axis not in OWN_AXES]
    names = [grid.levels.get(axis, tuple(study.axes[axis].levels)) for axis in axes]
    return [_arm(study, tuple(zip(axes, chosen, strict=True))) for chosen in itertools.product(*names)]


def _arm(study: Study, levels: tuple[tuple[str, str], ...]) -> Arm:
    overrides = [
        Override(axis, level, path, value)
        for axis, level in levels
        for path, value in study.axes[axis].levels[level].set.items()
    ]
    for first, second in itertools.combinations(overrides, 2):
        short = min(len(first.address), len(second.address))
        if first.axis != second.axis and first.address[:short] == second.address[:short]:
            raise RecipeError(f"axes {first.axis} and {second.axis} both set {first.path}; cross axes that do not meet")
    return Arm(levels, tuple(overrides))


def expand(study: Study, grids: Sequence[str] | None = None, seeds: int | None = None) -> Iterator[Cell]:
    """Yield every training of every grid; grids may share trainings.

    Parameters
    ----------
    study : Study
        What is crossed.
    grids : sequence of str, optional
        Only these.
    seeds : int, optional
        Only so many seeds of each grid.

    Raises
    ------
    RecipeError
        If there is no such grid.
    """
    unknown = set(grids or ()) - set(study.grids)
    if unknown:
        raise RecipeError(f"no grid named {', '.join(sorted(unknown))}: there are {', '.join(study.grids)}")
    for name, grid in study.grids.items():
        if grids and name not in grids:
            continue
        networks, steps = grid.networks or study.networks, grid.steps or study.steps
        chosen = (grid.seeds or study.seeds)[:seeds]
        # Seeds are outermost, so that a study that is cut off has whole comparisons of its first seeds.
        for seed, arm, network, step in itertools.product(chosen, list_arms(study, grid), networks, steps):
            yield Cell(name, arm, network, step, seed)
