"""Pebbles and leaves, laid on one another pixel by pixel; compiled on first use, imported inside functions only.

Shapes are taken from the last, which lies on top, to the first, and a pixel that is covered is left alone: most of what
lies below is never computed. Only + - * / and square roots of doubles, which IEEE 754 makes equal everywhere.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rainkit.records import Pixels

Plane = NDArray[np.float64]
Colour = tuple[float, float, float]

_HIDDEN = 1.0 / 512.0
"""What is seen through less than this share does not show in eight bits."""


@njit(cache=True)  # type: ignore[untyped-decorator]
def _lay_below(light: Plane, seen: Plane, place: tuple[int, int], colour: Colour, alpha: float) -> None:
    """Add a layer below all that was laid on this pixel before."""
    y, x = place
    part = seen[y, x] * alpha
    for band in range(3):
        light[y, x, band] += part * min(255.0, max(0.0, colour[band]))
    seen[y, x] -= part


@njit(cache=True)  # type: ignore[untyped-decorator]
def _finish(picture: Pixels, light: Plane, seen: Plane) -> None:
    """Lay the picture below everything and write the sum back to it."""
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            for band in range(3):
                picture[y, x, band] = np.uint8(light[y, x, band] + seen[y, x] * picture[y, x, band] + 0.5)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _span(middle: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, int(middle - reach)), min(size, int(middle + reach) + 2)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _radius(dx: float, dy: float, shape: Plane, square: bool) -> tuple[float, float, float]:
    u = (dx * shape[2] + dy * shape[3]) / shape[4]
    v = (dy * shape[2] - dx * shape[3]) / shape[5]
    u2, v2 = u * u, v * v
    r = np.sqrt(np.sqrt(u2 * u2 + v2 * v2)) if square else np.sqrt(u2 + v2)
    return r, u, v


@njit(cache=True)  # type: ignore[untyped-decorator]
def stamp_pebbles(picture: Pixels, shapes: Plane, colours: Plane, square: bool) -> None:
    """Lay rounded shapes on a picture in place, each with a shadow and a lit rim.

    Columns of `shapes`: x, y, cosine, sine, half length, half width, rim (share of the shape that is bent), in pixels.
    `square` takes |x|^4 + |y|^4 for the outline in place of x^2 + y^2.
    """
    height, width = picture.shape[:2]
    light, seen = np.zeros(picture.shape, np.float64), np.ones((height, width), np.float64)
    for i in range(shapes.shape[0] - 1, -1, -1):
        shape = shapes[i]
        x0, y0, cosine, sine, long, short, rim = shape
        drop = 0.5 + short * 0.09
        reach = max(long, short) * (1.2 if square else 1.0) + 2.0 * drop + 2.0
        top, bottom = _span(y0, reach, height)
        left, right = _span(x0, reach, width)
        for y in range(top, bottom):
            for x in range(left, right):
                if seen[y, x] < _HIDDEN:
                    continue
                dx, dy = x - x0, y - y0
                r, u, v = _radius(dx, dy, shape, square)
                inside = (1.0 - r) * short + 0.5
                if inside > 0.0:
                    bend = max(0.0, (r - 1.0 + rim) / rim)
                    # How the surface turns towards the light, which comes from the upper left.
                    tilt = -(u * (cosine - sine) + v * (sine + cosine)) * 0.7
                    glow = 1.0 + 0.42 * tilt * bend * bend - 0.12 * bend * bend + 0.06 * tilt
                    colour = (colours[i, 0] * glow, colours[i, 1] * glow, colours[i, 2] * glow)
                    _lay_below(light, seen, (y, x), colour, min(1.0, inside))
                if inside < 1.0:
                    depth = (1.0 - _radius(dx - drop, dy - drop, shape, square)[0]) * short
                    dark = min(1.0, max(0.0, depth / (1.5 * drop) + 0.6))
                    _lay_below(light, seen, (y, x), (0.0, 0.0, 0.0), 0.55 * dark)
    _finish(picture, light, seen)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _leaf_place(dx: float, dy: float, leaf: Plane) -> tuple[float, float, float]:
    """Return the place along a leaf (0..1), across it from the midrib, and the half width there, both in pixels."""
    length = leaf[4]
    u = (dx * leaf[2] + dy * leaf[3]) / length
    v = dy * leaf[2] - dx * leaf[3] - leaf[6] * length * u * (1.0 - u)
    if u <= 0.0 or u >= 1.0:
        return u, v, 0.0
    half = 2.05 * u * (1.0 - u) * (1.0 - u) * (1.0 + 1.1 * u) + 0.02 * (1.0 - u)
    return u, v, half * leaf[5] * length


@njit(cache=True)  # type: ignore[untyped-decorator]
def _leaf_glow(u: float, v: float, half: float, leaf: Plane, veins: float) -> tuple[float, float]:
    """Return the light on a leaf as a factor, and what midrib and veins add in levels."""
    length = leaf[4]
    s = min(1.0, abs(v) / half)
    # One half faces the light, from the upper left, and one turns away.
    side = 1.0 if (v > 0.0) == (leaf[2] + leaf[3] > 0.0) else -1.0
    glow = 1.0 - side * (0.15 - 0.07 * s) - 0.1 * s * s + 0.08 * u
    rib = 0.35 + length * 0.009
    phase = u * 9.0 - s * 1.6 * (half / (leaf[5] * length * 0.3 + 1.0))
    crest = phase - np.floor(phase)
    vein = max(0.0, 1.0 - min(crest, 1.0 - crest) * length / 9.0 / (0.5 + rib)) * 0.5 * (1.0 - s * s)
    middle = min(1.0, max(0.0, rib * (1.15 - u) - abs(v) + 0.5)) * 0.8
    return glow, 38.0 * max(vein * veins, middle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def stamp_leaves(picture: Pixels, leaves: Plane, colours: Plane, veins: float) -> None:
    """Lay leaves on a picture in place, each with a shadow, a lit and a dim half, a midrib and veins.

    Columns of `leaves`: x and y of the root, cosine, sine, length, width and bend over length, in pixels and shares.
    """
    height, width = picture.shape[:2]
    light, seen = np.zeros(picture.shape, np.float64), np.ones((height, width), np.float64)
    for i in range(leaves.shape[0] - 1, -1, -1):
        leaf = leaves[i]
        x0, y0, cosine, sine, length, wide, bend = leaf
        drop = 1.0 + length * 0.03
        across = length * (wide * 0.5 + abs(bend) * 0.26) + 2.0 * drop + 2.0
        middle_x, middle_y = x0 + cosine * length * 0.5, y0 + sine * length * 0.5
        top, bottom = _span(middle_y, abs(sine) * length * 0.5 + across, height)
        for y in range(top, bottom):
            left, right = _span(middle_x, abs(cosine) * length * 0.5 + across, width)
            if abs(sine) > 0.05:  # the part of the row between the long sides
                first, last = _span(x0 + (y - y0) * cosine / sine, across / abs(sine), width)
                left, right = max(left, first), min(right, last)
            for x in range(left, right):
                if seen[y, x] < _HIDDEN:
                    continue
                u, v, half = _leaf_place(x - x0, y - y0, leaf)
                inside = half - abs(v) + 0.5 if half > 0.0 else 0.0
                if inside > 0.0:
                    glow, lift = _leaf_glow(u, v, half, leaf, veins)
                    colour = (
                        colours[i, 0] * glow + lift,
                        colours[i, 1] * glow + lift,
                        colours[i, 2] * glow + 0.7 * lift,
                    )
                    _lay_below(light, seen, (y, x), colour, min(1.0, inside))
                if inside < 1.0:
                    _, w, shadow = _leaf_place(x - drop - x0, y - drop - y0, leaf)
                    dark = min(1.0, max(0.0, (shadow - abs(w)) / drop + 0.5)) if shadow > 0.0 else 0.0
                    _lay_below(light, seen, (y, x), (0.0, 0.0, 0.0), 0.5 * dark)
    _finish(picture, light, seen)
