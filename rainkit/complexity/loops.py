"""The compiled loops of the instrument: integer counts over rectangles of a plane.

Everything here is integer arithmetic, so its results are the same on every processor and in any order of addition; what
remains to be done with the counts (a logarithm, a ratio) happens once per number on Python's own floats. Numba is
imported with this module, which is why `rainkit.complexity` imports it only inside calls.

Each loop takes a plane, uint8 H x W (or H x W x 3), and rectangles, int32 N x 4 with columns x, y, w, h, all inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rainkit.records import Pixels

Rects = NDArray[np.int32]
Counts = NDArray[np.int64]
Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compile a loop on its first call and keep it on disk; its type stays what it says."""
    return cast(Loop, njit(cache=True)(loop))


@compiled
def _gradients_into(plane: Pixels, histogram: Counts) -> None:
    """Add the histogram of (|Gx| + |Gy|) >> 3 over the interior of a plane; G is Sobel's 3 x 3 operator."""
    height, width = plane.shape
    inner = width - 2
    row = np.empty(inner, np.uint8)
    second = np.zeros(256, np.int64)  # two tables, so that equal neighbours do not wait for one another
    for y in range(1, height - 1):
        above, here, below = plane[y - 1], plane[y], plane[y + 1]
        for x in range(inner):
            a, b, c = np.int32(above[x]), np.int32(above[x + 1]), np.int32(above[x + 2])
            d, f = np.int32(here[x]), np.int32(here[x + 2])
            g, h, i = np.int32(below[x]), np.int32(below[x + 1]), np.int32(below[x + 2])
            across = c + 2 * f + i - a - 2 * d - g
            down = g + 2 * h + i - a - 2 * b - c
            row[x] = (abs(across) + abs(down)) >> 3
        for x in range(0, inner - 1, 2):
            histogram[row[x]] += 1
            second[row[x + 1]] += 1
        if inner & 1:
            histogram[row[inner - 1]] += 1
    histogram += second


@compiled
def halve(plane: Pixels) -> Pixels:
    """Return 2 x 2 means, halves rounded up; an odd last row or column is left out."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    small = np.empty((height, width), np.uint8)
    for y in range(height):
        top, bottom = plane[2 * y], plane[2 * y + 1]
        for x in range(width):
            total = np.int32(top[2 * x]) + np.int32(top[2 * x + 1]) + np.int32(bottom[2 * x])
            small[y, x] = (total + np.int32(bottom[2 * x + 1]) + 2) >> 2
    return small


@compiled
def gradients(plane: Pixels, rects: Rects, scales: int) -> Counts:
    """Return histograms of gradient magnitude, int64 N x scales x 256; each scale halves the one before."""
    counts = np.zeros((len(rects), scales, 256), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        part = plane[y : y + h, x : x + w]
        for scale in range(scales):
            if scale:
                part = halve(part)
            _gradients_into(part, counts[n, scale])
    return counts


@compiled
def levels(plane: Pixels, rects: Rects) -> Counts:
    """Return histograms of the plane's values, int64 N x 256."""
    counts = np.zeros((len(rects), 256), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        for line in plane[y : y + h, x : x + w]:
            for value in line:
                counts[n, value] += 1
    return counts


@compiled
def colours(picture: Pixels, rects: Rects, bits: int) -> Counts:
    """Return the number of distinct colours with `bits` bits a channel, int64 (N,)."""
    counts = np.zeros(len(rects), np.int64)
    seen = np.full(1 << (3 * bits), -1, np.int32)
    drop = 8 - bits
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        found = 0
        for row in range(y, y + h):
            for column in range(x, x + w):
                red, green, blue = picture[row, column]
                index = ((((red >> drop) << bits) | (green >> drop)) << bits) | (blue >> drop)
                if seen[index] != n:
                    seen[index] = n
                    found += 1
        counts[n] = found
    return counts


@compiled
def _transform_strip(strip: NDArray[np.int32], matrix: NDArray[np.int32], shift: int) -> NDArray[np.int32]:
    """Return the block transform of a strip of blocks, (size, size * blocks) -> (size, size, blocks)."""
    size, width = strip.shape
    blocks = width // size
    half = 1 << (shift - 1) if shift else 0
    columns = np.zeros((size, width), np.int32)
    for k in range(size):
        for n in range(size):
            factor = matrix[k, n]
            for x in range(width):
                columns[k, x] += factor * strip[n, x]
    turned = np.empty((size, size, blocks), np.int32)
    for k in range(size):
        for b in range(blocks):
            for m in range(size):
                turned[m, k, b] = (columns[k, b * size + m] + half) >> shift
    lines = turned.reshape(size, size * blocks)
    out = np.zeros((size, size * blocks), np.int32)
    for k in range(size):
        for m in range(size):
            factor = matrix[k, m]
            for x in range(size * blocks):
                out[k, x] += factor * lines[m, x]
    return out.reshape(size, size, blocks)


@compiled
def _load_strip(plane: Pixels, top: int, size: int, strip: NDArray[np.int32]) -> None:
    for n in range(size):
        for x in range(strip.shape[1]):
            strip[n, x] = np.int32(plane[top + n, x]) - 128


@compiled
def energies(plane: Pixels, rects: Rects, matrix: NDArray[np.int32], shift: int, last: int) -> Counts:
    """Return sums of squared coefficients over the whole blocks, int64 N x size x size, [across, down].

    `shift` and `last` are the bits dropped after the first and the second pass, so that squares fit 31 bits.
    """
    size = len(matrix)
    sums = np.zeros((len(rects), size, size), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        blocks = w // size
        strip = np.empty((size, size * blocks), np.int32)
        for row in range(h // size):
            _load_strip(plane[y : y + h, x : x + w], row * size, size, strip)
            out = _transform_strip(strip, matrix, shift)
            for k in range(size):
                for m in range(size):
                    total = np.int64(0)
                    for b in range(blocks):
                        value = np.int64(out[k, m, b] >> last)
                        total += value * value
                    sums[n, k, m] += total
    return sums


@compiled
def significant(
    plane: Pixels, rects: Rects, matrix: NDArray[np.int32], shift: int, limits: NDArray[np.int32]
) -> Counts:
    """Return how many coefficients reach their limit in size, int64 (N,); limits are [across, down]."""
    size = len(matrix)
    counts = np.zeros(len(rects), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        blocks = w // size
        strip = np.empty((size, size * blocks), np.int32)
        for row in range(h // size):
            _load_strip(plane[y : y + h, x : x + w], row * size, size, strip)
            out = _transform_strip(strip, matrix, shift)
            for k in range(size):
                for m in range(size):
                    limit = limits[k, m]
                    found = np.int32(0)
                    for b in range(blocks):
                        found += np.int32(abs(out[k, m, b]) >= limit)
                    counts[n] += found
    return counts


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
def moments(plane: Pixels, rects: Rects) -> Counts:
    """Return sum and sum of squares of the plane's values, int64 N x 2."""
    sums = np.zeros((len(rects), 2), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        for row in range(y, y + h):
            line = plane[row, x : x + w]
            for column in range(w):
                value = np.int64(line[column])
                sums[n, 0] += value
                sums[n, 1] += value * value
    return sums


@compiled
def opponents(picture: Pixels, rects: Rects) -> Counts:
    """Return sums and sums of squares of R - G and of R + G - 2 B, int64 N x 4: sum, squares, sum, squares."""
    sums = np.zeros((len(rects), 4), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        for row in range(y, y + h):
            line = picture[row]
            for column in range(x, x + w):
                red, green, blue = np.int64(line[column, 0]), np.int64(line[column, 1]), np.int64(line[column, 2])
                first, second = red - green, red + green - 2 * blue
                sums[n, 0] += first
                sums[n, 1] += first * first
                sums[n, 2] += second
                sums[n, 3] += second * second
    return sums


@compiled
def sobel_moments(plane: Pixels, rects: Rects) -> Counts:
    """Return sums of the length of Sobel's gradient in 2^-16, and of its square, over interiors, int64 N x 2.

    The square root of an integer is correctly rounded everywhere, and the sums are of integers.
    """
    sums = np.zeros((len(rects), 2), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        for row in range(y + 1, y + h - 1):
            above, here, below = plane[row - 1, x : x + w], plane[row, x : x + w], plane[row + 1, x : x + w]
            lengths, squares = np.int64(0), np.int64(0)
            for i in range(w - 2):
                a, b, c = np.int32(above[i]), np.int32(above[i + 1]), np.int32(above[i + 2])
                d, f = np.int32(here[i]), np.int32(here[i + 2])
                g, h_, k = np.int32(below[i]), np.int32(below[i + 1]), np.int32(below[i + 2])
                across = c + 2 * f + k - a - 2 * d - g
                down = g + 2 * h_ + k - a - 2 * b - c
                square = across * across + down * down
                squares += np.int64(square)
                lengths += np.int64(np.sqrt(np.float64(square)) * 65536.0 + 0.5)
            sums[n, 0] += lengths
            sums[n, 1] += squares
    return sums


@compiled
def joint_differences(plane: Pixels, rects: Rects) -> Counts:
    """Return joint histograms of central differences in steps of 5 levels, int64 N x (103 * 103)."""
    counts = np.zeros((len(rects), 103 * 103), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        for row in range(y + 1, y + h - 1):
            for column in range(x + 1, x + w - 1):
                across = np.int32(plane[row, column + 1]) - np.int32(plane[row, column - 1])
                down = np.int32(plane[row + 1, column]) - np.int32(plane[row - 1, column])
                # An odd step has a middle bin, -2 to 2, so that a mirrored picture has the same value.
                counts[n, (across + 257) // 5 * 103 + (down + 257) // 5] += 1
    return counts


@compiled
def block_squares(plane: Pixels, rects: Rects, scales: int) -> Counts:
    """Return sums of squared block sums, int64 N x (scales + 2), blocks of side 1, 2, 4 ... 2^scales; last the sum.

    A rectangle is cut at the right and below to whole blocks of the largest side, so that the blocks nest.
    """
    sums = np.zeros((len(rects), scales + 2), np.int64)
    side = 1 << scales
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        width, height = w >> scales, h >> scales
        strip = np.empty((side, width * side), np.int64)
        for band in range(height):
            for row in range(side):
                line = plane[y + band * side + row, x : x + width * side]
                for column in range(width * side):
                    strip[row, column] = np.int64(line[column])
            rows, columns = side, width * side
            for scale in range(scales + 1):
                if scale:
                    rows, columns = rows // 2, columns // 2
                    for i in range(rows):
                        for j in range(columns):
                            upper = strip[2 * i, 2 * j] + strip[2 * i, 2 * j + 1]
                            strip[i, j] = upper + strip[2 * i + 1, 2 * j] + strip[2 * i + 1, 2 * j + 1]
                total = np.int64(0)
                for i in range(rows):
                    for j in range(columns):
                        total += strip[i, j] * strip[i, j]
                sums[n, scale] += total
            for j in range(width):
                sums[n, scales + 1] += strip[0, j]
    return sums
