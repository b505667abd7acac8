"""Agreement with people, where their ratings are at hand: RAINKIT_DATA names the folder."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Callable, Mapping
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


Agreement = Callable[[str, Mapping[str, float]], float]


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    """Return the rank correlation with people, in a category, of a composite of any weights."""
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    with (RATINGS / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns: dict[str, dict[str, np.ndarray]] = {}
    ratings: dict[str, list[float]] = {}
    for category in CATEGORIES:
        own = [row for row in rows if row["category"] == category]
        values = [measure(decode((RATINGS / category / row["file"]).read_bytes()), instruments) for row in own]
        columns[category] = {kind: np.array([each[kind] for each in values]) for kind in INSTRUMENTS}
        ratings[category] = [float(row["score"]) for row in own]

    def agree(category: str, weights: Mapping[str, float]) -> float:
        return float(spearmanr(composite(columns[category], weights)[0], ratings[category]).statistic)

    return agree


def single(agreement: Agreement, category: str) -> float:
    return max(agreement(category, {kind: 1.0}) for kind in ESTIMATORS)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_composite_agrees_at_least_as_well_as_any_estimator(agreement: Agreement, category: str) -> None:
    assert agreement(category, COMPOSITES["composite"]) >= single(agreement, category)


def test_the_tuned_composite_agrees_better_by_a_twentieth(agreement: Agreement) -> None:
    gain = sum(agreement(category, COMPOSITES["human"]) - single(agreement, category) for category in CATEGORIES)
    assert gain / 2 >= 0.05
    gain = sum(
        agreement(category, COMPOSITES["human"]) - agreement(category, COMPOSITES["composite"])
        for category in CATEGORIES
    )
    assert gain / 2 >= 0.05


def test_weights_tuned_on_one_category_hold_on_the_other(agreement: Agreement) -> None:
    members = tuple(COMPOSITES["human"])
    choices = [dict(zip(members, weights, strict=True)) for weights in itertools.product((1.0, 2.0), repeat=3)]
    gain = 0.0
    for tuned, tested in (CATEGORIES, CATEGORIES[::-1]):
        best = max(choices, key=lambda weights: agreement(tuned, weights))
        gain += agreement(tested, best) - agreement(tested, COMPOSITES["composite"])
    assert gain / 2 >= 0.05
