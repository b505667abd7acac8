"""The kernels that draw streaks; compiled on first use, cached on disk; imported inside the functions that run them.

All geometry is in integers, from one correctly rounded square root on, so pixels are the same on every processor, and
the same whether a streak is drawn whole or cut by the frame. Nothing is parallel, and sums of integers have no order.
No divisor can be 0, so divisions are compiled without the check for it (`error_model`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

ONE = 256  # a pixel, and a whole share, in streak vectors
UNIT = 16  # fractional bits of unit vectors
STEP = 1024  # a whole weight
CELLS = 96  # most entries of a tabulated cross-section
STEEP = 19660  # 0.3: flatter streaks are not drawn row by row


@njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _ease(step: Any) -> Any:
    """Return the cubic step, 0..STEP, of a number that is cut to 0..STEP."""
    step = min(np.int64(STEP), max(np.int64(0), step))
    return (step * step * (3 * STEP - 2 * step)) >> 20


@njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _add(pixels: Any, place: Any, light: Any) -> None:
    pixels[np.uint64(place)] = np.uint16(min(np.int64(65535), np.int64(pixels[np.uint64(place)]) + light))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _tabulate(profile: Any, outer: Any, blur: Any, smooth: Any) -> Any:
    """Fill in the weights across a streak by distance from its middle, and return the fineness.

    Entry i is the weight at i << fineness, in 1/256 px; the one after the last inside is 0.
    """
    fineness = 3
    while outer >> fineness >= CELLS - 2:
        fineness += 1
    cells = (outer >> fineness) + 1
    inverse = (STEP << 16) // blur
    for i in range(cells):
        step = min(np.int64(STEP), ((outer - (i << fineness)) * inverse) >> 16)
        profile[i] = _ease(step) if smooth else step
    profile[cells] = 0
    return fineness


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _scatter_rows(  # noqa: PLR0917 - numba takes no keywords
    pixels: Any, width: Any, rows: Any, line: Any, ends: Any, level: Any, table: Any
) -> None:
    """Draw a steep streak whose ends fade slowly against its width: one weight along serves a row."""
    profile, fineness, outer = table
    x0, y0, slope, upright = line  # 1/256 px; columns a row, 2**-24; share of the length that is down, 2**-16
    reach, far, inverse0, inverse1 = ends
    half = (outer << UNIT) // upright
    lengthening = (np.int64(1) << 32) // upright
    down = rows[0] * ONE - y0
    centre, along = (x0 << 24) + down * slope, down * lengthening + (reach << UNIT)
    bias = np.int64(1) << (15 + fineness)
    last: Any = width - 1
    for y in range(rows[0], rows[1] + 1):
        place = along >> UNIT
        weight = (level * _ease(min((place * inverse0) >> 16, ((far - place) * inverse1) >> 16))) >> 10
        middle = centre >> 24
        base = y * width
        for x in range(max(np.int64(0), (middle - half + 255) >> 8), min(last, (middle + half) >> 8) + 1):
            cell = (abs((x << 8) - middle) * upright + bias) >> (16 + fineness)
            _add(pixels, base + x, (weight * profile[np.uint64(cell)]) >> 10)
        centre += slope * ONE
        along += lengthening * ONE


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _scatter_turned(  # noqa: PLR0917 - numba takes no keywords
    pixels: Any, width: Any, rows: Any, line: Any, ends: Any, level: Any, table: Any
) -> None:
    """Draw a streak in any direction, with ends square to it."""
    profile, fineness, outer = table
    x0, y0, ux, uy, length = line
    reach, far, inverse0, inverse1 = ends
    bias = np.int64(1) << (15 + fineness)
    for y in range(rows[0], rows[1] + 1):
        down = y * ONE - y0
        low, high = -x0, (width - 1) * ONE - x0
        if abs(uy) > 655:  # between the long sides
            middle, spread = (down * ux) // uy, (outer << UNIT) // abs(uy) + 2
            low, high = max(low, middle - spread), min(high, middle + spread)
        if abs(ux) > 655:  # between the short sides
            tail = ((-reach << UNIT) - down * uy) // ux
            head = (((length + reach) << UNIT) - down * uy) // ux
            low, high = max(low, min(tail, head) - 2), min(high, max(tail, head) + 2)
        for x in range((low + x0 + 255) >> 8, ((high + x0) >> 8) + 1):
            away = abs((x * ONE - x0) * uy - down * ux)
            if away >> UNIT > outer:
                continue
            place = (((x * ONE - x0) * ux + down * uy) >> UNIT) + reach
            weight = (level * _ease(min((place * inverse0) >> 16, ((far - place) * inverse1) >> 16))) >> 10
            cell = (away + bias) >> (16 + fineness)
            _add(pixels, y * width + x, (weight * profile[np.uint64(cell)]) >> 10)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def scatter(layer: Any, streaks: Any) -> None:
    """Add streaks to a uint16 layer, saturating at 65535; the order of the streaks does not matter."""
    height, width = layer.shape
    pixels = layer.reshape(-1)
    profile = np.zeros(CELLS + 2, dtype=np.int64)
    fineness, last_wide, last_blur, last_smooth = np.int64(3), np.int64(-1), np.int64(-1), False
    for i in range(streaks.shape[0]):
        x0, y0 = np.int64(streaks[i, 0]), np.int64(streaks[i, 1])
        dx, dy = np.int64(streaks[i, 2]) - x0, np.int64(streaks[i, 3]) - y0
        thick = np.int64(streaks[i, 4])
        if thick <= 0 or streaks[i, 6] <= 0:
            continue
        length = np.int64(np.sqrt(np.float64(dx * dx + dy * dy)))
        ux, uy = ((dx << UNIT) // length, (dy << UNIT) // length) if length > 0 else (np.int64(0), np.int64(1 << UNIT))
        # Across and along, a streak is a box with ramps for edges that reach `soft` beyond it, and never less wide than
        # the step from pixel to pixel along its row or column: the weights of neighbours then add up to the same
        # wherever the streak lies. The light is that of the box.
        pixel, soft = max(abs(ux), abs(uy)) >> 8, np.int64(streaks[i, 5])
        total = length + thick
        blur: Any = max(pixel, min(2 * soft, (thick + 2 * soft) >> 1))
        fade = max(pixel, min(2 * soft, (total + 2 * soft) >> 1))
        smooth = blur > pixel
        wide, long = max(thick, blur), max(total, fade)
        level = np.int64(streaks[i, 6]) * thick // wide * total // long
        outer, margin = (wide + blur) >> 1, (long + fade - total) >> 1
        reach = margin + (thick >> 1)
        extent = ((abs(uy) * reach + abs(ux) * outer) >> UNIT) + 1
        top = max(np.int64(0), (min(y0, y0 + dy) - extent + 255) >> 8)
        bottom = min(np.int64(height - 1), (max(y0, y0 + dy) + extent) >> 8)
        if level < 1 or top > bottom:
            continue
        inverse0 = (STEP << 16) // max(fade, margin + ((total * streaks[i, 7]) >> 8))
        inverse1 = (STEP << 16) // max(fade, margin + ((total * streaks[i, 8]) >> 8))
        if wide != last_wide or blur != last_blur or smooth != last_smooth:
            fineness = _tabulate(profile, outer, blur, smooth)
            last_wide, last_blur, last_smooth = wide, blur, smooth
        ends, table = (reach, total + 2 * margin, inverse0, inverse1), (profile, fineness, outer)
        # Twice the width of a row's cut, along the streak, in parts of the shorter taper.
        skew = ((4 * outer * abs(ux)) >> UNIT) * max(inverse0, inverse1)
        if abs(uy) > STEEP and skew <= (abs(uy) * STEP):
            if dy < 0:  # from the head upward, the tapers exchanged
                x0, y0, ends = x0 + dx, y0 + dy, (reach, total + 2 * margin, inverse1, inverse0)
            slope = (dx << 24) // dy if length > 0 else np.int64(0)
            _scatter_rows(pixels, width, (top, bottom), (x0, y0, slope, abs(uy)), ends, level, table)
        else:
            _scatter_turned(pixels, width, (top, bottom), (x0, y0, ux, uy, length), ends, level, table)
