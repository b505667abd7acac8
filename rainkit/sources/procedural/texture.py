"""Texture: fractal noise of spectrum 1/f^a as stone, sand, marble, wood or cloth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import between, colourise, geometric, grain, light, noise, relief, spread
from rainkit.sources.procedural.palettes import pick_palette

_OCTAVES = 9


def draw_texture(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a lit surface; complexity flattens the spectrum (a from about 3 to 1) and makes its folds smaller."""
    side = min(shape)
    palette = pick_palette(rng.child("palette"))
    cell = geometric(complexity, side / 1.5, side / 16.0)
    gain = between(complexity, 0.25, 0.72)
    stretch = (1.0, 1.0, 2.5, 0.35)[rng.integer(0, 4)]
    field = noise(shape, cell, rng.child("field"), _OCTAVES, gain, stretch=stretch)
    fold = _FOLDS[rng.integer(0, len(_FOLDS))]
    surface = fold(field, noise(shape, cell * 1.5, rng.child("bend"), 3, 0.4), rng.number(1.5, 3.5))
    first = rng.integer(0, len(palette) - 2)
    stops = palette[first : first + 3] if rng.integer(0, 2) else palette[first : first + 3][::-1]
    tint = spread(noise(shape, side / 1.5, rng.child("tint"), 2), 0, 255)
    picture = colourise(((spread(surface).astype(np.uint16) * 3 + tint) >> 2).astype(np.uint8), stops)
    light(picture, relief(surface, cell, between(complexity, 0.3, 0.9)))
    grain(picture, between(complexity, 0.0, 10.0), rng.child("grain"))
    return picture


def _plain(field: NDArray[np.int32], bend: NDArray[np.int32], turns: float) -> NDArray[np.int32]:
    return field


def _ridges(field: NDArray[np.int32], bend: NDArray[np.int32], turns: float) -> NDArray[np.int32]:
    return np.asarray(np.minimum(np.abs(field - 32768) * 4, 65535))


def _marble(field: NDArray[np.int32], bend: NDArray[np.int32], turns: float) -> NDArray[np.int32]:
    """Fold the field into bands, as a sum of noise and a slow slope is folded in marble and wood."""
    phase = (field + bend) * round(turns * 64) >> 6
    wave = np.abs((phase & 0x1FFFF) - 65536)  # a triangle, rounded below
    step = (wave.astype(np.int64) * wave * (3 * 65536 - 2 * wave)) >> 32
    return np.asarray(np.clip(step, 0, 65535), dtype=np.int32)


_FOLDS = (_plain, _ridges, _marble)
