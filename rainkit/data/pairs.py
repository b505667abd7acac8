"""Training pairs by number: random crops of the samples of one or several corpora, in an order that is addressed.

Pair number n is a function of (seed, n) alone: nothing is advanced, so that nobody has to have read what came before.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.errors import RecipeError
from rainkit.records import Pixels
from rainkit.seeds import Stream

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


@dataclass(frozen=True)
class Pool:
    """Rows of one corpus that take part in a mixture, in proportion to `weight`.

    Attributes
    ----------
    corpus : ReadableCorpus
        The corpus.
    rows : int64 array, shape (N,)
        Numbers of the rows.
    weight : float
        Above zero.
    continues : str
        Of a corpus whose rows go on after the last of `rows` without end: the digest of what decides them. Then `rows`
        are 0 to N - 1, gone through once, and N, N + 1, ... follow, none twice. Empty: `rows` begin again.
    """

    corpus: ReadableCorpus
    rows: NDArray[np.int64]
    weight: float = 1.0
    continues: str = ""

    def __post_init__(self) -> None:
        if self.continues and not np.array_equal(self.rows, np.arange(len(self.rows))):
            raise RecipeError("a pool that goes on without end begins with every row of its corpus, from 0 on")


class CorpusPairs:
    """An endless sequence of random crops of the pairs of one or several corpora.

    Each pool is gone through in random order, wholly before it begins again, or before the new rows of a pool that goes
    on without end follow in the order of its plan; pools alternate in blocks of a thousand pairs that hold their
    weights exactly. Flips are horizontal only: rain falls down.

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

    Raises
    ------
    RecipeError
        If the crop is larger than a picture, or a weight is not above zero.
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
        if patch is not None:
            _require_room(self.pools, patch)
        self.flip = flip
        self.digest = _digest(self.pools)
        self._rng = Stream(seed, "pairs")
        self._shares = _shares([pool.weight for pool in self.pools])
        self._orders: dict[tuple[object, ...], NDArray[np.int64]] = {}
        self._cache: dict[tuple[int, int], tuple[Pixels, Pixels]] = {}
        self._room = self._cache_bytes = cache_bytes

    def __getstate__(self) -> dict[str, Any]:
        # Pictures that one process decoded are no load for another.
        return {**self.__dict__, "_orders": {}, "_cache": {}, "_room": self._cache_bytes}

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
        if epoch and self.pools[pool].continues:
            return pool, before
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
        if size <= self._room and not self.pools[pool].continues:  # what goes on is never read twice
            self._room -= size
            self._cache[pool, row] = (rainy, clean)
        return rainy, clean


def _require_room(pools: Sequence[Pool], patch: int) -> None:
    """Raise where the table of a corpus says that a picture is smaller than the crop; not every corpus says it."""
    for pool in pools:
        table = pool.corpus.samples
        if not {"crop_w", "crop_h"} <= set(table.column_names):
            continue
        sides = np.minimum(table["crop_w"].to_numpy(), table["crop_h"].to_numpy())[pool.rows]
        small = np.flatnonzero(sides < patch)
        if small.size:
            key, side = table["key"][int(pool.rows[small[0]])].as_py(), sides[small[0]]
            raise RecipeError(
                f"{small.size} of {len(sides)} samples are smaller than the patch of {patch} px, such as {key} with a "
                f"side of {side} px: pictures must be at least {patch} px high and wide; choose a patch of at most "
                f"{sides.min()} px, or another corpus"
            )


def _shares(weights: Sequence[float]) -> list[int]:
    """Return how many of a block of a thousand each weight gets: largest remainders, at least one each."""
    if not weights or not all(0 < weight < math.inf for weight in weights):
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
        digest.update(pool.continues.encode())
        for name in columns:
            digest.update("\n".join(table[name].to_pylist()).encode() + b"\0")
    return digest.hexdigest()
