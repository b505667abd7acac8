"""Figures of a study: metrics along an axis, removal against damage, and paired differences; they need matplotlib."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rainkit.errors import RecipeError

PANELS = {
    "e_r": "E_R, levels\n(more is removed upwards)",
    "e_b": "E_B, levels\n(better downwards)",
    "rain_free_error": "damage on rain-free input, levels\n(better downwards)",
    "removal_per_damage": "removal per damage\n(better upwards)",
}
"""Metric to title, a column of a figure each."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which people who see colours differently can tell apart."""
_MARKERS = "osD^vPX"


@dataclass(frozen=True)
class Mark:
    """A value with its interval.

    Attributes
    ----------
    mean, low, high : float
        NaN where there is none.
    seen : bool
        Whether it is of rain that the networks were trained on: drawn hollow.
    """

    mean: float
    low: float
    high: float
    seen: bool = False

    @property
    def fill(self) -> str | None:
        """Colour of the marker's inside; None for that of its edge."""
        return "white" if self.seen else None


@dataclass(frozen=True)
class Place:
    """A level of an axis.

    Attributes
    ----------
    level : str
        Its name.
    at : float or None
        Where it lies on the axis; None for one that stands apart.
    """

    level: str
    at: float | None


@dataclass(frozen=True)
class Panel:
    """Lines of one row of a figure.

    Attributes
    ----------
    title : str
        Such as the network.
    lines : mapping of str to mapping of str to mapping of str to Mark
        Name of the line to level to metric to mark.
    """

    title: str
    lines: Mapping[str, Mapping[str, Mapping[str, Mark]]]


def draw_axis(path: Path, title: str, places: Sequence[Place], panels: Sequence[Panel], *, log: bool = False) -> None:
    """Draw the metrics of `PANELS` along an axis, a row of panels a network, a line a test; seen rain is hollow.

    Parameters
    ----------
    path : Path
        Where the PNG goes.
    title : str
        Of the axis.
    places : sequence of Place
        Its levels.
    panels : sequence of Panel
        Rows.
    log : bool
        Whether the axis is logarithmic.

    Raises
    ------
    RecipeError
        If matplotlib is not installed.
    """
    figure, axes = _figure(len(panels), len(PANELS), (3.3, 2.9))
    spots, ticks, labels = _spots(places, log)
    step = min((right - left for left, right in itertools.pairwise(sorted(ticks))), default=1.0)
    for row, panel in zip(axes, panels, strict=True):
        for cell, (metric, name) in zip(row, PANELS.items(), strict=True):
            for number, (line, levels) in enumerate(panel.lines.items()):
                marks = {level: each[metric] for level, each in levels.items()}
                # Lines that meet would hide one another's intervals.
                aside = (number - (len(panel.lines) - 1) / 2) * 0.06
                shifted = {level: spot * 2**aside if log else spot + aside * step for level, spot in spots.items()}
                _draw_line(cell, places, shifted, marks, name=line, number=number)
            cell.set_title(name, fontsize=8)
            if log:
                cell.set_xscale("log", base=2)
                cell.minorticks_off()
            cell.set_xticks(ticks, labels, rotation=30 if max(map(len, labels)) > 4 else 0, ha="right", fontsize=8)
        row[0].set_ylabel(panel.title)
    for cell in axes[-1]:
        cell.set_xlabel(title, fontsize=8)
    _finish(figure, axes, path)


def draw_trade_off(path: Path, panels: Sequence[Panel]) -> None:
    """Draw removal against damage, a column a panel; along a grey line removal per damage is equal.

    A network that is only bolder moves along such a line; one that knows more about rain rises above it.

    Parameters
    ----------
    path : Path
        Where the PNG goes.
    panels : sequence of Panel
        One a test; lines are networks, levels are points.

    Raises
    ------
    RecipeError
        If matplotlib is not installed.
    """
    figure, axes = _figure(1, len(panels), (4.4, 3.8))
    for cell, panel in zip(axes[0], panels, strict=True):
        marks = [mark for levels in panel.lines.values() for mark in levels.values()]
        reach = 1.15 * max((mark["rain_free_error"].mean for mark in marks), default=1.0)
        top = 1.15 * max((mark["removal"].high for mark in marks if math.isfinite(mark["removal"].high)), default=1.0)
        # Networks that have learned nothing give no scale.
        reach, top = reach if reach > 0 else 1.0, top if top > 0 else 0.1
        for quotient in _quotients([mark["removal_per_damage"].mean for mark in marks]):
            cell.plot([0, reach], [0, reach * quotient / 1000], color="0.8", linewidth=0.8, zorder=0)
            edge = 0.97 * min(reach, top / quotient * 1000)
            cell.text(edge, edge * quotient / 1000, f"{quotient:g}", color="0.5", fontsize=7, ha="right", va="bottom")
        for number, (line, levels) in enumerate(panel.lines.items()):
            for spot, (level, mark) in enumerate(levels.items()):
                across, up = mark["rain_free_error"], mark["removal"]
                cell.errorbar(across.mean, up.mean, xerr=_bars(across), yerr=_bars(up), fmt=_MARKERS[number % 7],
                              color=_COLOURS[spot % 7], markerfacecolor=across.fill, markersize=5, linewidth=1,
                              label=f"{level}, {line}" if line else level)  # fmt: skip
        cell.set_xlim(0, reach)
        cell.set_ylim(min(0, *(mark["removal"].mean for mark in marks)), top)
        cell.set_title(panel.title, fontsize=9)
        cell.set_xlabel("damage on rain-free input, levels", fontsize=8)
    axes[0][0].set_ylabel("mean-free removal\n(lines: removal per damage)", fontsize=8)
    _finish(figure, axes, path)


def draw_differences(path: Path, rows: Sequence[tuple[str, Mapping[str, tuple[Mark, Sequence[float]]]]]) -> None:
    """Draw paired differences: interval and mean in black, each seed as an open circle.

    Parameters
    ----------
    path : Path
        Where the PNG goes.
    rows : sequence of (label, metric to (mark, differences by seed))
        Drawn from top to bottom.

    Raises
    ------
    RecipeError
        If matplotlib is not installed.
    """
    figure, axes = _figure(1, len(PANELS), (2.7, 0.9 + 0.4 * len(rows)), share=True)
    for cell, (metric, name) in zip(axes[0], PANELS.items(), strict=True):
        cell.axvline(0, color="0.7", linewidth=0.8)
        for place, (_, metrics) in enumerate(rows):
            mark, seeds = metrics[metric]
            cell.errorbar(mark.mean, place, xerr=_bars(mark), fmt="o", color="black", markersize=4, linewidth=1)
            cell.plot(seeds, [place] * len(seeds), "o", markerfacecolor="none", color=_COLOURS[0], markersize=5)
        cell.set_title(name.split("\n", maxsplit=1)[0], fontsize=8)
    axes[0][0].set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=7)
    axes[0][0].set_ylim(len(rows) - 0.5, -0.5)
    _finish(figure, axes, path, legend=False)


def _figure(rows: int, columns: int, size: tuple[float, float], *, share: bool = False) -> tuple[Any, Any]:
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise RecipeError("figures need matplotlib: pip install 'rainkit[report]'") from error
    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    shape = (size[0] * columns, size[1] * rows)
    figure, axes = pyplot.subplots(rows, columns, figsize=shape, squeeze=False, layout="constrained", sharey=share)
    return figure, axes


def _finish(figure: Any, axes: Any, path: Path, *, legend: bool = True) -> None:
    from matplotlib import pyplot  # noqa: PLC0415

    for cell in axes.flat:
        cell.spines[["top", "right"]].set_visible(False)
        cell.tick_params(labelsize=8)
    handles, names = axes[0][0].get_legend_handles_labels()
    if legend and handles:
        figure.legend(handles, names, loc="outside lower center", ncols=min(5, len(names)), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the software's version in the file, equal figures are equal files.
    figure.savefig(path, dpi=150, metadata={"Software": None})
    pyplot.close(figure)


def _spots(places: Sequence[Place], log: bool) -> tuple[dict[str, float], list[float], list[str]]:
    """Return where each level is drawn: those without a place stand to the right of the others."""
    known = [place.at for place in places if place.at is not None]
    spots, last = {}, max(known, default=-1.0)
    step = (max(known) - min(known)) / max(1, len(known) - 1) if len(known) > 1 else 1.0
    for place in places:
        if place.at is None:
            last = last * 2 if log and known else last + step
        spots[place.level] = last if place.at is None else place.at
    return spots, list(spots.values()), list(spots)


def _draw_line(
    cell: Any, places: Sequence[Place], spots: Mapping[str, float], marks: Mapping[str, Mark], *, name: str, number: int
) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    there = [place for place in places if place.level in marks]
    line = sorted((spots[place.level], marks[place.level].mean) for place in there if place.at is not None)
    cell.plot([x for x, _ in line], [y for _, y in line], color=colour, linewidth=1)
    for place in there:
        mark = marks[place.level]
        cell.errorbar(spots[place.level], mark.mean, yerr=_bars(mark), fmt=_MARKERS[number % len(_MARKERS)],
                      color=colour, markerfacecolor=mark.fill, markersize=4, linewidth=1,
                      label=name if place is there[0] else None)  # fmt: skip


def _bars(mark: Mark) -> list[list[float]] | None:
    if not math.isfinite(mark.low) or not math.isfinite(mark.mean):
        return None
    return [[max(0.0, mark.mean - mark.low)], [max(0.0, mark.high - mark.mean)]]


def _quotients(found: Sequence[float]) -> list[float]:
    """Return round removals per damage from below to above those that were found, about five."""
    known = [value for value in found if value > 0]
    if not known:
        return []
    low, high = 0.7 * min(known), 1.4 * max(known)
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    return [step * number for number in range(max(1, math.ceil(low / step)), math.floor(high / step) + 1)]
