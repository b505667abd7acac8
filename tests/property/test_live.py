"""Wherever reading begins and whatever is mixed: rows that go on come each once, those of the manifest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rainkit.data.pairs import CorpusPairs, Pool


class Rows:
    """A corpus whose rows are known by number alone."""

    def __init__(self, count: int) -> None:
        self.samples = pa.table({"key": [str(row) for row in range(count)]})

    def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> dict[str, NDArray[Any]]:
        raise AssertionError("places are known without reading")


POOLS = st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=3)


@settings(deadline=None, max_examples=60)
@given(pools=POOLS, seed=st.integers(0, 5), starts=st.lists(st.integers(0, 2500), max_size=6))
def test_places(pools: list[tuple[int, bool, float]], seed: int, starts: list[int]) -> None:
    def make() -> CorpusPairs:
        return CorpusPairs(
            [Pool(Rows(count), np.arange(count), weight, "more" * goes_on) for count, goes_on, weight in pools],
            8,
            seed=seed,
        )

    pairs = make()
    places = [pairs.place(position) for position in range(2500)]
    for number, (count, goes_on, _) in enumerate(pools):
        rows = [row for pool, row in places if pool == number]
        first, rest = rows[:count], rows[count:]
        assert len(set(first)) == len(first)
        assert set(first) <= set(range(count))
        if goes_on:
            assert rest == list(range(count, len(rows)))
        else:
            assert set(rest) <= set(range(count))
    for start in starts:
        fresh = make()
        assert [fresh.place(position) for position in range(start, min(start + 20, 2500))] == places[start : start + 20]
