"""The samples of a page by column, chosen by name, and what its tables say of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rainkit.data.stores import Store
from rainkit.errors import IntegrityError, RecipeError
from rainkit.manifest import TableKind, check_schema, metadata_of, read_table

SAMPLES = "metadata/samples.parquet"
NUMBERS = ("score", "psnr_rainy", "coverage", "rain_mean")
"""Columns that every samples table has and every page draws."""
MAX_LINES = 40
"""Lines of a table, and columns of a cross table; what is left out is counted."""
_FEW = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which samples are meant: those of any of the splits, strata, rains and keys that are named, or all.

    What is named together is what all of them have in common.
    """

    splits: tuple[str, ...] = ()
    strata: tuple[int, ...] = ()
    rains: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, tuple[Any, ...]]:
        """Column -> values that are asked for."""
        named = {"split": self.splits, "stratum": self.strata, "rain": self.rains, "key": self.keys}
        return {name: values for name, values in named.items() if values}


@dataclass(frozen=True, slots=True)
class Codes:
    """A column of names: the names in their order, and the number of its name for each sample, int64, shape (N,)."""

    names: tuple[str, ...]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Line:
    """A group of samples in a table: how many, of how many backgrounds, and means of their columns."""

    name: str
    samples: int
    backgrounds: int
    means: Mapping[str, float]


class Chosen:
    """Some or all samples of a corpus, by column.

    Parameters
    ----------
    store : Store
        The corpus.
    wanted : Wanted
        Which samples.
    order : mapping of str to sequence of str
        Names of splits and rains in the order of the recipe; others follow, sorted.

    Raises
    ------
    SourceError, IntegrityError
        If there is no manifest, or it is damaged.
    RecipeError
        If a name is not there, or no sample is meant.
    """

    def __init__(self, store: Store, wanted: Wanted, order: Mapping[str, Sequence[str]]) -> None:
        self.store, self.order = store, order
        self._data = pa.py_buffer(store.read(SAMPLES))
        try:
            self.schema: pa.Schema = pq.read_schema(pa.BufferReader(self._data))
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{store.address}/{SAMPLES} cannot be read as Parquet: {error}") from error
        check_schema(self.schema, "samples", f"{store.address}/{SAMPLES}")
        self.estimators: dict[str, str] = json.loads(metadata_of(self.schema).get("estimators", "{}"))
        names = ["split", "stratum", "rain", "background_id", *NUMBERS, *self.estimators]
        names += [name for name in ("ssim_rainy",) if name in self.schema.names]
        asked = [name for name in wanted.columns if name not in names]
        table = read_table(pa.BufferReader(self._data), "samples", [*names, *asked])
        self.total: int = table.num_rows
        self.rows = self._select(table, wanted)
        self.table: pa.Table = table.take(pa.array(self.rows)) if len(self.rows) < self.total else table

    def _select(self, table: pa.Table, wanted: Wanted) -> NDArray[np.int64]:
        mask = np.ones(table.num_rows, dtype=np.bool_)
        for name, values in wanted.columns.items():
            known = set(pc.unique(table[name]).to_pylist())
            strange = [value for value in values if value not in known]
            if strange:
                some = ", ".join(map(str, sorted(known)[:MAX_LINES])) if name != "key" else f"{len(known):,} others"
                raise RecipeError(f"{self.store.address} has no {name} {strange[0]!r}: it has {some}")
            mask &= pc.is_in(table[name], value_set=pa.array(values, table[name].type)).to_numpy()
        if not mask.any():
            raise RecipeError(f"{self.store.address} has no sample that is all of that; ask for less")
        return np.flatnonzero(mask)

    def file(self) -> pq.ParquetFile:
        """Return the samples table, opened."""
        return pq.ParquetFile(pa.BufferReader(self._data))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return np.asarray(self.table[name].to_numpy(), dtype=np.float64)

    def _encode(self, name: str) -> Codes:
        """Return a column of text by numbers, in the order in which its values appear."""
        column = self.table[name].combine_chunks().dictionary_encode()
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        return Codes(tuple(column.dictionary.to_pylist()), np.asarray(column.indices.to_numpy(), dtype=np.int64))

    def _encode_in_order(self, name: str) -> Codes:
        found = self._encode(name)
        first = {each: number for number, each in enumerate(self.order.get(name, ()))}
        names = sorted(found.names, key=lambda each: (first.get(each, len(first)), each))
        places = {each: number for number, each in enumerate(names)}
        return Codes(tuple(names), np.array([places[each] for each in found.names], dtype=np.int64)[found.numbers])

    @cached_property
    def split(self) -> Codes:
        """Split of each sample."""
        return self._encode_in_order("split")

    @cached_property
    def rain(self) -> Codes:
        """Rain of each sample."""
        return self._encode_in_order("rain")

    @cached_property
    def stratum(self) -> Codes:
        """Stratum of each sample; those that occur, ascending."""
        levels, numbers = np.unique(self.table["stratum"].to_numpy(), return_inverse=True)
        return Codes(tuple(map(str, levels.tolist())), numbers.astype(np.int64))

    @cached_property
    def background(self) -> Codes:
        """Background of each sample."""
        return self._encode("background_id")

    def lines(self, codes: Codes) -> list[Line]:
        """Return a line of a table for each name."""
        count = len(codes.names)
        samples = np.bincount(codes.numbers, minlength=count)
        pairs = np.unique(codes.numbers * len(self.background.names) + self.background.numbers)
        backgrounds = np.bincount(pairs // len(self.background.names), minlength=count)
        with np.errstate(invalid="ignore"):  # the PSNR of equal pictures may be infinite
            means = {
                name: np.bincount(codes.numbers, weights=self.numbers(name), minlength=count) / samples
                for name in NUMBERS
            }
        return [
            Line(name, int(samples[i]), int(backgrounds[i]), {key: float(mean[i]) for key, mean in means.items()})
            for i, name in enumerate(codes.names)
        ]

    def cross(self, rows: Codes, columns: Codes) -> list[list[int]]:
        """Return how many samples have each pair of names."""
        size = len(rows.names), len(columns.names)
        counts = np.bincount(rows.numbers * size[1] + columns.numbers, minlength=size[0] * size[1])
        found: list[list[int]] = counts.reshape(size).tolist()
        return found


def list_sources(store: Store, chosen: Chosen) -> list[dict[str, Any]]:
    """Return what each source gave: name, licences and attributions, pictures admitted, refused, and used."""
    columns = ("id", "source", "license", "attribution")
    admitted = _read(store, "backgrounds", columns)
    refused = _count(_read(store, "refused", ("source",)), "source")
    total = _count(admitted, "source")
    used = pc.is_in(admitted["id"], value_set=pa.array(chosen.background.names, pa.string()))
    uses = _count(admitted.filter(used), "source")
    return [
        {
            "name": name,
            "licenses": _several(admitted, name, "license"),
            "attributions": _several(admitted, name, "attribution"),
            "admitted": total.get(name, 0),
            "refused": refused.get(name, 0),
            "used": uses.get(name, 0),
        }
        for name in sorted({*total, *refused})
    ]


def list_refusals(store: Store) -> list[tuple[str, str, int]]:
    """Return reason, source and number of refused pictures, the most frequent reasons first."""
    table = _read(store, "refused", ("source", "reason"))
    rows = table.group_by(["reason", "source"]).aggregate([([], "count_all")]).to_pylist()
    total: dict[str, int] = {}
    for row in rows:
        total[row["reason"]] = total.get(row["reason"], 0) + row["count_all"]
    found = [(row["reason"], row["source"], row["count_all"]) for row in rows]
    return sorted(found, key=lambda each: (-total[each[0]], each[0], -each[2], each[1]))


def _read(store: Store, kind: TableKind, columns: Iterable[str]) -> pa.Table:
    data = pa.py_buffer(store.read(f"metadata/{kind}.parquet"))
    return read_table(pa.BufferReader(data), kind, list(columns))


def _count(table: pa.Table, name: str) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(table[name]).to_pylist()}


def _several(table: pa.Table, source: str, column: str) -> str:
    """Return the first few different values that a source states, and how many more there are."""
    stated = sorted(set(pc.unique(table.filter(pc.equal(table["source"], source))[column]).to_pylist()) - {""})
    return "; ".join(stated[:_FEW]) + (f" and {len(stated) - _FEW:,} more" if len(stated) > _FEW else "")
