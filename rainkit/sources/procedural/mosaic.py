"""Mosaic: cells of a jittered grid as pebbles, glass, tiles or cracked earth."""

from __future__ import annotations

import numpy as np

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import (
    between,
    colour_table,
    geometric,
    grain,
    lay_over,
    light,
    noise,
    relief,
    spread,
)
from rainkit.sources.procedural.palettes import blend, pick_palette, scale


def draw_mosaic(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a mosaic; complexity sets the number of cells, their contrast and how rough they are."""
    from rainkit.sources.procedural.kernels import nearest_cells  # noqa: PLC0415 - compiled

    height, width = shape
    side = min(shape)
    palette = pick_palette(rng.child("palette"))
    tall = geometric(complexity, side / 2.2, side / 34.0)
    wide = tall * rng.number(0.85, 1.4)
    cell = (max(32, round(tall * 16)), max(32, round(wide * 16)))
    rows, columns = height * 16 // cell[0] + 4, width * 16 // cell[1] + 4
    order = rng.number(0.25, 0.95)
    places = rng.child("sites").uniform(2 * rows * columns).reshape(rows, columns, 2) - 0.5
    jitter = np.rint((0.5 + order * places) * np.array(cell)).astype(np.int32)
    site, border = nearest_cells(height, width, cell, jitter)

    # Neighbours share a mood: a slow field chooses the colour, a draw of its own varies it.
    mood = spread(noise((rows, columns), max(2.0, rows / 3), rng.child("mood"), 2))
    own = rng.child("own").integers(-60, 61, rows * columns).reshape(rows, columns)
    stops = [palette[i] for i in rng.child("order").permutation(len(palette))[:4].tolist()]
    table = colour_table(stops)
    colours = table[np.clip(mood.astype(np.int64) + (own * round(between(complexity, 128, 256)) >> 8), 0, 255)]
    tone = rng.child("tone").integers(-26, 27, rows * columns).reshape(rows, columns, 1)
    colours = np.clip(colours.astype(np.int64) * (256 + tone) >> 8, 0, 255).astype(np.uint8)
    picture = np.ascontiguousarray(colours.reshape(-1, 3)[site])

    bevel = max(16, round(tall * 16 * rng.number(0.08, 0.2)))
    rest = np.maximum(bevel - border, 0).astype(np.int64) * 255 // bevel
    light(picture, relief((65025 - rest * rest).astype(np.int32), bevel / 16, rng.number(0.2, 0.5)))
    surface = noise(shape, max(3.0, side / 8), rng.child("surface"), 7, between(complexity, 0.4, 0.8))
    light(picture, relief(surface, side / 16, between(complexity, 0.3, 1.2)))
    joint = blend(scale(palette[0], 0.7), palette[-1], rng.number(0.0, 0.4))
    gap = max(10, round(tall * 16 * rng.number(0.02, 0.06)))
    alpha = np.clip((gap + 16 - border) * 255 // 16, 0, 255).astype(np.uint8)
    lay_over(picture, joint, alpha)
    grain(picture, between(complexity, 0.0, 14.0), rng.child("grain"))
    return picture
