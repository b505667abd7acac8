"""The figure of a card: samples of every stratum and rain, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from rainkit.data import open_corpus
from rainkit.files import write_bytes
from rainkit.images import encode_png
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
    first: dict[tuple[int, str], int] = {}
    for number, place in enumerate(zip(table["stratum"].to_pylist(), table["rain"].to_pylist(), strict=True)):
        first.setdefault(place, number)
    strata = sorted({stratum for stratum, _ in first})[:MAX_ROWS]
    rains = sorted({rain for _, rain in first})[:MAX_COLUMNS]
    return [[first.get((stratum, rain), -1) for rain in rains] for stratum in strata]


def draw_figure(folder: Path) -> Pixels:
    """Return the figure of a corpus: strata downward, rains rightward, each as the rainy picture beside the clean one.

    Returns
    -------
    uint8 array, H x W x 3, RGB
    """
    corpus = open_corpus(folder)
    grid = choose_samples(folder)
    pairs: dict[int, Pixels] = {}
    for row in {row for line in grid for row in line if row >= 0}:
        arrays = corpus.read(row, ("rainy", "clean"))
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
