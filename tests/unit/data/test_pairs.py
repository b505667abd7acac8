from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from rainkit.data.pairs import CorpusPairs, Pool
from rainkit.errors import RecipeError


class Endless:
    """A corpus of a few rows that goes on: every pixel of a row has the low byte of its number."""

    def __init__(self, count: int) -> None:
        self.samples = pa.table({"key": [f"s{row}" for row in range(count)], "split": ["train"] * count})
        self.reads: Counter[int] = Counter()

    def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> dict[str, NDArray[Any]]:
        self.reads[row] += 1
        return {name: np.full((12, 12, 3), row % 256, dtype=np.uint8) for name in members}


def endless(count: int = 6, continues: str = "abc", **options: Any) -> CorpusPairs:
    return CorpusPairs([Pool(Endless(count), np.arange(count), continues=continues)], 8, **options)


def test_a_pool_that_goes_on_begins_like_one_that_does_not() -> None:
    ends, goes_on = endless(continues=""), endless()
    places = [goes_on.place(position)[1] for position in range(40)]
    assert places[:6] == [ends.place(position)[1] for position in range(6)] != list(range(6))
    assert places[6:] == list(range(6, 40))
    assert [goes_on.place(position)[1] for position in reversed(range(40))] == places[::-1]


def test_what_follows_is_part_of_the_digest_and_nothing_is_kept() -> None:
    assert len({endless(continues=text).digest for text in ("", "abc", "abd")}) == 3
    pairs = endless()
    for _ in range(2):
        for position in range(10):
            pairs.pair(position)
    assert set(pairs.pools[0].corpus.reads.values()) == {2}  # type: ignore[attr-defined]
    assert len(pickle.dumps(pairs)) < len(pickle.dumps(endless())) + 100


def test_kept_pictures_do_not_travel() -> None:
    pairs = endless(continues="", cache_bytes=10**6)
    size = len(pickle.dumps(pairs))
    for position in range(12):
        pairs.pair(position)
    assert set(pairs.pools[0].corpus.reads.values()) == {1}  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(pairs))
    assert len(pickle.dumps(pairs)) < size + 100
    assert all(np.array_equal(copy.pair(n)[0], pairs.pair(n)[0]) for n in range(12))


def test_a_pool_that_goes_on_has_every_row() -> None:
    with pytest.raises(RecipeError, match="begins with every row of its corpus"):
        Pool(Endless(6), np.arange(1, 6), continues="abc")


def test_a_patch_larger_than_a_picture_is_found_before_anything_is_read() -> None:
    corpus = Endless(3)
    for name, sides in (("crop_w", [40, 12, 9]), ("crop_h", [40, 11, 40])):
        corpus.samples = corpus.samples.append_column(name, pa.array(sides))
    pools = [Pool(corpus, np.array([0, 2])), Pool(corpus, np.array([0, 1]))]
    CorpusPairs(pools, 9)
    CorpusPairs(pools, None)
    with pytest.raises(RecipeError, match=r"1 of 2 samples .* 10 px, such as s2 with a side of 9 px.* at most 9 px"):
        CorpusPairs(pools, 10)
    assert not corpus.reads
