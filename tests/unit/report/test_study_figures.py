"""Figures of a study: drawn, and in the right place."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from rainkit import images
from rainkit.report.study import PANELS, Mark, Panel, Place, _spots, draw_axis, draw_differences, draw_trade_off

NONE = math.nan


def marks(value: float) -> dict[str, Mark]:
    return {name: Mark(value, value - 0.5, value + 0.5) for name in (*PANELS, "removal")}


LINES = {"unseen": {"low": marks(3.0), "high": marks(2.0), "all": {**marks(4.0), "e_b": Mark(NONE, NONE, NONE)}}}
PLACES = [Place("low", 1.0), Place("high", 2.0), Place("all", None)]


@pytest.mark.parametrize("log", [False, True])
def test_an_axis_is_drawn(tmp_path: Path, log: bool) -> None:
    draw_axis(tmp_path / "one.png", "complexity", PLACES, [Panel("tiny", LINES)], log=log)
    draw_axis(tmp_path / "two.png", "complexity", PLACES, [Panel("tiny", LINES), Panel("base", LINES)], log=log)
    one, two = (images.decode((tmp_path / f"{name}.png").read_bytes()) for name in ("one", "two"))
    assert two.shape[0] > 1.5 * one.shape[0]
    assert one.std() > 5


def test_trade_off_and_differences_are_drawn(tmp_path: Path) -> None:
    draw_trade_off(tmp_path / "trade.png", [Panel("unseen", LINES)])
    rows = [("low - high", {name: (mark, [mark.mean]) for name, mark in marks(1.0).items()})]
    draw_differences(tmp_path / "differences.png", rows)
    assert all((tmp_path / f"{name}.png").stat().st_size > 5000 for name in ("trade", "differences"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("removal", [0.0, -0.2])
def test_networks_that_learned_nothing_are_drawn(tmp_path: Path, removal: float) -> None:
    quotient = Mark(NONE, NONE, NONE)
    nothing = {
        **marks(0.0), "rain_free_error": Mark(0, 0, 0), "removal_per_damage": quotient,
        "removal": Mark(removal, removal, removal),
    }  # fmt: skip
    draw_trade_off(tmp_path / "trade.png", [Panel("unseen", {"unseen": {"low": nothing}})])
    assert (tmp_path / "trade.png").stat().st_size > 5000


def test_rain_that_networks_have_seen_is_hollow(tmp_path: Path) -> None:
    for seen in (False, True):
        mark = {name: Mark(3.0, 2.5, 3.5, seen) for name in (*PANELS, "removal")}
        panel = Panel("tiny", {"test": {"low": mark, "high": mark}})
        draw_axis(tmp_path / f"axis-{seen}.png", "complexity", PLACES[:2], [panel])
        draw_trade_off(tmp_path / f"trade-{seen}.png", [panel])
    for kind in ("axis", "trade"):
        full, hollow = (images.decode((tmp_path / f"{kind}-{seen}.png").read_bytes()) for seen in (False, True))
        assert (hollow == 255).sum() > (full == 255).sum()


def test_levels_without_a_place_stand_to_the_right() -> None:
    assert _spots(PLACES, False)[0] == {"low": 1.0, "high": 2.0, "all": 3.0}
    assert _spots(PLACES, True)[0] == {"low": 1.0, "high": 2.0, "all": 4.0}
    assert _spots([Place("a", None), Place("b", None)], False)[0] == {"a": 0.0, "b": 1.0}


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        draw_axis(tmp_path / name / "axis.png", "complexity", PLACES, [Panel("tiny", LINES)])
    assert (tmp_path / "a" / "axis.png").read_bytes() == (tmp_path / "b" / "axis.png").read_bytes()
