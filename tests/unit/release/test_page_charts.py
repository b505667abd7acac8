from __future__ import annotations

import re

import numpy as np
import pytest

from rainkit.release.page_charts import (
    BASE,
    BINS,
    MAX_GROUPS,
    MAX_SPREADS,
    WIDTH,
    Chart,
    draw_chart,
    order_statistics,
)

TEXT = ("coverage", "share of the pixels", "")
BAR = re.compile(r"M([\d.]+) ([\d.]+)h([\d.]+)v-([\d.]+)h-\3z")


def bars(chart: Chart) -> dict[int, list[tuple[float, ...]]]:
    """Return group -> x, lower edge, width and height of its bars."""
    found = {}
    for group, path in chart.paths:
        found[group] = [tuple(map(float, bar)) for bar in BAR.findall(path)]
        assert BAR.sub("", path) == ""
    return found


def draw(values: list[float] | np.ndarray, groups: list[int] | None = None, **options: object) -> Chart:  # type: ignore[type-arg]
    numbers = None if groups is None else np.array(groups, dtype=np.int64)
    chart = draw_chart(TEXT, np.array(values, dtype=np.float64), numbers, **options)  # type: ignore[arg-type]
    assert chart is not None
    return chart


def test_heights_are_counts() -> None:
    chart = draw([0.0] * 8 + [10.0] * 4 + [5.0])
    found = bars(chart)[-1]
    assert [x for x, *_ in found] == [0.5, 20 * WIDTH / BINS + 0.5, 39 * WIDTH / BINS + 0.5]
    heights = [height for *_, height in found]
    assert heights == pytest.approx([BASE - 6, (BASE - 6) / 8, (BASE - 6) / 2], abs=0.06)
    assert all(bottom == BASE for _, bottom, *_ in found)
    assert (chart.count, chart.most, chart.low, chart.high, chart.median) == (13, 8, 0, 10, 0)


def test_groups_stand_on_one_another() -> None:
    chart = draw([1, 1, 1, 2], [0, 2, 2, 0])
    found = bars(chart)
    assert sorted(found) == [0, 2]
    lower, upper = found[0][0], found[2][0]
    assert lower[1] == BASE
    assert upper[1] == pytest.approx(BASE - lower[3], abs=0.11)
    assert upper[1] - upper[3] == pytest.approx(6, abs=0.11), "the highest bar ends below the top"


def test_many_groups_are_not_stacked() -> None:
    chart = draw(list(range(MAX_GROUPS + 1)), list(range(MAX_GROUPS + 1)))
    assert [group for group, _ in chart.paths] == [-1]
    assert len(draw(list(range(MAX_GROUPS)), list(range(MAX_GROUPS))).paths) == MAX_GROUPS


def test_edges_lie_where_the_axis_says() -> None:
    assert draw([0, 4], edges=(1, 2, 4, -3, 9)).edges == (WIDTH / 4, WIDTH / 2)


def test_the_axis_leaves_out_the_outermost() -> None:
    values = np.append(np.linspace(0, 1, 999), 1000.0)
    chart = draw(values)
    assert chart.high < 1.01
    assert chart.greatest == 1000
    assert sum(height > 0 for *_, height in bars(chart)[-1]) == BINS


def test_equal_and_missing_values() -> None:
    chart = draw([2.0, 2.0, float("inf"), float("nan")])
    assert (chart.low, chart.high, chart.count, chart.ignored) == (1.5, 2.5, 2, 2)
    assert draw_chart(TEXT, np.array([np.nan])) is None
    assert draw_chart(TEXT, np.array([], dtype=np.float64)) is None
    assert draw([7.0]).most == 1


def test_spreads_of_rains() -> None:
    values = np.arange(200, dtype=np.float64)
    codes = np.repeat([0, 1], 100)
    chart = draw(values, rains=(("light", "heavy"), codes))
    light, heavy = chart.spreads
    assert (light.name, light.median, heavy.median) == ("light", 50, 150)
    assert light.places == tuple(
        round((v - chart.low) / (chart.high - chart.low) * WIDTH, 1) for v in (5, 25, 50, 75, 95)
    )
    assert light.top < heavy.top < chart.height
    many = draw(values, rains=(tuple(map(str, range(40))), np.arange(200) % 40))
    assert len(many.spreads) == MAX_SPREADS


def test_order_statistics_are_values_of_the_column() -> None:
    values = np.array([5.0, 1.0, 3.0])
    assert order_statistics(values, (0.0, 0.5, 1.0)) == [1, 3, 5]
    assert order_statistics(values[:1], (0.0, 0.5, 1.0)) == [5, 5, 5]
    assert values.tolist() == [5, 1, 3], "the column is not sorted in place"
