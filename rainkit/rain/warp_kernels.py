"""The integer warp of streak pictures; compiled on first use, cached on disk."""

from __future__ import annotations

from typing import Any

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
    for y in range(height):
        for x in range(width):
            u = min(max(matrix[0] * x + matrix[1] * y + matrix[2], 0), most_u)
            v = min(max(matrix[3] * x + matrix[4] * y + matrix[5], 0), most_v)
            i, j = min(u >> SHIFT, source.shape[1] - 2), min(v >> SHIFT, source.shape[0] - 2)
            p, q = (u - (i << SHIFT)) >> 8, (v - (j << SHIFT)) >> 8
            upper = (256 - p) * source[j, i] + p * source[j, i + 1]
            lower = (256 - p) * source[j + 1, i] + p * source[j + 1, i + 1]
            warped[y, x] = ((256 - q) * upper + q * lower + 32768) >> 16
