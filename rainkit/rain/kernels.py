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
def plant(seeds: Any, words: Any, values: Any) -> None:
    """Set seeds at random places of a flat field, by two words each: N for places, then N for weights.

    A weight is 255 less one of the first `values` integers.
    """
    count, size = words.size >> 1, np.uint64(seeds.size)
    for i in range(count):
        place = ((words[i] >> np.uint64(32)) * size) >> np.uint64(32)
        less = ((words[count + i] >> np.uint64(32)) * np.uint64(values)) >> np.uint64(32)
        seeds[place] = np.uint8(np.uint64(255) - less)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _grow(sums: Any, growth: Any, seeds: Any, row: Any, boxes: Any) -> None:
    """Move the sums along the streaks to `row`: the second differences of a trapezoid are +1 -1 -1 +1."""
    first, second = boxes
    if row >= first + second:
        begin, level, fall, end = seeds[row], seeds[row - first], seeds[row - second], seeds[row - first - second]
        for u in range(sums.size):
            growth[u] += np.int32(begin[u]) - np.int32(level[u]) - np.int32(fall[u]) + np.int32(end[u])
    else:
        for back, sign in ((0, 1), (first, -1), (second, -1)):
            if row >= back:
                for u in range(sums.size):
                    growth[u] += np.int32(sign) * np.int32(seeds[row - back, u])
    for u in range(sums.size):
        sums[u] += growth[u]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _spread(light: Any, line: Any, taps: Any) -> None:
    """Weigh a line by taps, from half a unit for rounding; four at a time, so that sums stay in registers longer."""
    light[:] = 8192
    count, j = taps.size, 0
    while j + 4 <= count:
        a, b, c, d = taps[j], taps[j + 1], taps[j + 2], taps[j + 3]
        first, second, third, fourth = line[j:], line[j + 1 :], line[j + 2 :], line[j + 3 :]
        for x in range(light.size):
            light[x] += a * first[x] + b * second[x] + c * third[x] + d * fourth[x]
        j += 4
    while j < count:
        a, first = taps[j], line[j:]
        for x in range(light.size):
            light[x] += a * first[x]
        j += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def run_along(seeds: Any, layer: Any, boxes: Any, slope: Any, taps: Any) -> None:
    """Draw slanted streaks from seeds by running sums into a uint8 layer; the cost depends on the size alone.

    `seeds` (height + first + second - 2, columns) holds the weight of a streak where it begins, in columns that move
    by `slope` / 2**16 px a row and wrap around. Along, a streak is the trapezoid of two boxes of `first` and `second`
    rows; across, it is a row of `taps` (16, 2 n + 1), one for each sixteenth of a pixel, in units of 2**-14.
    """
    width, (first, second) = layer.shape[1], boxes
    columns, count = seeds.shape[1], taps.shape[1]
    growth = np.zeros(columns, dtype=np.int32)
    sums = np.zeros(columns, dtype=np.int32)
    line = np.empty(width + count - 1, dtype=np.int32)
    light = np.empty(width, dtype=np.int32)
    for row in range(seeds.shape[0]):
        _grow(sums, growth, seeds, row, boxes)
        y = row - (first + second - 2)
        if y < 0:
            continue
        place = (y * slope) >> 12
        start = (-(place >> 4) - count // 2) % columns
        head = min(columns - start, line.size)
        line[:head] = sums[start : start + head]
        line[head:] = sums[: line.size - head]
        _spread(light, line, taps[place & 15])
        for x in range(width):
            layer[y, x] = min(np.int32(255), light[x] >> 14)


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
