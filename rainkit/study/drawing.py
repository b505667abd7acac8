"""From the groups of a study to its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rainkit.report.study import Mark, Panel, Place, draw_axis, draw_differences, draw_trade_off
from rainkit.study.models import OWN_AXES, Grid, Study
from rainkit.study.running import Planned
from rainkit.study.summary import Comparison, Group
from rainkit.study.verdict import Difference

_NONE = Mark(math.nan, math.nan, math.nan)


def draw_figures(
    study: Study, planned: Planned, groups: Sequence[Group], comparisons: Sequence[Comparison], folder: Path
) -> list[Path]:
    """Draw the figures of each grid and return their files.

    `GRID-axis.png` has a row of panels for each network and whatever else is crossed, `GRID-trade-off.png` a panel a
    test, `GRID-differences.png` the paired differences on unseen rain.

    Raises
    ------
    RecipeError
        If matplotlib is not installed.
    """
    made = []
    for name in dict.fromkeys(group.grid for group in groups):
        own = [group for group in groups if group.grid == name]
        grid = study.grids[name]
        axis = grid.over[0] if grid.over else "network"
        places, title, log = _places(study, grid, axis, own)
        made.append(folder / f"{name}-axis.png")
        draw_axis(made[-1], title, places, _rows(own, axis), log=log)
        made.append(folder / f"{name}-trade-off.png")
        draw_trade_off(made[-1], _tests(own, axis, planned))
        rows = [
            (f"{each.first} - {each.second}\n{test}, {_context(each.fixed)}", _marks_of(each.differences[test]))
            for each in comparisons
            if each.grid == name
            for test in each.verdicts
        ]
        if rows:
            made.append(folder / f"{name}-differences.png")
            draw_differences(made[-1], rows)
    return made


def _places(study: Study, grid: Grid, axis: str, groups: Sequence[Group]) -> tuple[list[Place], str, bool]:
    levels = list(dict.fromkeys(dict(group.labels)[axis] for group in groups))
    if axis in OWN_AXES:
        numbers = axis == "steps"
        return [Place(level, float(level) if numbers else None) for level in levels], axis, numbers
    known = study.axes[axis]
    return [Place(level, known.levels[level].at) for level in levels], known.title or axis, known.log


def _rows(groups: Sequence[Group], axis: str) -> list[Panel]:
    """Return a panel for each context, with a line a test."""
    rows: dict[str, dict[str, dict[str, dict[str, Mark]]]] = {}
    for group in groups:
        lines = rows.setdefault(_context(_rest(group, axis)), {})
        lines.setdefault(group.test, {})[dict(group.labels)[axis]] = _marks(group)
    return [Panel(title, lines) for title, lines in rows.items()]


def _tests(groups: Sequence[Group], axis: str, planned: Planned) -> list[Panel]:
    """Return a panel for each test, with a line a context."""
    panels: dict[str, dict[str, dict[str, dict[str, Mark]]]] = {}
    alone = len({_rest(group, axis) for group in groups}) == 1
    for group in groups:
        context = "" if alone else _context(_rest(group, axis))
        lines = panels.setdefault(group.test, {})
        lines.setdefault(context, {})[dict(group.labels)[axis]] = _marks(group)
    return [Panel(f"{test} ({planned.tests[test]['severity']:.1f} dB)", lines) for test, lines in panels.items()]


def _rest(group: Group, axis: str) -> tuple[tuple[str, str], ...]:
    return tuple(label for label in group.labels if label[0] != axis)


def _context(labels: Sequence[tuple[str, str]]) -> str:
    return ", ".join(level if axis == "network" else f"{axis} {level}" for axis, level in labels)


def _marks(group: Group) -> dict[str, Mark]:
    seen = not group.unseen
    return {name: Mark(value.mean, value.low, value.high, seen) for name, value in group.estimates.items()}


def _marks_of(differences: dict[str, Difference]) -> dict[str, tuple[Mark, tuple[float, ...]]]:
    return {name: (Mark(each.mean, each.low, each.high), each.by_seed) for name, each in differences.items()}
