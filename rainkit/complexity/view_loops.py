"""The compiled loops of the views, in integers like those of the estimators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rainkit.complexity.loops import compiled
from rainkit.records import Pixels


@compiled
def shrink(picture: Pixels, across: NDArray[np.int32], down: NDArray[np.int32]) -> Pixels:
    """Return the area average of an RGB picture, uint8 H x W x 3, under tables of weights.

    A row of a table is (first, w0, w1, w2): an output pixel takes three neighbours from `first` with weights that add
    to 256, so that the sum of a column fits 16 bits.
    """
    height, width = picture.shape[0], picture.shape[1]
    out = np.empty((len(down), len(across), 3), np.uint8)
    line = np.zeros(3 * width + 6, np.uint16)  # two pixels of zeros, so that the last windows need no check
    flat = picture.reshape(height, 3 * width)
    for y in range(len(down)):
        first = down[y, 0]
        v0, v1, v2 = np.uint16(down[y, 1]), np.uint16(down[y, 2]), np.uint16(down[y, 3])
        r0, r1, r2 = flat[first], flat[min(first + 1, height - 1)], flat[min(first + 2, height - 1)]
        for x in range(3 * width):
            line[x] = v0 * np.uint16(r0[x]) + v1 * np.uint16(r1[x]) + v2 * np.uint16(r2[x])
        for x in range(len(across)):
            i = np.uint32(3 * across[x, 0])
            w0, w1, w2 = np.uint32(across[x, 1]), np.uint32(across[x, 2]), np.uint32(across[x, 3])
            out[y, x, 0] = (w0 * line[i] + w1 * line[i + 3] + w2 * line[i + 6] + np.uint32(32768)) >> np.uint32(16)
            out[y, x, 1] = (w0 * line[i + 1] + w1 * line[i + 4] + w2 * line[i + 7] + np.uint32(32768)) >> np.uint32(16)
            out[y, x, 2] = (w0 * line[i + 2] + w1 * line[i + 5] + w2 * line[i + 8] + np.uint32(32768)) >> np.uint32(16)
    return out


@compiled
def box(picture: Pixels, down: int, across: int, line: NDArray[np.uint16] | NDArray[np.uint32]) -> Pixels:
    """Return the means of whole rectangles of an RGB picture, uint8 (H // down) x (W // across) x 3.

    What is left at the right and below is left out. Sums are multiplied by a reciprocal of 40 bits and rounded. `line`
    is a row's space for sums, of 16 bits where they fit: twice as many then share an instruction.
    """
    height, width = picture.shape[0] // down, picture.shape[1] // across
    used = 3 * width * across
    flat = picture.reshape(picture.shape[0], 3 * picture.shape[1])
    out = np.empty((height, 3 * width), np.uint8)
    inverse = np.uint64(((1 << 40) + down * across // 2) // (down * across))
    half, shift = np.uint64(1 << 39), np.uint64(40)
    total = np.empty_like(line)
    for y in range(height):
        first = flat[y * down]
        for x in range(used):
            line[x] = first[x]
        for row in range(y * down + 1, (y + 1) * down):
            more = flat[row]
            for x in range(used):
                line[x] += more[x]
        # Sums of neighbours are made at every place, though few are kept: whole rows vectorise, strides do not.
        ends = used - 3 * (across - 1)
        for x in range(ends):
            total[x] = line[x]
        for step in range(1, across):
            shifted = line[3 * step : 3 * step + ends]
            for x in range(ends):
                total[x] += shifted[x]
        for x in range(width):
            i, o = 3 * across * x, 3 * x
            out[y, o] = (np.uint64(total[i]) * inverse + half) >> shift
            out[y, o + 1] = (np.uint64(total[i + 1]) * inverse + half) >> shift
            out[y, o + 2] = (np.uint64(total[i + 2]) * inverse + half) >> shift
    return out.reshape(height, width, 3)
