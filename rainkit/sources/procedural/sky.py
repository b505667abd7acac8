"""Sky: gradients, clouds, and ridges of wooded hills that fade into the air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import (
    Colour,
    between,
    fill,
    geometric,
    grain,
    lay_over,
    light,
    noise,
    ramp,
    relief,
)
from rainkit.sources.procedural.palettes import blend, scale

_SKIES: tuple[tuple[Colour, ...], ...] = (
    ((58, 104, 164), (112, 156, 204), (176, 204, 226), (226, 232, 228)),
    ((40, 48, 92), (110, 82, 128), (214, 128, 112), (248, 206, 150)),
    ((90, 120, 150), (150, 172, 188), (204, 210, 208), (236, 226, 206)),
    ((24, 62, 120), (68, 124, 184), (148, 194, 224), (214, 230, 232)),
    ((70, 62, 84), (150, 106, 106), (228, 164, 112), (252, 224, 164)),
    ((96, 104, 112), (134, 142, 148), (176, 180, 182), (206, 206, 202)),
)
"""From the zenith to the horizon."""

_GROUNDS: tuple[Colour, ...] = ((40, 58, 40), (58, 54, 46), (36, 48, 62), (70, 66, 42), (50, 42, 52))
_FINE = 4  # points of a ridge per pixel


def draw_sky(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a sky over hills; complexity adds clouds, breaks them up, and covers the hills with trees."""
    height = shape[0]
    stops = _SKIES[rng.integer(0, len(_SKIES))]
    horizon = round(height * rng.number(0.5, 0.78))
    picture = ramp(shape, [*stops, stops[-1]])
    _add_sun(picture, stops, horizon, rng.child("sun"))
    _add_clouds(picture, stops, complexity, rng.child("clouds"))
    _add_hills(picture, stops, horizon, complexity, rng.child("hills"))
    grain(picture, between(complexity, 0.0, 3.0), rng.child("grain"))
    return picture


def _add_sun(picture: Pixels, stops: tuple[Colour, ...], horizon: int, rng: Stream) -> None:
    """Brighten the sky around the sun by an integer fall-off, 1 / (1 + r^2)."""
    height, width = picture.shape[:2]
    x, y = round(width * rng.number(0.15, 0.85)), round(horizon * rng.number(0.35, 0.95))
    reach = max(4, round(min(height, width) * rng.number(0.08, 0.22)))
    across = (np.arange(width, dtype=np.int64) - x) ** 2
    down = (np.arange(height, dtype=np.int64)[:, None] - y) ** 2
    glow = (215 * reach * reach) // (reach * reach + across + down)
    lay_over(picture, np.full_like(picture, blend(stops[-1], (255, 250, 235), 0.75)), glow.astype(np.uint8))


def _add_clouds(picture: Pixels, stops: tuple[Colour, ...], complexity: float, rng: Stream) -> None:
    """Lay clouds over the sky: noise above a threshold, lit from the upper left."""
    height, width = picture.shape[:2]
    side = min(height, width)
    cell = geometric(complexity, side / 1.8, side / 5.5)
    gain = between(complexity, 0.36, 0.62)
    field = noise((height, width), cell, rng.child("field"), 8, gain, stretch=rng.number(1.4, 3.2))
    # Towards the horizon clouds thicken: the threshold falls with the row.
    cover = round(between(complexity, 38500, 30500)) - np.arange(height, dtype=np.int32)[:, None] * 3500 // height
    alpha = np.clip((field - cover) * 245 // round(between(complexity, 14000, 7000)), 0, 245).astype(np.uint8)
    bright = blend(stops[-1], (255, 253, 248), 0.8)
    shadow = blend(scale(stops[1], 0.9), stops[2], 0.4)
    lit = relief(field, cell, between(complexity, 0.8, 1.1)).astype(np.int32)
    # The thick of a cloud is darker than its edge.
    part = np.clip((lit - 120) * 255 // 260 - np.maximum(field - cover - 9000, 0) // 160, 0, 255).astype(np.uint8)
    clouds = np.full_like(picture, shadow)
    lay_over(clouds, bright, part)
    lay_over(picture, clouds, alpha)


def _add_hills(picture: Pixels, stops: tuple[Colour, ...], horizon: int, complexity: float, rng: Stream) -> None:
    """Draw ridges from far to near, each darker and more wooded, with mist in the valleys between."""
    height, width = picture.shape[:2]
    side = min(height, width)
    layers = 2 + round(4 * complexity)
    ground = _GROUNDS[rng.integer(0, len(_GROUNDS))]
    columns = np.arange(width * _FINE + 1) / _FINE
    rough = between(complexity, 0.25, 0.55)
    for layer in range(layers):
        near = (layer + 1) / layers
        part = rng.child(layer)
        colour = blend(stops[-1], ground, 0.22 + 0.78 * near)
        base = horizon + (height - horizon) * (near - 1 / layers) * 0.85
        swing = side * part.number(0.25, 0.6) * (1.2 - 0.7 * near) / 65536
        line = noise((1, len(columns)), side * _FINE * between(near, 0.3, 0.45), part.child("line"), 9, rough)[0]
        ridge = base - (line - 26000) * swing
        top = ridge
        if complexity > 0.05:
            amount = complexity * (0.45 + 0.55 * near)
            top = ridge - _forest(len(columns), side * _FINE, amount, near, part.child("trees")) / _FINE
        corners = np.vstack(
            [
                [-2, height + 2],
                [-2, top[0]],
                np.column_stack([columns, top]),
                [width + 2, top[-1]],
                [width + 2, height + 2],
            ]
        )
        fill(picture, corners, colour)
        below = np.arange(height, dtype=np.int64)[:, None] - np.rint(ridge[::_FINE][:width]).astype(np.int64)
        if near == 1.0:
            _add_meadow(picture, below, complexity, part.child("meadow"))
        else:
            mist = np.clip(below * 150 // max(1, round(height * 0.2)), 0, 150).astype(np.uint8)
            lay_over(picture, blend(colour, stops[-1], 0.45), mist)


def _forest(count: int, side: int, amount: float, near: float, rng: Stream) -> NDArray[np.float64]:
    """Return how far a forest stands above a ridge at each point: the upper envelope of jagged firs."""
    crest = np.zeros(count)
    trees = round(count / side * geometric(amount, 5, 190))
    tall = side * between(near, 0.035, 0.085) * (0.45 + 0.55 * rng.child("tall").uniform(trees))
    slim = rng.child("slim").uniform(trees, 0.16, 0.27)
    grove = noise((1, count), side / 4, rng.child("grove"), 3)[0] / 32768
    for place, size, share in zip(rng.child("x").integers(0, count, trees).tolist(), tall, slim, strict=True):
        lifted = size * min(1.4, max(0.35, float(grove[place]) ** 2))
        half = max(2, int(lifted * share))
        away = np.abs(np.arange(-half, half + 1)) / half
        # Branches: steps down the side of the tree.
        shape = lifted * (1.0 - away - 0.1 * (away * 6 - np.floor(away * 6)) * (1.0 - away))
        first, last = max(0, place - half), min(count, place + half + 1)
        piece = shape[first - place + half : last - place + half]
        np.maximum(crest[first:last], piece, out=crest[first:last])
    return crest


def _add_meadow(picture: Pixels, below: NDArray[np.int64], complexity: float, rng: Stream) -> None:
    """Give the nearest slope a relief of grass, fine far up and coarse near by."""
    height, width = picture.shape[:2]
    side = min(height, width)
    field = noise((height, width), side / 10, rng, 6, between(complexity, 0.45, 0.75), stretch=2.5)
    factors = relief(field, side / 12, between(complexity, 0.1, 1.3))
    light(picture, np.where(below > 1, factors, np.int16(256)).astype(np.int16))
