"""Hashes of many windows of a picture at once, by which a crop is found in what it was cut from."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rainkit.duplicates.hashing import LOW, average
from rainkit.records import Pixels

GRID = 80
"""Pixels of the square to which a picture is reduced before windows of it are hashed."""
STEP = 5
"""Edges of windows are multiples of this, in pixels of the grid: 1/16 of the picture."""
SHORTEST = 48
"""Shortest side of a window, in pixels of the grid: a crop that keeps less than 60 % of a side is not looked for."""

_SCALE = 1 << 12  # 28 bits of products, 8 of luma, 2 * 7 of sums: exact in a double


def list_intervals() -> list[tuple[int, int]]:
    """Return the intervals (start, end) of one axis, in pixels of the grid; the whole axis is the last."""
    edges = range(0, GRID + 1, STEP)
    found = [(start, end) for start in edges for end in edges if end - start >= SHORTEST]
    return sorted(found, key=lambda interval: (interval[1] - interval[0], interval))


@cache
def _bases() -> NDArray[np.float64]:
    """Return the cosines of each interval, zero outside it, shape (intervals * LOW, GRID)."""
    rows = []
    for start, end in list_intervals():
        length = end - start
        for u in range(LOW):
            row = np.zeros(GRID)
            row[start:end] = [round(math.cos(math.pi * (2 * x + 1) * u / (2 * length)) * _SCALE) for x in range(length)]
            rows.append(row)
    return np.array(rows)


def thumbnail(pixels: Pixels) -> Pixels:
    """Return the luma of a picture averaged to GRID x GRID, uint8; the aspect is not kept."""
    return average(pixels, GRID)


def hash_windows(square: Pixels) -> NDArray[np.uint64]:
    """Return the perceptual hash of every window of a thumbnail, shape (n * n,) for n intervals.

    The hash of window (i, j), interval i down and j across, stands at i * n + j. The cosines of a window are taken
    straight from the thumbnail: two products of matrices give all of them.

    Parameters
    ----------
    square : uint8 array, shape (GRID, GRID)
        `thumbnail` of the picture.
    """
    bases = _bases()
    count = bases.shape[0] // LOW
    bits = (bases @ square.astype(np.float64) @ bases.T > 0).reshape(count, LOW, count, LOW)
    bits[:, 0, :, 0] = False
    rows = np.packbits(bits, axis=3, bitorder="little")[..., 0]
    packed = np.ascontiguousarray(rows.transpose(0, 2, 1)).view("<u8")
    return np.asarray(packed.reshape(-1), dtype=np.uint64)


def window_of(number: int) -> tuple[int, int, int, int]:
    """Return x, y, width, height of a window, in pixels of the grid."""
    intervals = list_intervals()
    down, across = divmod(number, len(intervals))
    (top, bottom), (left, right) = intervals[down], intervals[across]
    return left, top, right - left, bottom - top
