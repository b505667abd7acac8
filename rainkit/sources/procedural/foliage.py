"""Foliage: leaves with a midrib, from the dark of the bush to the lit ones in front."""

from __future__ import annotations

import numpy as np

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import (
    Colour,
    between,
    colour_table,
    colourise,
    geometric,
    grain,
    light,
    noise,
    spread,
    turns,
)

_LEAVES: tuple[tuple[Colour, ...], ...] = (
    ((20, 38, 22), (46, 84, 36), (96, 138, 54), (176, 196, 96)),
    ((18, 40, 36), (36, 86, 68), (84, 142, 104), (170, 204, 158)),
    ((44, 24, 18), (120, 52, 24), (198, 106, 36), (240, 188, 92)),
    ((30, 34, 18), (84, 92, 34), (150, 150, 58), (216, 206, 122)),
    ((38, 18, 26), (104, 34, 44), (172, 62, 58), (228, 138, 104)),
)


def draw_foliage(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a bush; complexity makes its leaves smaller and more, and their tones more varied."""
    from rainkit.sources.procedural.stamps import stamp_leaves  # noqa: PLC0415 - compiled

    height, width = shape
    side = min(shape)
    stops = _LEAVES[rng.integer(0, len(_LEAVES))]
    dark = spread(noise(shape, side / between(complexity, 1.5, 8.0), rng.child("dark"), 3), 0, 110)
    picture = colourise(dark, stops)
    length = geometric(complexity, side * 0.62, side * 0.062)
    count = round(geometric(complexity, 1.6, 3.2) * height * width / (0.26 * length * length))
    x, y = rng.child("x").uniform(count, -0.2, 1.2) * width, rng.child("y").uniform(count, -0.2, 1.2) * height
    lean = rng.number()
    angles = rng.child("angle").uniform(count) * between(complexity, 0.6, 1.0) + lean
    leaves = np.column_stack(
        [
            x,
            y,
            turns(angles),
            length * rng.child("size").uniform(count, 0.65, 1.25),
            rng.child("width").uniform(count, 0.5, 1.15),
            rng.child("bend").uniform(count, -0.3, 0.3),
        ]
    )
    # Leaves that fell later lie higher and catch more light.
    tones = rng.child("tone").uniform(count, -0.22, 0.22) * between(complexity, 0.5, 1.0)
    level = np.clip(0.1 + 0.72 * np.arange(count) / count + tones, 0.0, 1.0)
    colours = colour_table(stops)[np.rint(level * 255).astype(np.int64)].astype(np.float64)
    stamp_leaves(picture, leaves, colours, 1.0)
    sun = spread(noise(shape, side / 2.2, rng.child("sun"), 2), 0, 100).astype(np.int16)
    light(picture, (sun + 206).astype(np.int16))
    grain(picture, between(complexity, 0.0, 8.0), rng.child("grain"))
    return picture
