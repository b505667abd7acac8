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
            a, b, c = np.int16(above[x]), np.int16(above[x + 1]), np.int16(above[x + 2])
            d, f = np.int16(here[x]), np.int16(here[x + 2])
            g, h, i = np.int16(below[x]), np.int16(below[x + 1]), np.int16(below[x + 2])
            # Numba widens every sum to 64 bits; narrowing it again lets 16 pixels share an instruction.
            across, down = np.int16(c + 2 * f + i - a - 2 * d - g), np.int16(g + 2 * h + i - a - 2 * b - c)
            row[x] = np.uint16(abs(across) + abs(down)) >> 3
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
            upper, lower = np.uint16(top[2 * x]) + top[2 * x + 1], np.uint16(bottom[2 * x]) + bottom[2 * x + 1]
            small[y, x] = np.uint16(upper + lower + 2) >> 2
    return small


@compiled
def gradients(plane: Pixels, rects: Rects, scales: int) -> Counts:
    """Return histograms of gradient magnitude, int64 N x scales x 256; each scale halves the one before."""
    counts = np.zeros((len(rects), scales, 256), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        # A part of a plane is not contiguous, and what is not contiguous is not vectorised.
        part = np.ascontiguousarray(plane[y : y + h, x : x + w])
        for scale in range(scales):
            if scale:
                part = halve(part)
            _gradients_into(part, counts[n, scale])
    return counts


@compiled
def levels(plane: Pixels, rects: Rects) -> Counts:
    """Return histograms of the plane's values, int64 N x 256."""
    counts = np.zeros((len(rects), 256), np.int64)
    second = np.zeros(256, np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        first = counts[n]
        for row in range(y, y + h):
            line = plane[row, x : x + w]
            for i in range(0, w - 1, 2):
                first[line[i]] += 1
                second[line[i + 1]] += 1
            if w & 1:
                first[line[w - 1]] += 1
        for value in range(256):
            first[value] += second[value]
            second[value] = 0
    return counts


@compiled
def level_words(words: NDArray[np.uint64]) -> Counts:
    """Return the histogram of the bytes of words, int64 1 x 256: twice as fast as byte by byte."""
    t0, t1, t2, t3 = np.zeros(256, np.int64), np.zeros(256, np.int64), np.zeros(256, np.int64), np.zeros(256, np.int64)
    byte, half = np.uint64(255), np.uint64(32)
    s1, s2, s3 = np.uint64(8), np.uint64(16), np.uint64(24)
    for i in range(len(words)):
        word = words[i]
        t0[word & byte] += 1
        t1[(word >> s1) & byte] += 1
        t2[(word >> s2) & byte] += 1
        t3[(word >> s3) & byte] += 1
        word = word >> half
        t0[word & byte] += 1
        t1[(word >> s1) & byte] += 1
        t2[(word >> s2) & byte] += 1
        t3[word >> s3] += 1
    return (t0 + t1 + t2 + t3).reshape(1, 256)


@compiled
def colours(picture: Pixels, rects: Rects, bits: int) -> Counts:
    """Return the number of distinct colours with `bits` bits a channel, int64 (N,)."""
    counts = np.zeros(len(rects), np.int64)
    seen = np.empty(1 << (3 * bits), np.uint8)
    drop = np.uint8(8 - bits)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        seen[:] = 0
        for row in range(y, y + h):
            line = picture[row]
            for i in range(x, x + w):
                red, green, blue = np.uint32(line[i, 0] >> drop), np.uint32(line[i, 1] >> drop), line[i, 2] >> drop
                seen[(((red << bits) | green) << bits) | blue] = 1
        found = np.int64(0)
        for cell in seen:
            found += cell
        counts[n] = found
    return counts


@compiled
def _transform_rows(rows: NDArray[np.int32], matrix: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    """Multiply `matrix` with `rows`, both with `size` rows, into `out`.

    Even rows of the matrix are symmetric and odd ones antisymmetric, as those of cosine and Walsh bases are, so sums
    and differences of mirrored rows halve the work. Four products at a time keep the sums in registers.
    """
    size, width = rows.shape
    half = size // 2
    pairs = np.empty((size, width), np.int32)
    for n in range(half):
        for x in range(width):
            pairs[n, x] = rows[n, x] + rows[size - 1 - n, x]
            pairs[half + n, x] = rows[n, x] - rows[size - 1 - n, x]
    for k in range(size):
        start = half * (k & 1)
        for n in range(0, half, 4):
            f0, f1, f2, f3 = matrix[k, n], matrix[k, n + 1], matrix[k, n + 2], matrix[k, n + 3]
            p0, p1, p2, p3 = pairs[start + n], pairs[start + n + 1], pairs[start + n + 2], pairs[start + n + 3]
            if n == 0:
                for x in range(width):
                    out[k, x] = f0 * p0[x] + f1 * p1[x] + f2 * p2[x] + f3 * p3[x]
            else:
                for x in range(width):
                    out[k, x] += f0 * p0[x] + f1 * p1[x] + f2 * p2[x] + f3 * p3[x]


@compiled
def _transform_strip(plane: Pixels, top: int, matrix: NDArray[np.int32], shift: int, out: NDArray[np.int32]) -> None:
    """Write the block transform of a row of blocks into `out`, size x size x blocks: down, across, block."""
    size, _, blocks = out.shape
    turned = np.empty((size, size * blocks), np.int32)
    for n in range(size):
        line = plane[top + n]
        for m in range(size):
            for b in range(blocks):
                turned[m, n * blocks + b] = np.int32(line[b * size + m]) - 128
    across = np.empty((size, size * blocks), np.int32)
    _transform_rows(turned, matrix, across)
    half = 1 << (shift - 1) if shift else 0
    for n in range(size):
        for k in range(size):
            source, target = across[k, n * blocks : (n + 1) * blocks], turned[n, k * blocks : (k + 1) * blocks]
            for b in range(blocks):
                target[b] = (source[b] + half) >> shift
    _transform_rows(turned, matrix, out.reshape(size, size * blocks))


@compiled
def energies(plane: Pixels, rects: Rects, matrix: NDArray[np.int32], shift: int, last: int) -> Counts:
    """Return sums of squared coefficients over the whole blocks, int64 N x size x size, [down, across].

    `shift` and `last` are the bits dropped after the first and the second pass, so that squares fit 31 bits.
    """
    size = len(matrix)
    sums = np.zeros((len(rects), size, size), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        blocks = w // size
        out = np.empty((size, size, blocks), np.int32)
        for row in range(h // size):
            _transform_strip(plane[y : y + h, x : x + w], row * size, matrix, shift, out)
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
    """Return how many coefficients reach their limit in size, int64 (N,); limits are [down, across]."""
    size = len(matrix)
    counts = np.zeros(len(rects), np.int64)
    for n in range(len(rects)):
        x, y, w, h = rects[n]
        blocks = w // size
        out = np.empty((size, size, blocks), np.int32)
        for row in range(h // size):
            _transform_strip(plane[y : y + h, x : x + w], row * size, matrix, shift, out)
            for k in range(size):
                for m in range(size):
                    limit = limits[k, m]
                    found = np.int32(0)
                    for b in range(blocks):
                        found += np.int32(abs(out[k, m, b]) >= limit)
                    counts[n] += found
    return counts


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
                square = np.int32(across * across + down * down)
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
