"""Agreement with people, where their ratings are at hand: RAINKIT_DATA names the folder."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from rainkit.complexity import COMPOSITES, ESTIMATORS, INSTRUMENTS, composite, measure
from rainkit.images import decode

RATINGS = Path(os.environ.get("RAINKIT_DATA", "/nowhere")) / "complexity_ratings"
pytestmark = [
    pytest.mark.skipif(not (RATINGS / "scores.csv").is_file(), reason="RAINKIT_DATA holds no complexity_ratings"),
    pytest.mark.slow,
]
CATEGORIES = ("objects", "scenes")


@pytest.fixture(scope="module")
def agreement() -> dict[str, dict[str, float]]:
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    with (RATINGS / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    found: dict[str, dict[str, float]] = {}
    for category in CATEGORIES:
        own = [row for row in rows if row["category"] == category]
        values = [measure(decode((RATINGS / category / row["file"]).read_bytes()), instruments) for row in own]
        columns = {kind: np.array([each[kind] for each in values]) for kind in INSTRUMENTS}
        columns |= {name: composite(columns, weights)[0] for name, weights in COMPOSITES.items()}
        ratings = [float(row["score"]) for row in own]
        found[category] = {name: float(spearmanr(column, ratings).statistic) for name, column in columns.items()}
    return found


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_composite_agrees_at_least_as_well_as_any_estimator(
    agreement: dict[str, dict[str, float]], category: str
) -> None:
    assert agreement[category]["composite"] >= max(agreement[category][kind] for kind in ESTIMATORS)


def test_the_tuned_composite_agrees_better_by_a_twentieth(agreement: dict[str, dict[str, float]]) -> None:
    def mean(name: str) -> float:
        return sum(agreement[category][name] for category in CATEGORIES) / len(CATEGORIES)

    best = sum(max(agreement[category][kind] for kind in ESTIMATORS) for category in CATEGORIES) / len(CATEGORIES)
    assert mean("human") >= max(mean("composite"), best) + 0.05
