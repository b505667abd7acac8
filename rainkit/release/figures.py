"""The figure of a card: samples of every stratum and rain, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.data import Corpus
from rainkit.data.stores import LocalStore, Store
from rainkit.files import write_bytes
from rainkit.images import encode_png
from rainkit.manifest import check_path, members_of
from rainkit.records import Pixels
from rainkit.release.checksums import hash_file

FIGURE = "figures/samples.png"
"""Path of the figure within a corpus."""
SIDE = 128
"""Longest side of a picture in the figure, in pixels; smaller pictures are not enlarged."""
MAX_ROWS, MAX_COLUMNS = 8, 6
"""Most strata and rains that are shown."""
_GAP = 4


def choose_samples(folder: Path) -> list[list[int]]:
    """Return rows of the manifest as a grid: a line a stratum, in it the first sample of each rain, -1 for none."""
    table = pq.read_table(folder / "metadata" / "samples.parquet", columns=["stratum", "rain"])
    encoded = table["rain"].combine_chunks().dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    stratum = table["stratum"].to_numpy().astype(np.int64)
    least = int(stratum.min())
    places, rows = np.unique((stratum - least) * len(names) + encoded.indices.to_numpy(), return_index=True)
    first = {
        (place // len(names) + least, names[place % len(names)]): row
        for place, row in zip(places.tolist(), rows.tolist(), strict=True)
    }
    strata = sorted({stratum for stratum, _ in first})[:MAX_ROWS]
    rains = sorted({rain for _, rain in first})[:MAX_COLUMNS]
    return [[first.get((stratum, rain), -1) for rain in rains] for stratum in strata]


def take_rows(file: pq.ParquetFile, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """Return rows of a table in the given order; only their row groups are read, one at a time."""
    order = np.argsort(np.array(rows, dtype=np.int64), kind="stable")
    ends = np.cumsum([0, *(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))])
    wanted = np.array(rows, dtype=np.int64)[order]
    parts = []
    for group in range(file.num_row_groups):
        here = wanted[(wanted >= ends[group]) & (wanted < ends[group + 1])] - ends[group]
        if len(here):
            parts.append(file.read_row_group(group, columns=list(columns)).take(pa.array(here)))
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_tables(parts).take(pa.array(back)) if parts else file.schema_arrow.empty_table().select(columns)


def detail_columns(schema: pa.Schema, members: Mapping[str, str]) -> list[str]:
    """Return the columns that are wanted of a shown sample: all but the digests of its members."""
    digests = {f"{name}_digest" for name in members}
    return [name for name in schema.names if name not in digests]


def open_rows(store: Store, rows: pa.Table) -> Corpus:
    """Return a corpus of some rows of a samples table, so that a large table need not be held to read a few samples.

    Raises
    ------
    IntegrityError
        If the path of a shard leaves the corpus.
    """
    for path in rows["shard"].to_pylist():
        check_path(path, f"{store.address}/metadata/samples.parquet")
    few = Corpus(store)
    few.samples = rows
    return few


def draw_figure(folder: Path) -> Pixels:
    """Return the figure of a corpus: strata downward, rains rightward, each as the rainy picture beside the clean one.

    Returns
    -------
    uint8 array, H x W x 3, RGB
    """
    grid = choose_samples(folder)
    chosen = [row for line in grid for row in line if row >= 0]
    with pq.ParquetFile(folder / "metadata" / "samples.parquet") as file:
        details = take_rows(file, chosen, detail_columns(file.schema_arrow, members_of(file.schema_arrow)))
    corpus = open_rows(LocalStore(folder), details)
    pairs: dict[int, Pixels] = {}
    for number, row in enumerate(chosen):
        arrays = corpus.read(number, ("rainy", "clean"))
        pairs[row] = np.concatenate([shrink(arrays["rainy"], SIDE), shrink(arrays["clean"], SIDE)], axis=1)
    height = max(pair.shape[0] for pair in pairs.values()) + _GAP
    width = max(pair.shape[1] for pair in pairs.values()) + _GAP
    canvas = np.full((len(grid) * height - _GAP, len(grid[0]) * width - _GAP, 3), 255, dtype=np.uint8)
    for y, line in enumerate(grid):
        for x, row in enumerate(line):
            if row >= 0:
                pair = pairs[row]
                canvas[y * height : y * height + pair.shape[0], x * width : x * width + pair.shape[1]] = pair
    return canvas


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Return a picture whose longer side is at most `side` pixels, by the mean of equal blocks; never enlarged.

    Sums are whole numbers, so that every processor and every version of a library gives the same bytes. Up to a block
    less one pixel is cut at the right and lower edges.

    Parameters
    ----------
    pixels : uint8 array, H x W or H x W x C
        A picture.
    side : int
        At least 1, in pixels.
    """
    height, width = pixels.shape[:2]
    block = -(-max(height, width) // side)
    if block == 1:
        return pixels
    tall, wide = min(block, height), min(block, width)
    rows, columns = height // tall, width // wide
    kept = pixels[: rows * tall, : columns * wide]
    sums = kept.reshape(rows, tall, -1).sum(axis=1, dtype=np.uint32)
    sums = sums.reshape(rows, columns, wide, *pixels.shape[2:]).sum(axis=2, dtype=np.uint32)
    return np.asarray((sums + tall * wide // 2) // (tall * wide), dtype=np.uint8)


def write_figure(folder: Path) -> dict[str, str]:
    """Draw the figure into a corpus and return its path and SHA-256."""
    path = folder / FIGURE
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, encode_png(draw_figure(folder)))
    return {FIGURE: hash_file(path)[0]}
