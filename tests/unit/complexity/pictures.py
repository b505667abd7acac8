"""Pictures that the tests of complexity share, drawn from a seed."""

from __future__ import annotations

import numpy as np

from rainkit.complexity import climb
from rainkit.records import Pixels
from rainkit.seeds import Stream


def draw_noise(height: int, width: int, seed: int = 0, span: int = 256) -> Pixels:
    """Return uniform colour noise."""
    values = Stream(seed, "noise").integers(0, span, height * width * 3)
    return values.reshape(height, width, 3).astype(np.uint8)


def draw_scene() -> Pixels:
    """Return a picture with edges, texture and colour, 256 x 256."""
    return climb("contrast")[8]


DEGENERATE: dict[str, Pixels] = {
    "one pixel": np.full((1, 1, 3), 7, np.uint8),
    "one row": draw_noise(1, 300),
    "one column": draw_noise(300, 1),
    "two wide": draw_noise(40, 2),
    "tiny": draw_noise(5, 7),
    "black": np.zeros((64, 64, 3), np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
    "grey plane": draw_noise(70, 90)[..., 0],
    "chessboard": np.repeat((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2),
    "white noise": draw_noise(256, 256),
    "long": draw_noise(3, 5000),
}
"""Pictures that break estimators that were written for photographs."""
