"""Torch datasets over a corpus: map-style for any loop, and an endless sequence of batches for training.

The sequence is addressed, not advanced: pair number n is a function of (seed, n) alone. So the number of workers cannot
change what a network sees, every rank makes equally many steps, and the state to resume from is one integer.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from rainkit.data.prefetch import prefetch
from rainkit.errors import RecipeError
from rainkit.records import Pixels
from rainkit.seeds import Stream

Batch = tuple[Tensor, Tensor]
"""Rainy and clean pictures, uint8 N x 3 x H x W."""

CACHE_BYTES = 256 * 2**20
_BLOCK = 1000  # weights of a mixture are exact to one in a thousand


class ReadableCorpus(Protocol):
    """What the datasets need of a corpus; `rainkit.data.corpus.Corpus` is one."""

    @property
    def samples(self) -> pa.Table:
        """One row a sample: `split`, and where they exist `stratum`, `rain`, `crop_w`, `crop_h`, digests."""

    def read(self, row: int, members: Sequence[str] = ("rainy", "clean")) -> Mapping[str, NDArray[Any]]:
        """Return the decoded members of a row, each uint8 H x W x 3 or H x W."""


class PairSequence(Protocol):
    """Training pairs by number, from a corpus on disk or drawn on the fly."""

    digest: str
    """Hexadecimal digest of everything that decides the pairs, the seed excepted."""

    def pair(self, position: int) -> tuple[Pixels, Pixels]:
        """Return rainy and clean picture number `position`, uint8 H x W x 3, all of one size."""


def select_rows(
    corpus: ReadableCorpus,
    split: str | None = None,
    strata: Sequence[int] | None = None,
    rain: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """Return the row numbers of a split, or of the strata and rains of it that are named, ascending.

    Raises
    ------
    RecipeError
        If nothing is left; the message names what the corpus has.
    """
    table = corpus.samples
    keep = np.ones(table.num_rows, dtype=bool)
    for column, wanted in (("split", None if split is None else [split]), ("stratum", strata), ("rain", rain)):
        if wanted is None:
            continue
        values = np.asarray(table[column].to_pylist(), dtype=object)
        found = keep & np.isin(values, np.asarray(list(wanted), dtype=object))
        if not found.any():
            there = ", ".join(sorted({str(value) for value in values[keep]})) or "none"
            raise RecipeError(f"no sample has {column} {', '.join(map(str, wanted))}: this corpus has {column} {there}")
        keep = found
    return np.flatnonzero(keep)


def to_tensor(pixels: NDArray[np.generic]) -> Tensor:
    """Return H x W (x C) pixels as a C x H x W tensor of the same dtype; a copy."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return torch.from_numpy(np.array(planes, order="C"))


class CorpusDataset(Dataset[dict[str, Tensor]]):
    """Map-style dataset of a corpus: an item is a dict of member name to uint8 tensor, C x H x W.

    Parameters
    ----------
    corpus : Corpus
        As `rainkit.data.open_corpus` returns it.
    split : str, optional
        Only this split.
    members : sequence of str
        What to decode, such as `("rainy", "clean", "mask")`.
    transform : callable, optional
        Applied to each item.
    """

    def __init__(
        self,
        corpus: ReadableCorpus,
        split: str | None = None,
        members: Sequence[str] = ("rainy", "clean"),
        transform: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
    ) -> None:
        self.corpus = corpus
        self.rows = select_rows(corpus, split)
        self.members = tuple(members)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        arrays = self.corpus.read(int(self.rows[index]), self.members)
        item = {name: to_tensor(array) for name, array in arrays.items()}
        return self.transform(item) if self.transform else item


@dataclass(frozen=True)
class Pool:
    """Rows of one corpus that take part in a mixture, in proportion to `weight`."""

    corpus: ReadableCorpus
    rows: NDArray[np.int64]
    weight: float = 1.0


class CorpusPairs:
    """An endless sequence of random crops of the pairs of one or several corpora.

    Each pool is gone through in random order, wholly before it begins again; pools alternate in blocks of a thousand
    pairs that hold their weights exactly. Flips are horizontal only: rain falls down.

    Parameters
    ----------
    pools : sequence of Pool
        At least one.
    patch : int or None
        Side of the square crop in px; None for the whole picture.
    flip : bool
        Mirror every other pair.
    seed : int
        Of order, crops and flips.
    cache_bytes : int
        Decoded pictures kept in memory; a pair that does not fit is decoded each time.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        patch: int | None,
        *,
        flip: bool = True,
        seed: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.pools = tuple(pools)
        self.patch = patch
        self.flip = flip
        self.digest = _digest(self.pools)
        self._rng = Stream(seed, "pairs")
        self._shares = _shares([pool.weight for pool in self.pools])
        self._orders: dict[tuple[object, ...], NDArray[np.int64]] = {}
        self._cache: dict[tuple[int, int], tuple[Pixels, Pixels]] = {}
        self._room = cache_bytes

    def place(self, position: int) -> tuple[int, int]:
        """Return (pool, row of its corpus) of pair number `position`."""
        block, offset = divmod(position, _BLOCK)
        pool, before = 0, position
        if len(self.pools) > 1:
            order = self._order("block", block, lambda: np.repeat(np.arange(len(self._shares)), self._shares))
            pool = int(order[offset])
            before = block * self._shares[pool] + int(np.count_nonzero(order[:offset] == pool))
        rows = self.pools[pool].rows
        epoch, index = divmod(before, len(rows))
        return pool, int(self._order(f"pool {pool}", epoch, lambda: rows)[index])

    def pair(self, position: int) -> tuple[Pixels, Pixels]:
        """Return rainy and clean picture number `position`, uint8 patch x patch x 3."""
        rainy, clean = self._read(*self.place(position))
        if self.patch is None and not self.flip:
            return rainy, clean
        # One word decides crop and flip: three streams would cost more than the crop.
        word = int(self._rng.child("view", position).bits(1)[0])
        if self.patch is not None:
            height, width = (side - self.patch + 1 for side in rainy.shape[:2])
            top, left = (word & 0xFFFFFF) * height >> 24, (word >> 24 & 0xFFFFFF) * width >> 24
            window = np.s_[top : top + self.patch, left : left + self.patch]
            rainy, clean = rainy[window], clean[window]
        return (rainy[:, ::-1], clean[:, ::-1]) if self.flip and word >> 63 else (rainy, clean)

    def _order(self, name: str, number: int, values: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return `values()` in the order of epoch or block `number`; the latest of each name are kept."""
        known = self._orders.get((name, number))
        if known is None:
            items = values()
            known = items[self._rng.child("order", name, number).permutation(len(items))]
            # A batch may straddle two epochs: keep the one before as well.
            self._orders = {key: order for key, order in self._orders.items() if key[0] != name or key[1] == number - 1}
            self._orders[name, number] = known
        return known

    def _read(self, pool: int, row: int) -> tuple[Pixels, Pixels]:
        cached = self._cache.get((pool, row))
        if cached is not None:
            return cached
        members = self.pools[pool].corpus.read(row, ("rainy", "clean"))
        rainy, clean = members["rainy"], members["clean"]
        smallest = min(*rainy.shape[:2], *clean.shape[:2])
        if rainy.shape != clean.shape or smallest < (self.patch or 1):
            raise RecipeError(
                f"row {row}: rainy {rainy.shape} and clean {clean.shape} must be of one size and at least "
                f"{self.patch} px high and wide; choose a smaller patch or another corpus"
            )
        size = rainy.nbytes + clean.nbytes
        if size <= self._room:
            self._room -= size
            self._cache[pool, row] = (rainy, clean)
        return rainy, clean


class BatchStream(IterableDataset[Batch]):
    """Batches of a sequence of pairs, shared out over workers and ranks so that each rank makes equally many steps.

    Use it with `DataLoader(stream, batch_size=None, num_workers=...)`: the batches and their order do not depend on the
    number of workers. `state_dict` and `load_state_dict` are what torchdata's StatefulDataLoader calls; a plain loop
    passes the number of its next step as `start` instead.

    Parameters
    ----------
    pairs : PairSequence
        Where pairs come from.
    batch : int
        Pairs a rank sees in a step.
    steps : int
        Number of the step to stop before.
    start : int
        Number of the first step.
    rank, ranks : int
        Which of how many training processes this is.
    """

    def __init__(
        self, pairs: PairSequence, batch: int, steps: int, start: int = 0, *, rank: int = 0, ranks: int = 1
    ) -> None:
        self.pairs, self.batch, self.steps, self.start = pairs, batch, steps, start
        self.rank, self.ranks = rank, ranks
        self._done = 0

    def __len__(self) -> int:
        return max(0, self.steps - self.start)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        index, count = (worker.id, worker.num_workers) if worker else (0, 1)
        first = self.start + self._done * count + index
        for step in range(first, self.steps, count):
            self._done += 1
            yield self.at(step)
        self._done = 0

    def at(self, step: int) -> Batch:
        """Return the batch of a step: rainy and clean, uint8 N x 3 x H x W."""
        first = (step * self.ranks + self.rank) * self.batch
        drawn = [self.pairs.pair(first + number) for number in range(self.batch)]
        rainy, clean = (np.stack([pair[side] for pair in drawn]).transpose(0, 3, 1, 2) for side in (0, 1))
        return torch.from_numpy(np.ascontiguousarray(rainy)), torch.from_numpy(np.ascontiguousarray(clean))

    def state_dict(self) -> dict[str, int]:
        """Return where this copy of the stream is: batches given out, by this worker where there are several."""
        return {"done": self._done}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue where `state` was taken; with the same number of workers."""
        self._done = state["done"]


def iterate(stream: BatchStream, workers: int = 0, pin: bool = False) -> Generator[Batch, None, None]:
    """Yield the batches of a stream, read ahead by a thread, or by `workers` processes.

    Parameters
    ----------
    stream : BatchStream
        What to read.
    workers : int
        Processes; 0 for one thread in this process, which is enough on a CPU (decoding releases the lock).
    pin : bool
        Whether to place batches in page-locked memory, for copies to a GPU.
    """
    if workers:
        yield from DataLoader(stream, batch_size=None, num_workers=workers, pin_memory=pin, prefetch_factor=4)
        return
    batches = ((rainy.pin_memory(), clean.pin_memory()) for rainy, clean in stream) if pin else stream
    with contextlib.closing(prefetch(batches, depth=4)) as ready:
        yield from ready


def _shares(weights: Sequence[float]) -> list[int]:
    """Return how many of a block of a thousand each weight gets: largest remainders, at least one each."""
    if not weights or min(weights) <= 0:
        raise RecipeError(f"a mixture needs corpora with weights above zero, not {list(weights)}")
    total = sum(weights)
    exact = [weight / total * _BLOCK for weight in weights]
    shares = [max(1, int(value)) for value in exact]
    by_rest = sorted(range(len(exact)), key=lambda index: int(exact[index]) - exact[index])
    for turn in range(_BLOCK - sum(shares)):
        shares[by_rest[turn % len(by_rest)]] += 1
    while sum(shares) > _BLOCK:
        shares[shares.index(max(shares))] -= 1
    return shares


def _digest(pools: Sequence[Pool]) -> str:
    """Return SHA-256 over weights, keys and pixel digests of everything that can be drawn."""
    digest = hashlib.sha256()
    for pool in pools:
        table = pool.corpus.samples.take(pa.array(pool.rows))
        columns = [name for name in ("key", "rainy_digest", "clean_digest") if name in table.column_names]
        digest.update(repr((pool.weight, columns)).encode())
        for name in columns:
            digest.update("\n".join(table[name].to_pylist()).encode() + b"\0")
    return digest.hexdigest()
