"""A split of a corpus whose samples are drawn when they are read."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.data.pairs import Pool
from rainkit.errors import IntegrityError, SourceError
from rainkit.images import pixel_digest, use_threads
from rainkit.live.held import HeldBackgrounds
from rainkit.live.planning import LivePlan
from rainkit.manifest import member_column
from rainkit.recipe import fingerprint, list_components
from rainkit.records import Sample
from rainkit.release.original import Original
from rainkit.samples import PERIOD, describe, members, render

CACHE_BYTES = 1 << 30
"""Decoded backgrounds that a process keeps in memory, in bytes."""

# Samples are planned in blocks; five of them fill a period of the plan, which none straddles.
_BLOCK = PERIOD // 5
_BLOCKS = 4
_FORMAT = "live/1"
_PLANNED = (
    "key", "split", "index", "stratum", "background_id", "crop_x", "crop_y", "crop_w", "crop_h", "score",
    "score_spread", "rain", "rain_seed",
)  # fmt: skip


class LiveCorpus:
    """A split that is drawn while it is read: its N rows as the manifest has them, then new ones without end.

    It reads like `rainkit.data.Corpus`, and so takes its place in `CorpusDataset` and `CorpusPairs`. It pickles without
    the pictures that it holds; forked and spawned workers, and threads, may read it.

    Parameters
    ----------
    address : str
        Where the corpus or release lies.
    original : Original
        The corpus; its table holds the rows of the split alone.
    split : str
        The split.
    live : LivePlan
        The plan that goes on after them.
    cache_bytes : int
        Decoded backgrounds that a process keeps in memory.
    """

    def __init__(self, address: str, original: Original, split: str, live: LivePlan, cache_bytes: int) -> None:
        self.address, self.original, self.split, self.plan = address, original, split, live.plan
        self.held = HeldBackgrounds(live.backgrounds, live.pictures, cache_bytes)
        self.members: dict[str, str] = {member_column(each): each for each in members(original.recipe)}
        self._blocks: dict[int, list[Sample]] = {}
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in {"_columns", "_rows", "digest"}}
        return {**state, "_blocks": {}, "_process": -1}

    def __repr__(self) -> str:
        return f"LiveCorpus({self.address!r}, {self.split!r})"

    def __len__(self) -> int:
        """Return how many rows the manifest has; reading goes on after them."""
        return int(self.samples.num_rows)

    @property
    def samples(self) -> pa.Table:
        """Rows of the split in the manifest."""
        return self.original.table

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides every sample after the last row, wherever it lies, as hexadecimal digits."""
        plan, digest = self.plan, hashlib.sha256(f"{_FORMAT}/{self.split}/{fingerprint(self.plan.recipe)}\n".encode())
        for background in plan.backgrounds:
            digest.update(f"{background.id}/{background.digest}/{background.group}\n".encode())
        for array in (plan.units.background, plan.units.rect, plan.units.stratum):
            digest.update(np.ascontiguousarray(array).tobytes())
        for component in list_components(plan.recipe.rain):
            digest.update(f"{component.content()}\n".encode())
        for name, picture in sorted(self.held.pictures.items()):
            if picture.depth is not None:
                digest.update(f"{name}/{pixel_digest(picture.depth())}\n".encode())
        return digest.hexdigest()

    @cached_property
    def _columns(self) -> dict[str, pa.Array]:
        """Columns of the manifest that say what a sample is drawn from, each in one piece: read one cell at a time."""
        return {name: self.samples[name].chunk(0) for name in (*_PLANNED, *self.original.kinds)}

    def pool(self, weight: float = 1.0) -> Pool:
        """Return the endless pool of training pairs of this split, for `rainkit.data.pairs.CorpusPairs`."""
        return Pool(self, np.arange(len(self)), weight, continues=self.digest)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """Row of each index of the manifest: shards of one stratum each put them in another order."""
        return np.argsort(self.samples["index"].to_numpy(), kind="stable").astype(np.int64)

    def hold(self, threads: int = 1) -> int:
        """Decode backgrounds ahead, as many as there is room for, and return how many are held.

        Workers that are forked after it share their memory; without it each worker decodes and holds its own.

        Parameters
        ----------
        threads : int
            Decoders at a time.

        Raises
        ------
        SourceError
            If a background cannot be read any more.
        """
        return self.held.fill(threads)

    def row_of(self, sample: int | str) -> int:
        """Return the row of a sample, given by its index in the split or its key; later rows equal the index.

        Raises
        ------
        SourceError
            If there is no such sample.
        """
        if isinstance(sample, str):
            split, _, digits = sample.rpartition("-")[0].rpartition("-")
            row = self.row_of(int(digits)) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else -1
            if split != self.split or row < 0 or self.sample(row).key != sample:
                raise SourceError(f"{self.address}: {self.split!r} has no sample {sample!r}")
            return row
        return int(self._rows[sample]) if 0 <= sample < len(self) else sample

    def sample(self, row: int) -> Sample:
        """Return what a sample is drawn from.

        Parameters
        ----------
        row : int
            From 0; without end.

        Raises
        ------
        SourceError
            If it is negative.
        """
        if row < 0:
            raise SourceError(f"{self.address}: samples are counted from 0, there is no {row}")
        if row < len(self):
            return self.original.sample({name: column[row].as_py() for name, column in self._columns.items()})
        number, offset = divmod(row, _BLOCK)
        block = self._blocks.get(number)
        if block is None:
            block = self.plan.rows(self.split, number * _BLOCK, (number + 1) * _BLOCK)
            # Another thread may do the same: each step is atomic, and any outcome is right.
            if len(self._blocks) >= _BLOCKS:
                self._blocks.pop(next(iter(list(self._blocks))), None)
            self._blocks[number] = block
        return block[offset]

    def read(self, row: int | str, members: Sequence[str] | None = None) -> dict[str, Any]:
        """Draw a sample and return members of it, as `rainkit.data.Corpus.read` returns them from a shard.

        Parameters
        ----------
        row : int or str
            Row, from 0 and without end; or key.
        members : sequence of str, optional
            Which, such as `("rainy", "clean")`; all without it.

        Returns
        -------
        dict
            uint8 H x W x 3 (RGB) or H x W for pictures, an array for `.npy`, a dict for JSON.

        Raises
        ------
        SourceError
            If there is no such sample or member, or its background cannot be read any more.
        IntegrityError
            If a sample of the manifest comes out otherwise than its digest says.
        """
        self._settle()
        names = tuple(self.members) if members is None else tuple(members)
        for name in names:
            if name not in self.members:
                raise SourceError(f"{self.address} has no member {name!r}: it has {', '.join(self.members)}")
        row = self.row_of(row) if isinstance(row, str) else int(row)
        found = self._draw(self.sample(row), names)
        if row < len(self):
            self._check(row, found)
        return found

    def _draw(self, sample: Sample, names: Sequence[str]) -> dict[str, Any]:
        pixels, depth = self.held.get(sample.background_id)
        rendered = render(sample, pixels, self.original.recipe, depth)
        found: dict[str, Any] = {name: rendered.arrays.get(self.members[name]) for name in names}
        if "json" in found:
            origin = self.held.backgrounds[sample.background_id]
            found["json"] = describe(sample, origin.source, origin.license, origin.attribution, rendered.labels)
        return found

    def _check(self, row: int, found: dict[str, Any]) -> None:
        """Raise unless arrays have the pixels that the manifest says."""
        for name, array in found.items():
            if isinstance(array, np.ndarray) and pixel_digest(array) != self.samples[f"{name}_digest"][row].as_py():
                raise IntegrityError(
                    f"{self.address}: {name} of {self.samples['key'][row]} does not come out as the manifest says; "
                    f"the manifest or the recipe was edited, or this rainkit draws otherwise"
                )

    def _settle(self) -> None:
        """Draw with one thread where this is a worker: workers are counted by those who start them."""
        if self._process != os.getpid():
            self._process = os.getpid()
            if multiprocessing.parent_process() is not None:
                use_threads(1)
