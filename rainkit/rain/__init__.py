"""Rain: simulators, composition, labels, presets.

>>> import numpy as np
>>> drawn = draw(np.full((64, 64, 3), 90, np.uint8), "streaks", seed=1)
>>> drawn.rainy.shape, drawn.rain.compose
((64, 64, 3), 'add')
"""

from __future__ import annotations

from rainkit.rain.albumentations import make_transform
from rainkit.rain.compose import COMPOSITIONS
from rainkit.rain.drawing import SIMULATORS, AnySimulator, Drawn, draw, simulator
from rainkit.rain.presets import PRESETS, Preset
from rainkit.rain.raster import STREAK_COLUMNS, draw_streaks
from rainkit.rain.sequences import frame, frames
from rainkit.rain.veil import Veil

__all__ = [
    "COMPOSITIONS",
    "PRESETS",
    "SIMULATORS",
    "STREAK_COLUMNS",
    "AnySimulator",
    "Drawn",
    "Preset",
    "Veil",
    "draw",
    "draw_streaks",
    "frame",
    "frames",
    "make_transform",
    "simulator",
]
