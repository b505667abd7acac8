"""The compiled loops of the guards, in integers like those of the estimators."""

from __future__ import annotations

import numpy as np

from rainkit.complexity.loops import Counts, compiled
from rainkit.records import Pixels


@compiled
def laplacians(plane: Pixels, side: int) -> Counts:
    """Return sums over whole tiles of |I * N| and of I, int64 rows x columns x 2; N = [1 -2 1; -2 4 -2; 1 -2 1]."""
    rows, columns = (plane.shape[0] - 2) // side, (plane.shape[1] - 2) // side
    sums = np.zeros((rows, columns, 2), np.int64)
    for y in range(rows * side):
        above, here, below = plane[y], plane[y + 1], plane[y + 2]
        for tile in range(columns):
            total, level = np.int32(0), np.int32(0)
            for x in range(tile * side, tile * side + side):
                corners = np.int32(above[x]) + np.int32(above[x + 2]) + np.int32(below[x]) + np.int32(below[x + 2])
                sides = np.int32(above[x + 1]) + np.int32(here[x]) + np.int32(here[x + 2]) + np.int32(below[x + 1])
                total += abs(corners - 2 * sides + 4 * np.int32(here[x + 1]))
                level += np.int32(here[x + 1])
            sums[y // side, tile, 0] += total
            sums[y // side, tile, 1] += level
    return sums


@compiled
def grid_steps(plane: Pixels) -> Counts:
    """Return how much larger a step to the next column is than its neighbours, by column modulo 8, int64 (8,).

    Sums of twice a difference less the two beside it, each limited to +-16 so that real edges do not outweigh blocks;
    as many columns of each phase are summed.
    """
    height, width = plane.shape
    sums = np.zeros(8, np.int64)
    used = (width - 3) // 8 * 8
    for y in range(height):
        line = plane[y]
        for x in range(used):
            before = abs(np.int32(line[x + 1]) - np.int32(line[x]))
            here = abs(np.int32(line[x + 2]) - np.int32(line[x + 1]))
            after = abs(np.int32(line[x + 3]) - np.int32(line[x + 2]))
            sums[x & 7] += min(16, max(-16, 2 * here - before - after))
    return sums
