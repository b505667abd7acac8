"""The page on rain says what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from rainkit.rain import COMPOSITIONS, SIMULATORS
from rainkit.rain.physics import DropSizes
from rainkit.rain.veil import extinction

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rain.md").read_text(encoding="utf-8")
PHYSICS = re.findall(
    r"^\| (\d+) \| (\S+) / (\S+) \| (\S+) / (\S+) \| (\S+) / (\S+) \| (\S+) / (\S+) \| (\S+) \|$", PAGE, re.MULTILINE
)


def test_the_table_of_presets_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("rain_page", ROOT / "docs" / "rain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fill(PAGE) == PAGE, "run: python docs/rain.py"


@pytest.mark.parametrize("name", [*SIMULATORS, *COMPOSITIONS])
def test_every_simulator_and_composition_has_a_row(name: str) -> None:
    assert f"\n| `{name}` | " in PAGE


@pytest.mark.parametrize("row", PHYSICS, ids=lambda row: row[0])
def test_the_theory_is_that_of_the_code(row: tuple[str, ...]) -> None:
    sizes, (rate, *numbers) = DropSizes(), [float(cell) for cell in row]
    theory = [
        *(sizes.drops_above(rate, diameter) for diameter in (0.5, 1.0)),
        *(sizes.implied_rain_rate(rate), sizes.extinction(rate)),
    ]
    assert numbers[1:8:2] == pytest.approx(theory, rel=4e-3)
    assert numbers[8] == pytest.approx(extinction(rate), rel=4e-3)
    assert numbers[0:8:2] == pytest.approx(theory, rel=0.1)


def test_three_rates_are_shown() -> None:
    assert [row[0] for row in PHYSICS] == ["10", "50", "100"]
