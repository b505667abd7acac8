from __future__ import annotations

import json
import sys
from importlib import resources

import numpy as np
import pytest

from rainkit.complexity import COMPOSITES, INSTRUMENTS, composite, ranks, reference
from rainkit.errors import RecipeError


def test_every_instrument_has_both_references() -> None:
    for unit in ("picture", "patch"):
        for kind in INSTRUMENTS:
            table = reference(kind, unit)
            assert table.shape == (129,)
            assert (np.diff(table) >= 0).all()
            assert table[-1] > table[0]
            assert not table.flags.writeable


def test_references_are_numbers_with_their_origin() -> None:
    tables = json.loads((resources.files("rainkit.complexity") / "reference.json").read_text())
    assert tables["version"] == 1
    assert sum(tables["pictures"].values()) > 500
    assert sum(tables["patches"].values()) > 2000


@pytest.fixture
def short_table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([0, 0, 1_000_000, 3_000_000, 3_000_000], np.int64)
    module = sys.modules["rainkit.complexity.composite"]  # the package's name for it is the function
    monkeypatch.setattr(module, "reference", lambda kind, unit: table)


@pytest.mark.usefixtures("short_table")
def test_ranks_interpolate_and_take_the_middle_of_ties() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 9.0])
    assert ranks("any", values).tolist() == pytest.approx([0, 0.125, 0.375, 0.5, 0.625, 0.875, 1], abs=1e-5)


def test_ranks_never_fall() -> None:
    for kind in INSTRUMENTS:
        table = reference(kind, "patch")
        values = np.linspace(table[0] / 1e6 - 1, table[-1] / 1e6 + 1, 5000)
        found = ranks(kind, values, "patch")
        assert (np.diff(found) >= 0).all()
        assert found[0] == 0
        assert found[-1] == 1


@pytest.mark.usefixtures("short_table")
def test_score_and_spread_are_the_weighted_mean_and_deviation() -> None:
    columns = {"a": np.array([0.5, 1.0]), "b": np.array([2.0, 1.0]), "ignored": np.array([np.nan, np.nan])}
    score, spread = composite(columns, {"a": 3.0, "b": 1.0})
    mean = (3 * 0.375 + 0.625) / 4
    assert score == pytest.approx([mean, 0.5], abs=2e-6)
    deviation = ((3 * (0.375 - mean) ** 2 + (0.625 - mean) ** 2) / 4) ** 0.5
    assert spread == pytest.approx([deviation, 0.0], abs=3e-6)


def test_only_the_ratio_of_weights_matters() -> None:
    columns = {kind: np.linspace(0, 4, 9) for kind in COMPOSITES["composite"]}
    one = composite(columns, COMPOSITES["composite"])
    ten = composite(columns, {kind: 10 * weight for kind, weight in COMPOSITES["composite"].items()})
    assert np.array_equal(one[0], ten[0])


def test_the_unit_chooses_the_reference() -> None:
    columns = {"gradient_entropy": np.array([2.5])}
    assert composite(columns, {"gradient_entropy": 1})[0] != composite(columns, {"gradient_entropy": 1}, "patch")[0]


@pytest.mark.parametrize(
    ("columns", "weights", "words"),
    [
        ({}, {"jpeg_ratio": 1.0}, "needs jpeg_ratio"),
        ({"jpeg_ratio": np.zeros(1)}, {"jpeg_ratio": 0.0}, "positive"),
        ({"jpeg_ratio": np.zeros(1)}, {"jpeg_ratio": float("inf")}, "positive"),
        ({}, {}, "at least one"),
        ({"beauty": np.zeros(1)}, {"beauty": 1.0}, "no reference"),
    ],
)
def test_what_cannot_be_combined_is_refused(
    columns: dict[str, np.ndarray], weights: dict[str, float], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        composite(columns, weights)
