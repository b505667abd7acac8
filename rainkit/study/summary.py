"""The numbers of a study: estimates of every group, paired differences, and verdicts, as tables and as Markdown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from rainkit.seeds import Stream
from rainkit.study.grid import Cell
from rainkit.study.models import OWN_AXES, Grid, Study
from rainkit.study.running import Planned, read_results
from rainkit.study.verdict import (
    COMPARED,
    Difference,
    Judged,
    Verdict,
    combine,
    compare,
    judge,
    say_against_all,
    say_at_equal_damage,
)
from rainkit.train.bootstrap import RATIO_OF_MEANS, Estimate, Values, estimate_all
from rainkit.train.metrics import METRICS

SEED = 0
"""Of the bootstrap."""
SHOWN = ("e_r", "e_b", "rain_free_error", "removal", "removal_per_damage", "gain_psnr_y", "psnr_y")
"""Metrics of the Markdown tables, in their order."""
_DIGITS = {"removal": 3}


@dataclass(frozen=True)
class Group:
    """Networks that differ in their seed alone, on one test.

    Attributes
    ----------
    grid, test : str
        Where they belong.
    labels : tuple of (axis, level)
        Of the grid's axes and of `models.OWN_AXES`.
    judged : dict of int to Judged
        By seed.
    backgrounds : tuple of str
        Of each sample.
    training : dict
        What is known of the training corpus: backgrounds, complexity, severity, tests of unseen rain.
    estimates : dict of str to Estimate
        By metric, over all seeds, with intervals over backgrounds.
    """

    grid: str
    test: str
    labels: tuple[tuple[str, str], ...]
    judged: dict[int, Judged]
    backgrounds: tuple[str, ...]
    training: Mapping[str, Any]
    estimates: dict[str, Estimate]

    @property
    def unseen(self) -> bool:
        """Whether the networks have not been trained on the rain of the test."""
        return self.test in self.training["unseen"]


@dataclass(frozen=True)
class Comparison:
    """Two levels of a grid's first axis, all else equal.

    Attributes
    ----------
    grid : str
        Where it belongs.
    first, second : str
        Levels.
    fixed : tuple of (axis, level)
        What both share.
    differences : dict of str to dict of str to Difference
        By test, then by metric.
    verdicts : dict of str to Verdict
        By test on rain that is unseen to both.
    verdict : Verdict
        Over those tests.
    """

    grid: str
    first: str
    second: str
    fixed: tuple[tuple[str, str], ...]
    differences: dict[str, dict[str, Difference]]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=lambda: combine({}, "", ""))


def gather(planned: Planned) -> list[Group]:
    """Return every group of a finished study, in the order of its grids and tests.

    Raises
    ------
    RecipeError
        If a run is not finished.
    """
    members: dict[tuple[str, str, tuple[tuple[str, str], ...]], dict[int, str]] = {}
    for cell, digest in zip(planned.cells, planned.digests, strict=True):
        for test in planned.tests:
            members.setdefault((cell.grid, test, _labels(cell)), {})[cell.seed] = digest
    return [_group(planned, grid, test, labels, runs) for (grid, test, labels), runs in members.items()]


def compare_groups(study: Study, planned: Planned, groups: Sequence[Group]) -> list[Comparison]:
    """Return every comparison that a study's grids ask for."""
    found = []
    for name, grid in study.grids.items():
        own = [group for group in groups if group.grid == name]
        for (first, second), fixed in itertools.product(grid.compare, _contexts(grid, own)):
            differences, unseen = {}, []
            for test in planned.tests:
                one, other = (_find(own, test, grid.over[0], level, fixed) for level in (first, second))
                if one is None or other is None:
                    continue
                differences[test] = _compare(one, other)
                if one.unseen and other.unseen:
                    unseen.append(test)
            if not differences:
                continue
            verdicts = {test: judge(differences[test], first, second) for test in unseen}
            verdict = combine(verdicts, first, second)
            found.append(Comparison(name, first, second, fixed, differences, verdicts, verdict))
    return found


def conclude(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield, for each level that was compared with several others of its grid, whether it beats them all."""
    families: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Comparison]] = {}
    for each in comparisons:
        families.setdefault((each.grid, each.first, each.fixed), []).append(each)
    for (_, first, fixed), others in families.items():
        if len(others) < 2:
            continue
        for test in [test for test in others[0].verdicts if all(test in each.verdicts for each in others)]:
            where = ", ".join(filter(None, [_text(fixed), f"test {test}"]))
            found = {each.second: each.differences[test]["removal_per_damage"] for each in others}
            yield f"**{first} against all** ({where}): {say_against_all(first, found)}"


def tabulate(groups: Sequence[Group]) -> pa.Table:
    """Return the estimates, one row a group and metric."""
    rows = []
    for group in groups:
        facts: dict[str, Any] = {"grid": group.grid, "test": group.test, "levels": _text(group.labels, OWN_AXES)}
        own = dict(group.labels)
        facts |= {"network": own["network"], "steps": int(own["steps"]), "seeds": len(group.judged)}
        facts["unseen"] = group.unseen
        facts |= {f"train_{name}": group.training[name] for name in ("backgrounds", "complexity", "severity")}
        for metric, value in group.estimates.items():
            numbers = {name: _known(getattr(value, name)) for name in ("mean", "low", "high")}
            rows.append({**facts, "metric": metric, **numbers, "backgrounds": value.backgrounds})
    return pa.Table.from_pylist(rows)


def tabulate_differences(comparisons: Sequence[Comparison]) -> pa.Table:
    """Return the paired differences, one row a comparison, test and metric."""
    rows = []
    for each in comparisons:
        head = {"grid": each.grid, "first": each.first, "second": each.second, "fixed": _text(each.fixed)}
        for test, differences in each.differences.items():
            for difference in differences.values():
                names = ("mean", "low", "high", "low_with_seeds", "high_with_seeds")
                numbers = {name: _known(getattr(difference, name)) for name in names}
                tail = {"sign": difference.sign, "by_seed": list(difference.by_seed)}
                rows.append({**head, "test": test, "metric": difference.metric, **numbers, **tail})
    return pa.Table.from_pylist(rows)


def write_markdown(study: Study, planned: Planned, groups: Sequence[Group], comparisons: Sequence[Comparison]) -> str:
    """Return the study as a page of Markdown: tests, a table for each grid and test, differences and verdicts."""
    lines = [f"# {study.name}", "", study.description, ""] if study.description else [f"# {study.name}", ""]
    lines += ["Values are means over seeds and samples with 95 % intervals over backgrounds; `e_r`, `e_b` and damage "
              "in levels, `removal_per_damage` per level, gain and PSNR in dB. The seeds are held fixed: an interval "
              "says what other pictures would change, not what other trainings would.", ""]  # fmt: skip
    lines += ["| test | rain | severity, dB | brightness, levels | strength |", "|---|---|---|---|---|"]
    for key, test in planned.tests.items():
        kind = test["role"] if test["matched"] is None else f"{test['role']}, {test['matched']} as {test['like']}"
        lines.append(f"| {key} | {kind} | {test['severity']:.2f} | {test['brightness']:.1f} | x{test['factor']:.2f} |")
    for name in dict.fromkeys(group.grid for group in groups):
        lines += ["", f"## {name}", ""]
        for key in planned.tests:
            lines += list(_grid_table([group for group in groups if group.grid == name and group.test == key]))
        lines += list(_difference_table([each for each in comparisons if each.grid == name]))
    return "\n".join(lines) + "\n"


def _grid_table(groups: Sequence[Group]) -> Iterator[str]:
    if not groups:
        return
    axes = [axis for axis, _ in groups[0].labels]
    yield f"Test **{groups[0].test}**, {len(groups[0].judged)} seeds:"
    yield ""
    yield f"| {' | '.join(axes)} | rain of the test | backgrounds | complexity | {' | '.join(SHOWN)} |"
    yield f"|{'---|' * (len(axes) + 3 + len(SHOWN))}"
    for group in groups:
        labels = [level for _, level in group.labels]
        facts = [
            "unseen" if group.unseen else "seen",
            str(group.training["backgrounds"]),
            f"{group.training['complexity']:.3f}",
        ]
        values = [_interval(group.estimates.get(name), _DIGITS.get(name, 2)) for name in SHOWN]
        yield f"| {' | '.join([*labels, *facts, *values])} |"
    yield ""


def _difference_table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    if not comparisons:
        return
    yield "Paired differences, first less second; **bold** where every seed agrees and the interval excludes zero:"
    yield ""
    yield from _comparison_rows(comparisons, _difference)
    yield from _seed_table(comparisons)
    for each in comparisons:
        where = f" ({_text(each.fixed)})" if each.fixed else ""
        yield f"- **{each.first} against {each.second}**{where}: {each.verdict.sentence}."
        for test, verdict in each.verdicts.items():
            equal = say_at_equal_damage(each.differences[test]["removal_per_damage"], each.first, each.second)
            yield f"  - {test}: {verdict.sentence}; {equal}."
    for sentence in conclude(comparisons):
        yield f"- {sentence}."
    yield ""


def _comparison_rows(comparisons: Sequence[Comparison], show: Callable[[Difference], str]) -> Iterator[str]:
    yield f"| first - second | where | test | {' | '.join(COMPARED)} |"
    yield f"|{'---|' * (3 + len(COMPARED))}"
    for each in comparisons:
        for test, differences in each.differences.items():
            cells = [show(differences[name]) for name in COMPARED]
            yield f"| {each.first} - {each.second} | {_text(each.fixed)} | {test} | {' | '.join(cells)} |"
    yield ""


def _seed_table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield the intervals in which seeds are drawn again too, where there are several."""
    seeds = max(
        len(found.by_seed) for each in comparisons for test in each.differences.values() for found in test.values()
    )
    if seeds < 2:
        return
    yield (f"The same intervals with pairs of networks drawn again beside the backgrounds; {seeds} seeds show only "
           f"{(seeds - 1) / seeds:.0%} of the variance between trainings. No verdict rests on them:")  # fmt: skip
    yield ""
    yield from _comparison_rows(comparisons, _with_seeds)


def _with_seeds(value: Difference) -> str:
    if not math.isfinite(value.low_with_seeds):
        return "-"
    digits = _DIGITS.get(value.metric, 2)
    return f"[{value.low_with_seeds:+.{digits}f}, {value.high_with_seeds:+.{digits}f}]"


def _labels(cell: Cell) -> tuple[tuple[str, str], ...]:
    return tuple((axis, cell.label(axis)) for axis in (*dict(cell.arm.levels), *OWN_AXES))


def _group(
    planned: Planned, grid: str, test: str, labels: tuple[tuple[str, str], ...], runs: Mapping[int, str]
) -> Group:
    file = planned.tests[test]["file"]
    tables = {seed: read_results(planned.trials[digest], file) for seed, digest in sorted(runs.items())}
    judged = {seed: Judged({name: _floats(table, name) for name in METRICS}) for seed, table in tables.items()}
    backgrounds = next(iter(tables.values()))["background_id"].to_pylist()
    columns = {name: np.concatenate([each.columns[name] for each in judged.values()]) for name in METRICS}
    found = estimate_all(columns, RATIO_OF_MEANS, backgrounds * len(judged), Stream(SEED, "study"))
    corpus = planned.corpora[planned.trials[next(iter(runs.values()))].corpus]
    return Group(grid, test, labels, judged, tuple(backgrounds), corpus, found)


def _contexts(grid: Grid, groups: Sequence[Group]) -> list[tuple[tuple[str, str], ...]]:
    """Return what the groups of a grid share when its first axis is left out, each once."""
    first = grid.over[0] if grid.over else ""
    rest = (tuple(label for label in group.labels if label[0] != first) for group in groups)
    return list(dict.fromkeys(rest))


def _find(
    groups: Sequence[Group], test: str, axis: str, level: str, fixed: tuple[tuple[str, str], ...]
) -> Group | None:
    for group in groups:
        rest = tuple(label for label in group.labels if label[0] != axis)
        if group.test == test and rest == fixed and dict(group.labels)[axis] == level:
            return group
    return None


def _compare(first: Group, second: Group) -> dict[str, Difference]:
    seeds = sorted(set(first.judged) & set(second.judged))
    sides = [[group.judged[seed] for seed in seeds] for group in (first, second)]
    return compare(sides[0], sides[1], first.backgrounds, Stream(SEED, "study"))


def _floats(table: pa.Table, name: str) -> Values:
    return np.array([math.nan if value is None else value for value in table[name].to_pylist()], dtype=np.float64)


def _text(labels: Sequence[tuple[str, str]], without: Sequence[str] = ()) -> str:
    return ", ".join(f"{axis} {level}" for axis, level in labels if axis not in without)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(value: Estimate | None, digits: int) -> str:
    if value is None or not math.isfinite(value.mean):
        return "-"
    if not math.isfinite(value.low):
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def _difference(value: Difference) -> str:
    if not math.isfinite(value.mean):
        return "-"
    digits = _DIGITS.get(value.metric, 2)
    if not math.isfinite(value.low):
        return f"{value.mean:+.{digits}f}"
    text = f"{value.mean:+.{digits}f} [{value.low:+.{digits}f}, {value.high:+.{digits}f}]"
    return f"**{text}**" if value.sign else text
