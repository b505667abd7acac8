from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rainkit.data.stores import LocalStore
from rainkit.manifest import read_table
from rainkit.release.page_tables import Chosen, Wanted, list_refusals, list_sources

ORDER = {"split": ("unseen-rain", "train"), "rain": ("noise",)}


@pytest.fixture(scope="module")
def chosen(built: Path) -> Chosen:
    return Chosen(LocalStore(built), Wanted(), ORDER)


@pytest.fixture(scope="module")
def rows(built: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_table(built / "metadata/samples.parquet", "samples").to_pylist()
    return found


@pytest.mark.parametrize("column", ["split", "stratum", "rain"])
def test_lines_say_what_the_rows_say(chosen: Chosen, rows: list[dict[str, Any]], column: str) -> None:
    lines = chosen.lines(getattr(chosen, column))
    assert sum(line.samples for line in lines) == len(rows)
    for line in lines:
        mine = [row for row in rows if str(row[column]) == line.name]
        assert line.samples == len(mine)
        assert line.backgrounds == len({row["background_id"] for row in mine})
        for name, mean in line.means.items():
            assert mean == pytest.approx(math.fsum(row[name] for row in mine) / len(mine), rel=1e-12)


def test_names_follow_the_recipe_then_the_alphabet(chosen: Chosen) -> None:
    assert chosen.split.names == ("unseen-rain", "train")
    assert chosen.rain.names == ("noise", "light")
    assert chosen.stratum.names == ("0", "1")


def test_cross_tables_count_pairs(chosen: Chosen, rows: list[dict[str, Any]]) -> None:
    counts = Counter((row["rain"], str(row["stratum"])) for row in rows)
    table = chosen.cross(chosen.rain, chosen.stratum)
    assert table == [[counts[rain, level] for level in chosen.stratum.names] for rain in chosen.rain.names]


def test_a_choice_keeps_the_numbers_of_its_rows(built: Path, rows: list[dict[str, Any]]) -> None:
    wanted = Wanted(rains=("light",), strata=(0, 1), keys=tuple(row["key"] for row in rows[3:12]))
    some = Chosen(LocalStore(built), wanted, ORDER)
    assert some.rows.tolist() == [n for n, row in enumerate(rows) if row["rain"] == "light" and 3 <= n < 12]
    assert some.total == len(rows)
    assert some.numbers("score").tolist() == [rows[n]["score"] for n in some.rows]


def test_sources_and_refusals(built: Path, chosen: Chosen) -> None:
    backgrounds = read_table(built / "metadata/backgrounds.parquet", "backgrounds").to_pylist()
    drawn, photos = list_sources(LocalStore(built), chosen)
    for source in (drawn, photos):
        mine = [row for row in backgrounds if row["source"] == source["name"]]
        assert source["admitted"] == len(mine)
        assert source["used"] == len({row["id"] for row in mine} & set(chosen.background.names))
    assert (drawn["refused"], photos["refused"]) == (0, 1)
    assert (photos["licenses"], photos["attributions"]) == ("research-only", "Some | photographer")
    assert list_refusals(LocalStore(built)) == [("unreadable", "photos", 1)]
