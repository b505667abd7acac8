"""Integer kernels, compiled on first use and cached on disk; imported only inside the functions that run them.

Everything here is integer arithmetic (and one correctly rounded square root), so the results are the same on every
processor that numba supports. Nothing is parallel: the order of the sums never depends on threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)  # type: ignore[untyped-decorator]
def halve(values: Any, rounded: Any) -> None:
    """Round uint16 values, 65535 for 1, to uint8, 255 for 1."""
    for i in range(values.size):
        rounded[i] = (np.uint32(values[i]) * np.uint32(255) + np.uint32(32895)) >> np.uint32(16)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _slide(sums: Any, seeds: Any, row: Any, length: Any) -> None:
    """Move a running sum over `length` rows of seeds, so that it ends in `row`."""
    if row >= 0:
        for u in range(sums.size):
            sums[u] += seeds[row, u]
    if row >= length:
        for u in range(sums.size):
            sums[u] -= seeds[row - length, u]


@njit(cache=True)  # type: ignore[untyped-decorator]
def run_along(seeds: Any, shape: Any, boxes: Any, slope: Any, taps: Any) -> Any:
    """Return a layer of slanted streaks from seeds by running sums, uint8; the cost depends on the size alone.

    `seeds` (height + first + second - 2, columns) holds the weight of a streak where it begins, in columns that move
    by `slope` / 2**16 px a row and wrap around. Along, a streak is the trapezoid of two boxes of `first` and `second`
    rows; across, it is a row of `taps` (16, 2 n + 1), one for each sixteenth of a pixel, in units of 2**-14.
    """
    (height, width), (first, second) = shape, boxes
    columns = seeds.shape[1]
    count = taps.shape[1]
    layer = np.empty((height, width), dtype=np.uint8)
    newer = np.zeros(columns, dtype=np.int32)  # sums over `first` rows that end in this row
    older = np.zeros(columns, dtype=np.int32)  # the same, `second` rows earlier
    sums = np.zeros(columns, dtype=np.int32)
    line = np.empty(width + count - 1, dtype=np.int32)
    light = np.empty(width, dtype=np.int32)
    for row in range(seeds.shape[0]):
        _slide(newer, seeds, row, first)
        _slide(older, seeds, row - second, first)
        for u in range(columns):
            sums[u] += newer[u] - older[u]
        y = row - (first + second - 2)
        if y < 0:
            continue
        place = (y * slope) >> 12
        start = (-(place >> 4) - count // 2) % columns
        head = min(columns - start, line.size)
        line[:head] = sums[start : start + head]
        line[head:] = sums[: line.size - head]
        light[:] = 8192
        for j in range(count):
            tap = np.int32(taps[place & 15, j])
            for x in range(width):
                light[x] += tap * line[x + j]
        for x in range(width):
            layer[y, x] = min(np.int32(255), light[x] >> 14)
    return layer


@njit(cache=True)  # type: ignore[untyped-decorator]
def sow(streaks: Any, words: Any, frame: Any, turns: Any, tables: Any, sines: Any) -> None:  # noqa: PLR0917
    """Fill streak vectors from random words, four a streak.

    `frame` is (x, y, width, height) of where the middles lie, in 1/256 px. `turns` is (direction in the middle of the
    frame, its growth over a width of the frame, the standard deviation in 2**-16, quarter turns in the table); angles
    in the steps of the table of `sines`. `tables` (6, 4096) holds quantiles of length, width, softness, opacity, tail
    and head.
    """
    left, top, width, height = frame
    direction, fan, deviation, quarter = turns
    count = np.int64(streaks.shape[0])
    for i in range(count):
        word = words[4 * i]
        x = left + np.int64(((word >> np.uint64(32)) * np.uint64(width)) >> np.uint64(32))
        # One streak in each of as many equal bands: rows come in order, and neighbours in memory are drawn together.
        y = top + ((i << 16) + np.int64(word & np.uint64(0xFFFF))) * height // (count << 16)
        word = words[4 * i + 1]  # four uniform numbers add up to a nearly normal one of variance 1/3
        total = np.int64(0)
        for j in range(4):
            total += np.int64((word >> np.uint64(16 * j)) & np.uint64(0xFFFF))
        turn = direction + ((total - 131070) * deviation >> 32) + (fan * (2 * (x - left) - width)) // (2 * width)
        turn %= 4 * quarter
        length = np.int64(tables[0, np.int64(words[4 * i + 2] & np.uint64(4095))])
        for j in range(1, 5):
            streaks[i, 3 + j] = tables[j, np.int64((words[4 * i + 2] >> np.uint64(12 * j)) & np.uint64(4095))]
        streaks[i, 8] = tables[5, np.int64(words[4 * i + 3] & np.uint64(4095))]
        thick = max(np.int64(1), np.int64(streaks[i, 4]))
        streaks[i, 4] = thick
        # The drop sweeps its own width beyond the segment that its centre travels.
        travel = max(np.int64(0), length - thick)
        across, along = (travel * sines[turn]) >> 17, (travel * sines[(turn + quarter) % (4 * quarter)]) >> 17
        streaks[i, 0], streaks[i, 1] = x - across, y - along
        streaks[i, 2], streaks[i, 3] = x + across, y + along
