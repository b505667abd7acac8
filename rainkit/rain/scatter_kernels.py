"""The kernel that draws streaks; compiled on first use, cached on disk; imported only inside the functions that run it.

What is added to pixels are integers. The geometry before it is in doubles with + - * / and one square root, which IEEE
754 rounds the same way on every processor. Nothing is parallel, and sums of integers have no order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

ONE = 256.0  # a pixel, and a whole share, in streak vectors
PIXEL = 128.0  # softness that a pixel itself has: half its side
CELLS = 96  # most entries of a tabulated cross-section
WHOLE = 1024  # weight of the middle of a cross-section


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _ease(share: Any) -> Any:
    """Return the cubic step from 0 to 1."""
    share = min(1.0, max(0.0, share))
    return share * share * (3.0 - 2.0 * share)


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _add(pixels: Any, place: Any, light: Any) -> None:
    pixels[np.uint64(place)] = np.uint16(min(np.int64(65535), np.int64(pixels[np.uint64(place)]) + light))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _tabulate(profile: Any, wide: Any, soft: Any) -> Any:
    """Fill in the weights across a streak by distance from its middle, ending in 0; return the fineness.

    A box as wide as the streak, a pixel at least, is blurred by a box of twice the softness; the edges of blurred
    streaks are cubic, those of sharp ones linear, so that the pixels of a row share the light of a thin streak without
    a rest. Entry i is the weight at i << fineness, in 1/256 px.
    """
    outer = 0.5 * wide + soft
    fineness = 3
    while np.int64(outer) >> fineness >= CELLS - 2:
        fineness += 1
    cells = (np.int64(outer) >> fineness) + 1
    scale = 1.0 / min(wide, 2.0 * soft)
    for i in range(cells):
        share = (outer - np.float64(i << fineness)) * scale
        share = _ease(share) if soft > PIXEL else min(1.0, share)
        profile[i] = np.int64(share * WHOLE + 0.5)
    profile[cells] = 0
    return fineness


@njit(cache=True)  # type: ignore[untyped-decorator]
def _scatter_rows(  # noqa: PLR0917 - numba takes no keywords
    pixels: Any, width: Any, rows: Any, line: Any, ends: Any, level: Any, table: Any
) -> None:
    """Draw a steep streak that is long against its width: one weight serves a row."""
    profile, fineness, outer = table
    x0, y0, slope, upright, stretch = (
        line  # 1/256 px, columns a row, share of the length that is down, unit of the table
    )
    reach, far, inverse0, inverse1 = ends
    half = np.int64(outer / upright)
    shrink = np.int64(upright / stretch * 65536.0 + 0.5)
    centre = np.int64((x0 + (rows[0] * ONE - y0) * slope) * 65536.0)
    step = np.int64(slope * ONE * 65536.0)
    advance = ONE / upright
    along = (rows[0] * ONE - y0) / upright + reach
    bias = np.int64(1) << (15 + fineness)
    last: Any = width - 1
    for y in range(rows[0], rows[1] + 1):
        weight = np.int64(level * _ease(min(along * inverse0, (far - along) * inverse1)))
        middle = centre >> 16
        base = y * width
        for x in range(max(np.int64(0), (middle - half + 255) >> 8), min(last, (middle + half) >> 8) + 1):
            cell = (abs((x << 8) - middle) * shrink + bias) >> (16 + fineness)
            _add(pixels, base + x, (weight * profile[np.uint64(cell)]) >> 10)
        centre += step
        along += advance


@njit(cache=True)  # type: ignore[untyped-decorator]
def _scatter_turned(  # noqa: PLR0917 - numba takes no keywords
    pixels: Any, width: Any, rows: Any, line: Any, ends: Any, level: Any, table: Any
) -> None:
    """Draw a streak in any direction, with ends square to it."""
    profile, fineness, outer = table
    x0, y0, ux, uy, length, stretch = line
    reach, far, inverse0, inverse1 = ends
    for y in range(rows[0], rows[1] + 1):
        down = y * ONE - y0
        low, high = -x0, (width - 1) * ONE - x0
        if abs(uy) > 0.01:  # between the long sides
            middle = down * ux / uy
            low, high = max(low, middle - outer / abs(uy)), min(high, middle + outer / abs(uy))
        if abs(ux) > 0.01:  # between the short sides
            tail, head = (-reach - down * uy) / ux, (length + reach - down * uy) / ux
            low, high = max(low, min(tail, head)), min(high, max(tail, head))
        first, last = np.int64(np.ceil((low + x0) / ONE)), np.int64(np.floor((high + x0) / ONE))
        for x in range(max(np.int64(0), first), min(np.int64(width - 1), last) + 1):
            away = abs((x * ONE - x0) * uy - down * ux)
            if away > outer:
                continue
            along = (x * ONE - x0) * ux + down * uy + reach
            weight = np.int64(level * _ease(min(along * inverse0, (far - along) * inverse1)))
            cell = (np.int64(away / stretch) + (1 << (fineness - 1))) >> fineness
            _add(pixels, y * width + x, (weight * profile[np.uint64(cell)]) >> 10)


@njit(cache=True)  # type: ignore[untyped-decorator]
def scatter(layer: Any, streaks: Any) -> None:
    """Add streaks to a uint16 layer, saturating at 65535; the order of the streaks does not matter."""
    height, width = layer.shape
    pixels = layer.reshape(-1)
    profile = np.zeros(CELLS + 2, dtype=np.int64)
    fineness, last_wide, last_blur = np.int64(3), 0.0, 0.0
    for i in range(streaks.shape[0]):
        x0, y0 = np.float64(streaks[i, 0]), np.float64(streaks[i, 1])
        dx, dy = np.float64(streaks[i, 2]) - x0, np.float64(streaks[i, 3]) - y0
        thick = np.float64(streaks[i, 4])
        soft = max(PIXEL, np.float64(streaks[i, 5]))
        length = np.sqrt(dx * dx + dy * dy)
        ux, uy = (dx / length, dy / length) if length > 0.0 else (0.0, 1.0)
        # Blur spreads the same light: over 2 soft where that is more than the width, and the same along.
        total, spread = length + thick, 2.0 * soft
        # Across, distances are counted along rows or columns, so that the pixel itself is 1 wide in any direction.
        stretch = max(abs(ux), abs(uy))
        wide, blur = max(ONE, thick / stretch), max(PIXEL, np.float64(streaks[i, 5]) / stretch)
        level = np.float64(streaks[i, 6]) * thick / (stretch * max(wide, 2.0 * blur)) * min(total, spread) / spread
        outer, reach = (0.5 * wide + blur) * stretch, 0.5 * thick + soft
        extent = abs(uy) * reach + abs(ux) * outer
        top = max(np.int64(0), np.int64(np.ceil((min(y0, y0 + dy) - extent) / ONE)))
        bottom = min(np.int64(height - 1), np.int64(np.floor((max(y0, y0 + dy) + extent) / ONE)))
        if thick <= 0.0 or level < 1.0 or top > bottom:
            continue
        least = min(total, spread)
        inverse0 = 1.0 / max(least, soft + total * np.float64(streaks[i, 7]) / ONE)
        inverse1 = 1.0 / max(least, soft + total * np.float64(streaks[i, 8]) / ONE)
        if wide != last_wide or blur != last_blur:
            fineness = _tabulate(profile, wide, blur)
            last_wide, last_blur = wide, blur
        ends, table = (reach, total + spread, inverse0, inverse1), (profile, fineness, outer)
        if abs(uy) > 0.3 and 4.0 * outer * abs(ux) * max(inverse0, inverse1) <= abs(uy):
            if dy < 0.0:  # from the head upward, the tapers exchanged
                x0, y0, ends = x0 + dx, y0 + dy, (reach, total + spread, inverse1, inverse0)
            line = (x0, y0, dx / dy if length > 0.0 else 0.0, abs(uy), stretch)
            _scatter_rows(pixels, width, (top, bottom), line, ends, level, table)
        else:
            _scatter_turned(pixels, width, (top, bottom), (x0, y0, ux, uy, length, stretch), ends, level, table)
