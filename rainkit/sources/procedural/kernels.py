"""Integer loops of the drawn backgrounds, compiled on first use; imported only inside the functions that run them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rainkit.records import Pixels

_BITS = 14  # of a spline's weights
_ONE = 1 << _BITS


@njit(cache=True)  # type: ignore[untyped-decorator]
def _spline(cells: NDArray[np.int64], weights: NDArray[np.int64], step: int, phase: int) -> None:
    """Fill the first lattice point and the four cubic B-spline weights of each pixel; step and phase in 1/65536."""
    for i in range(cells.shape[0]):
        place = phase + i * step
        cells[i] = place >> 16
        t = (place & 0xFFFF) >> (16 - _BITS)
        s = _ONE - t
        weights[i, 0] = s * s * s // (6 * _ONE * _ONE)
        weights[i, 3] = t * t * t // (6 * _ONE * _ONE)
        weights[i, 1] = (4 * _ONE * _ONE * _ONE - 6 * t * t * _ONE + 3 * t * t * t) // (6 * _ONE * _ONE)
        weights[i, 2] = _ONE - weights[i, 0] - weights[i, 1] - weights[i, 3]


@njit(cache=True)  # type: ignore[untyped-decorator]
def add_octave(
    out: NDArray[np.int32], lattice: NDArray[np.int32], steps: tuple[int, int], phases: tuple[int, int], gain: int
) -> None:
    """Add one octave of value noise: a lattice of 0..65535 through a cubic B-spline, times gain / 1024.

    Steps are lattice points per pixel in 1/65536, for rows and columns.
    """
    height, width = out.shape
    row_cells, row_weights = np.empty(height, np.int64), np.empty((height, 4), np.int64)
    cells, weights = np.empty(width, np.int64), np.empty((width, 4), np.int64)
    _spline(row_cells, row_weights, steps[0], phases[0])
    _spline(cells, weights, steps[1], phases[1])
    points = cells[width - 1] + 4
    line = np.empty(points, np.int64)
    for y in range(height):
        top = row_cells[y]
        a, b, c, d = row_weights[y]
        for i in range(points):
            line[i] = a * lattice[top, i] + b * lattice[top + 1, i] + c * lattice[top + 2, i] + d * lattice[top + 3, i]
        for x in range(width):
            i = cells[x]
            value = (
                weights[x, 0] * line[i]
                + weights[x, 1] * line[i + 1]
                + weights[x, 2] * line[i + 2]
                + weights[x, 3] * line[i + 3]
            )
            out[y, x] += (value * gain) >> (2 * _BITS + 10)


@njit(cache=True)  # type: ignore[untyped-decorator]
def nearest_cells(
    height: int, width: int, cell: tuple[int, int], jitter: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return each pixel's nearest site and how far the nearest border between sites is, in 1/16 pixel.

    One site lies in each cell of a grid, at `jitter` (rows x columns x 2, y first, in 1/16 pixel from
    the cell's corner).
    Odd rows are shifted by half a cell, so that an unjittered grid gives hexagons.
    """
    rows, columns = jitter.shape[:2]
    site = np.empty((height, width), np.int32)
    border = np.empty((height, width), np.int32)
    near = np.empty((15, 3), np.int64)
    down, across = np.empty((rows, columns), np.int64), np.empty((rows, columns), np.int64)
    for r in range(rows):
        for c in range(columns):
            down[r, c] = (r - 1) * cell[0] + jitter[r, c, 0]
            across[r, c] = (c - 1) * cell[1] + (cell[1] // 2) * (r & 1) + jitter[r, c, 1]
    centres = np.empty((2, width), np.int64)
    for x in range(width):
        centres[0, x] = (x * 16) // cell[1] + 1
        centres[1, x] = (x * 16 - cell[1] // 2) // cell[1] + 1
    for y in range(height):
        middle = (y * 16) // cell[0] + 1
        for x in range(width):
            count, first, best, px, py = 0, np.int64(1 << 60), 0, np.int64(0), np.int64(0)
            for r in range(max(0, middle - 2), min(rows, middle + 3)):
                centre = centres[r & 1, x]
                for c in range(max(0, centre - 1), min(columns, centre + 2)):
                    dy, dx = down[r, c] - y * 16, across[r, c] - x * 16
                    distance = np.int64(dx * dx + dy * dy)
                    near[count, 0], near[count, 1], near[count, 2] = distance, dx, dy
                    count += 1
                    if distance < first:
                        first, px, py, best = distance, dx, dy, r * columns + c
            # The border to a site is where both distances are equal: their difference over twice the gap.
            least = 1e9
            for i in range(count):
                rest = near[i, 0] - first
                if rest <= 0:
                    continue
                gap = (near[i, 1] - px) ** 2 + (near[i, 2] - py) ** 2
                if np.float64(rest) * rest < 4.0 * least * least * gap:
                    least = rest / (2.0 * np.sqrt(np.float64(gap)))
            site[y, x] = best
            border[y, x] = np.int32(min(least, 1e6))
    return site, border


@njit(cache=True)  # type: ignore[untyped-decorator]
def mix(under: Pixels, over: Pixels, alpha: Pixels) -> None:
    """Lay `over` on `under` in place with `alpha`, 0..255, rounded to nearest; `over` may be 1 x 1, a plain colour."""
    height, width, _ = under.shape
    plain = over.shape[0] == 1
    for y in range(height):
        for x in range(width):
            a = np.uint32(alpha[y, x])
            if a == 0:
                continue
            row, column = (0, 0) if plain else (y, x)
            for band in range(3):
                value = np.uint32(under[y, x, band]) * (255 - a) + np.uint32(over[row, column, band]) * a + 128
                under[y, x, band] = (value + (value >> 8)) >> 8  # the rounded quotient by 255


@njit(cache=True)  # type: ignore[untyped-decorator]
def shade(picture: Pixels, light: NDArray[np.int16]) -> None:
    """Multiply a picture in place by light / 256, saturating."""
    height, width, _ = picture.shape
    for y in range(height):
        for x in range(width):
            factor = np.int32(light[y, x])
            for band in range(3):
                value = (np.int32(picture[y, x, band]) * factor + 128) >> 8
                picture[y, x, band] = np.minimum(value, 255)


@njit(cache=True)  # type: ignore[untyped-decorator]
def slopes(field: NDArray[np.int32], factor: int) -> NDArray[np.int16]:
    """Return the light on a surface from the upper left: 256 plus factor / 2^15 times the rise, within 96..416."""
    height, width = field.shape
    out = np.empty((height, width), np.int16)
    for y in range(height):
        row = max(y, 1)
        for x in range(width):
            column = max(x, 1)
            here = np.int64(field[row, column])
            rise = 2 * here - field[row - 1, column] - field[row, column - 1]
            out[y, x] = min(max(256 + ((rise * factor) >> 15), 96), 416)
    return out
