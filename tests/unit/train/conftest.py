"""A corpus in memory: smooth backgrounds with straight bright streaks, so that a network can learn in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from rainkit.data.torch import CorpusPairs, Pool, select_rows
from rainkit.records import Pixels
from rainkit.seeds import Stream

STREAK_LEVELS = 70


def draw_pair(number: int, size: int) -> tuple[Pixels, Pixels]:
    """Rainy and clean picture of a number: a colour gradient, and upright streaks of one brightness."""
    rng = Stream(number, "pair")
    corner = rng.integers(20, 120, 3)
    slope = rng.integers(0, 60, 3)
    grid = np.add.outer(np.arange(size), np.arange(size)) / (2 * size)
    clean = (corner + grid[:, :, None] * slope).astype(np.uint8)
    rainy = clean.copy()
    for column, top in zip(rng.integers(0, size, size // 4), rng.integers(0, size - 8, size // 4), strict=True):
        rainy[top : top + 8, column] = clean[top : top + 8, column] + STREAK_LEVELS
    return rainy, clean


class MemoryCorpus:
    """What `rainkit.data` gives of a corpus, without files."""

    def __init__(self, count: int = 12, size: int = 32) -> None:
        self.pairs = [draw_pair(number // 2, size) for number in range(count)]
        self.samples = pa.table(
            {
                "key": [f"sample{number}" for number in range(count)],
                "split": ["train" if number < count - 4 else "test" for number in range(count)],
                "stratum": pa.array([number % 2 for number in range(count)], pa.int16()),
                "rain": ["upright"] * count,
                "background_id": [f"background{number // 2}" for number in range(count)],
            }
        )

    def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> dict[str, NDArray[Any]]:
        rainy, clean = self.pairs[row]
        return {name: {"rainy": rainy, "clean": clean}[name] for name in members}


@pytest.fixture(scope="session")
def corpus() -> MemoryCorpus:
    return MemoryCorpus()


@pytest.fixture
def pairs(corpus: MemoryCorpus) -> CorpusPairs:
    return CorpusPairs([Pool(corpus, select_rows(corpus, "train"))], 16, seed=3)
