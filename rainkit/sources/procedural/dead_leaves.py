"""Dead leaves: shapes that fall on one another until they cover the picture, as Matheron's model has it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from rainkit.records import Pixels
from rainkit.seeds import Stream

_SHIFT = 4  # fractional bits of drawn coordinates
_CORNERS = 48
_CIRCLE = np.array(
    [(math.cos(2 * math.pi * i / _CORNERS), math.sin(2 * math.pi * i / _CORNERS)) for i in range(_CORNERS)]
)


def draw_dead_leaves(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return discs of power-law radii on one another; complexity sets how small they get."""
    height, width = shape
    side = min(shape)
    smallest = side * 2.0 ** -(1.5 + 4.5 * complexity)
    largest = side * 2.0 ** -(1.0 + 1.5 * complexity)
    count = min(int(3.0 * height * width / (smallest * largest)), 6000)
    u = rng.uniform(count)
    radii = smallest * largest / np.sqrt(u * smallest**2 + (1 - u) * largest**2)
    x, y = rng.uniform(count, 0, width), rng.uniform(count, 0, height)
    colours = rng.integers(40, 230, 3 * count).reshape(count, 3)
    picture = np.full((height, width, 3), 128, np.uint8)
    scale = 1 << _SHIFT
    for i in range(count):
        corners = np.rint((np.array([x[i], y[i]]) + _CIRCLE * radii[i]) * scale).astype(np.int32)
        cv2.fillConvexPoly(picture, corners, colours[i].tolist(), cv2.LINE_AA, _SHIFT)
    return picture
