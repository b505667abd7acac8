"""The integer warp of streak pictures; compiled on first use, cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

SHIFT = 16  # fractional bits of positions


@njit(cache=True)  # type: ignore[untyped-decorator]
def warp(source: Any, matrix: Any, warped: Any) -> None:
    """Fill `warped` by bilinear interpolation at integer positions in a grey picture.

    Parameters
    ----------
    source : uint8 array, h x w
        At least 2 x 2; positions outside take the nearest pixel.
    matrix : int64 array, 6
        a, b, c, d, e, f in 2^-16 px: the pixel (x, y) shows the source at (a x + b y + c, d x + e y + f).
    warped : uint8 array, H x W
        Result.
    """
    height, width = warped.shape
    most_u, most_v = (source.shape[1] - 1) << SHIFT, (source.shape[0] - 1) << SHIFT
    last_i, last_j = source.shape[1] - 2, source.shape[0] - 2
    for y in range(height):
        u, v = matrix[1] * y + matrix[2], matrix[4] * y + matrix[5]
        for x in range(width):
            right, down = min(max(u, 0), most_u), min(max(v, 0), most_v)
            i, j = np.uint64(min(right >> SHIFT, last_i)), np.uint64(min(down >> SHIFT, last_j))
            p, q = (right - (np.int64(i) << SHIFT)) >> 8, (down - (np.int64(j) << SHIFT)) >> 8
            one = np.uint64(1)
            upper = (256 - p) * np.int64(source[j, i]) + p * np.int64(source[j, i + one])
            lower = (256 - p) * np.int64(source[j + one, i]) + p * np.int64(source[j + one, i + one])
            warped[y, x] = ((256 - q) * upper + q * lower + 32768) >> 16
            u += matrix[0]
            v += matrix[3]


@njit(cache=True)  # type: ignore[untyped-decorator]
def blend(layers: Any, weights: Any, blended: Any) -> None:
    """Fill flat `blended` with the average of flat layers (N, pixels) by weights that add up to 65536, rounded."""
    total = np.empty(4096, dtype=np.uint32)
    for start in range(0, blended.size, total.size):
        stop = min(blended.size, start + total.size)
        total[:] = np.uint32(32768)
        for n in range(layers.shape[0]):
            weight = np.uint32(weights[n])
            for k in range(stop - start):
                total[k] += np.uint32(weight * np.uint32(layers[n, start + k]))
        for k in range(stop - start):
            blended[start + k] = np.uint8(total[k] >> np.uint32(16))
