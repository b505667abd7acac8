"""Dead leaves: shapes that fall on one another until they cover the picture, as Matheron's model has it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import between, geometric, grain, light, noise, relief, turns
from rainkit.sources.procedural.palettes import pick_palette, scale

_COVER = 3.2
"""Area of all shapes over the area of the picture: one part in e^3.2 of it stays bare and shows the ground."""


def draw_dead_leaves(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return pebbles of power-law sizes (p(r) ~ r^-3) on one another; complexity sets how small they get."""
    from rainkit.sources.procedural.stamps import stamp_pebbles  # noqa: PLC0415 - compiled

    height, width = shape
    side = min(shape)
    palette = np.array(pick_palette(rng.child("palette")), dtype=np.float64)
    smallest, largest = geometric(complexity, side / 5.0, side / 120.0), geometric(complexity, side / 2.4, side / 10.0)
    radii = _draw_radii(height * width, smallest, largest, rng.child("radius"))
    count = len(radii)
    squeeze = rng.child("squeeze").uniform(count, 0.6, 1.0)
    shapes = np.column_stack(
        [
            rng.child("x").uniform(count, 0, width),
            rng.child("y").uniform(count, 0, height),
            turns(rng.child("angle").uniform(count)),
            radii,
            radii * squeeze,
            rng.child("rim").uniform(count, 0.25, 0.7),
        ]
    )
    tone = rng.child("tone").uniform(count, 0.75, 1.18)[:, None]
    colours = palette[rng.child("colour").integers(0, len(palette), count)] * tone
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = scale(tuple(palette[0].astype(int).tolist()), 0.6)
    stamp_pebbles(picture, shapes, colours, bool(rng.integer(0, 2)))
    surface = noise(shape, side / 6, rng.child("surface"), 7, between(complexity, 0.35, 0.75))
    light(picture, relief(surface, side / 14, between(complexity, 0.15, 0.9)))
    grain(picture, between(complexity, 0.0, 6.0), rng.child("grain"))
    return picture


def _draw_radii(area: int, smallest: float, largest: float, rng: Stream) -> NDArray[np.float64]:
    """Return radii between the bounds that together cover the picture, in the order in which they fall."""
    mean_square = 2.0 * smallest**2 * largest**2 / (largest**2 - smallest**2) * math.log(largest / smallest)
    count = max(8, round(_COVER * area / (math.pi * 0.8 * mean_square)))
    u = rng.uniform(count)
    return np.asarray(1.0 / np.sqrt(u / smallest**2 + (1.0 - u) / largest**2))
