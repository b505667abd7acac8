from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from rainkit.data.corpus import open_corpus
from rainkit.data.prefetch import prefetch
from rainkit.data.torch import BatchStream, CorpusDataset, CorpusPairs, Pool, iterate, select_rows
from rainkit.errors import IntegrityError, RecipeError


class Memory:
    """A corpus in memory whose pixels say which sample they come from."""

    def __init__(self, count: int, size: int = 12, first: int = 0) -> None:
        self.reads: Counter[int] = Counter()
        self.size, self.first = size, first
        rows = range(count)
        self.samples = pa.table(
            {
                "key": [f"s{first + row}" for row in rows],
                "split": ["train" if row % 4 else "test" for row in rows],
                "stratum": [row % 2 for row in rows],
                "rain": ["small"] * count,
            }
        )

    def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> dict[str, NDArray[Any]]:
        self.reads[row] += 1
        grid = np.arange(self.size * self.size, dtype=np.uint8).reshape(self.size, self.size)
        clean = np.stack([np.full_like(grid, self.first + row), grid, grid.T], axis=2)
        arrays = {"clean": clean, "rainy": clean + np.uint8(1), "mask": grid}
        return {name: arrays[name] for name in members}


def pairs(count: int = 20, **options: Any) -> CorpusPairs:
    corpus = Memory(count)
    return CorpusPairs([Pool(corpus, np.arange(count))], options.pop("patch", 8), **options)


def test_labels_are_no_tensors_and_the_message_says_where_they_are(make_corpus: Callable[..., Path]) -> None:
    corpus = open_corpus(make_corpus())
    assert set(CorpusDataset(corpus, "train", ("rain", "streaks"))[0]) == {"rain", "streaks"}
    with pytest.raises(RecipeError, match=r"member json is no picture or array.*corpus\.read\(row, \('json',\)\)"):
        CorpusDataset(corpus, "train", ("rainy", "json"))


def test_map_style_reads_one_split_and_keeps_the_bytes() -> None:
    corpus = Memory(8)
    dataset = CorpusDataset(corpus, "train", ("rainy", "mask"))
    assert len(dataset) == 6
    item = dataset[0]
    assert item["rainy"].shape == (3, 12, 12)
    assert item["mask"].shape == (1, 12, 12)
    assert torch.equal(item["rainy"][0], torch.full((12, 12), 2, dtype=torch.uint8))
    batch = next(iter(DataLoader(dataset, batch_size=3)))
    assert batch["rainy"].shape == (3, 3, 12, 12)
    assert CorpusDataset(corpus, transform=lambda found: {"half": found["rainy"] // 2})[3]["half"].max() == 72


def test_rows_are_chosen_and_what_is_missing_is_named() -> None:
    corpus = Memory(8)
    assert select_rows(corpus, "train", strata=[0]).tolist() == [2, 6]
    with pytest.raises(RecipeError, match="no sample has split validation: this corpus has split test, train"):
        select_rows(corpus, "validation")
    with pytest.raises(RecipeError, match="rain small"):
        select_rows(corpus, "train", rain=["heavy"])


def test_every_row_once_before_any_twice_and_in_another_order() -> None:
    sequence = pairs(20)
    rows = [sequence.place(position)[1] for position in range(60)]
    epochs = [rows[start : start + 20] for start in (0, 20, 40)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_pairs_are_functions_of_seed_and_number() -> None:
    first, again, other = pairs(seed=1), pairs(seed=1), pairs(seed=2)
    backward = {position: again.pair(position) for position in reversed(range(50))}
    for position in range(50):
        assert np.array_equal(first.pair(position)[0], backward[position][0])
    assert any(not np.array_equal(first.pair(n)[0], other.pair(n)[0]) for n in range(5))
    assert first.digest == again.digest == other.digest != pairs(19).digest


def test_crops_stay_aligned_reach_every_place_and_flip_half() -> None:
    sequence = pairs(5, patch=10)
    corners, flips = Counter[tuple[int, int]](), 0
    for position in range(400):
        rainy, clean = sequence.pair(position)
        assert rainy.shape == (10, 10, 3)
        assert np.array_equal(rainy, clean + np.uint8(1))
        flipped = clean[0, 0, 1] > clean[0, -1, 1]
        flips += int(flipped)
        corner = clean[0, -1 if flipped else 0, 1]
        corners[int(corner) // 12, int(corner) % 12] += 1
    assert set(corners) == set(itertools.product(range(3), repeat=2))
    assert min(corners.values()) > 20
    assert 150 < flips < 250


def test_mixtures_keep_their_weights_and_their_epochs() -> None:
    pools = [Pool(Memory(7), np.arange(7), 3.0), Pool(Memory(5, first=100), np.arange(5), 1.0)]
    sequence = CorpusPairs(pools, None, flip=False)
    places = [sequence.place(position) for position in range(3000)]
    assert Counter(pool for pool, _ in places[1000:2000]) == {0: 750, 1: 250}
    second = [row for pool, row in places if pool == 1]
    assert all(sorted(second[n : n + 5]) == list(range(5)) for n in range(0, 750, 5))
    assert sequence.place(1234) == CorpusPairs(pools, None, flip=False).place(1234)
    with pytest.raises(RecipeError, match="weights above zero"):
        CorpusPairs([Pool(Memory(3), np.arange(3), 0.0)], 8)


def test_decoded_pairs_are_kept_within_the_room() -> None:
    corpus = Memory(4)
    sequence = CorpusPairs([Pool(corpus, np.arange(4))], 8, cache_bytes=2 * 12 * 12 * 3 * 3)
    for position in range(16):
        sequence.pair(position)
    assert sorted(corpus.reads.values()) == [1, 1, 1, 4]


def test_small_pictures_are_refused_with_their_size() -> None:
    with pytest.raises(RecipeError, match="at least 16 px"):
        pairs(patch=16).pair(0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking a process that has threads
def test_workers_change_neither_batches_nor_order() -> None:
    alone = list(iterate(BatchStream(pairs(), 4, 7, start=2)))
    shared = list(iterate(BatchStream(pairs(), 4, 7, start=2), workers=2))
    assert len(alone) == len(shared) == 5
    for (a, b), (c, d) in zip(alone, shared, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking a process that has threads
@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_reading_says_its_words_alone(workers: int) -> None:
    class Damaged(Memory):
        def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> dict[str, NDArray[Any]]:
            raise IntegrityError(f"row {row}\nis damaged")

    broken = CorpusPairs([Pool(Damaged(1), np.arange(1))], 8)
    with pytest.raises(IntegrityError) as caught:
        list(iterate(BatchStream(broken, 1, 1), workers=workers))
    assert str(caught.value) == "row 0\nis damaged"


def test_whole_pictures_of_different_size_cannot_share_a_batch() -> None:
    pools = [Pool(Memory(4), np.arange(4)), Pool(Memory(4, size=16), np.arange(4))]
    whole = CorpusPairs(pools, None)
    assert {len(BatchStream(whole, 1, 8).at(step)[0]) for step in range(8)} == {1}
    with pytest.raises(RecipeError, match="12 x 12 px and 16 x 16 px cannot share a batch: choose a patch, or"):
        BatchStream(whole, 8, 1).at(0)


def test_ranks_see_parts_of_the_same_batches_and_equally_many() -> None:
    whole = list(BatchStream(pairs(), 8, 3))
    ranks = [list(BatchStream(pairs(), 4, 3, rank=rank, ranks=2)) for rank in (0, 1)]
    assert len(ranks[0]) == len(ranks[1]) == 3
    for step, (rainy, _) in enumerate(whole):
        assert torch.equal(rainy, torch.cat([ranks[0][step][0], ranks[1][step][0]]))


def test_state_continues_where_it_was_taken() -> None:
    stream = BatchStream(pairs(), 2, 6)
    whole = [rainy for rainy, _ in stream]
    iterator = iter(stream)
    for _ in range(2):
        next(iterator)
    later = BatchStream(pairs(), 2, 6)
    later.load_state_dict(stream.state_dict())
    rest = [rainy for rainy, _ in later]
    assert len(rest) == 4
    assert all(torch.equal(a, b) for a, b in zip(rest, whole[2:], strict=True))


def test_prefetch_keeps_order_hands_on_errors_and_lets_go() -> None:
    assert list(prefetch(range(10), 2)) == list(range(10))

    def broken() -> Any:
        yield 1
        raise OSError("the disk went away")

    iterator = prefetch(broken(), 2)
    assert next(iterator) == 1
    with pytest.raises(OSError, match="went away"):
        next(iterator)
    endless = prefetch(itertools.count(), 2)
    assert next(endless) == 0
    endless.close()  # returns only when its thread has ended
