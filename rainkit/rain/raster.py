"""Streaks as vectors, and the integer raster that draws them.

A streak is what a drop sweeps while the shutter is open: a segment as wide as the drop, softened by defocus and by the
area of a pixel, fading towards its ends. It is stored as one row of integers (`STREAK_COLUMNS`), and `draw_streaks`
is a pure function of these rows: a shipped layer can be redrawn from its vectors bit for bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rainkit.rain.light import encode, round_to_bytes
from rainkit.rain.scratch import borrow
from rainkit.records import Light, Pixels

STREAK_COLUMNS: tuple[str, ...] = (
    "x0",
    "y0",
    "x1",
    "y1",
    "width",
    "softness",
    "opacity",
    "tail",
    "head",
    "depth",
    "diameter",
)
"""Columns of a streak vector, int32.

`x0 y0 x1 y1`
    Where the centre of the drop is when the exposure begins and ends, 1/256 px; the centre of the pixel in column x and
    row y is (x, y), rows count downward.
`width`
    Width of the drop, 1/256 px. A drop thinner than a pixel is drawn a pixel wide and as much fainter.
`softness`
    How far defocus carries the light beyond the edges, 1/256 px; the same light is spread over more pixels. At least
    half a pixel is used, which is the pixel itself.
`opacity`
    Value of the core of a wide, sharp streak, 0..65535 for 0..1: light added, or share of the scene hidden.
`tail`, `head`
    Share of the length over which the streak fades in from its beginning and out towards its end, 1/256.
`depth`
    Distance from the camera, mm; 0 where the simulator knows none. Not used for drawing.
`diameter`
    Diameter of the drop, um; 0 where the simulator knows none. Not used for drawing.
"""

ONE = 256
"""A pixel in the coordinates, widths and softnesses of streak vectors, and a whole in their shares."""

REACH = 1 << 23
"""Coordinates must be smaller in size than this (32768 px)."""

DEGREE = 64
"""Directions are whole multiples of 1/64 degree."""

SINES: NDArray[np.int64] = np.array(
    [round(math.sin(math.radians(i / DEGREE)) * (1 << 16)) for i in range(360 * DEGREE)], dtype=np.int64
)
"""Sines of whole multiples of 1/64 degree in 2^-16, over a full turn: sines of arrays differ between processors."""


def new_streaks(count: int) -> NDArray[np.int32]:
    """Return `count` empty streak vectors, int32, shape (count, len(STREAK_COLUMNS))."""
    return np.zeros((count, len(STREAK_COLUMNS)), dtype=np.int32)


def column(name: str) -> int:
    """Return the index of a column of the streak vectors."""
    return STREAK_COLUMNS.index(name)


def fall(directions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the unit vectors (x, y) along which drops of the given directions fall.

    Parameters
    ----------
    directions : int64 array
        Angle from straight down, 1/64 degree, positive towards the right of the picture.

    Returns
    -------
    tuple of two int64 arrays
        Components in 2^-16.
    """
    turn = 360 * DEGREE
    return SINES[directions % turn], SINES[(directions + 90 * DEGREE) % turn]


def accumulate(shape: tuple[int, int], streaks: NDArray[np.int32]) -> NDArray[np.uint16]:
    """Return the sum of the streaks, uint16 H x W, 0..65535 for 0..1, saturating.

    Parameters
    ----------
    shape : tuple of int
        Height and width, px.
    streaks : int32 array, N x len(STREAK_COLUMNS)
        Their order does not matter.

    Raises
    ------
    ValueError
        If the vectors have another shape or dtype, or lie farther than 32768 px away.
    """
    layer = np.zeros(shape, dtype=np.uint16)
    _add(layer, streaks)
    return layer


def _add(layer: NDArray[np.uint16], streaks: NDArray[np.int32]) -> None:
    """Add streaks to a layer; see `accumulate`."""
    if streaks.dtype != np.int32 or streaks.ndim != 2 or streaks.shape[1] != len(STREAK_COLUMNS):
        raise ValueError(
            f"streaks must be int32 N x {len(STREAK_COLUMNS)} (see STREAK_COLUMNS), "
            f"not {streaks.dtype} {' x '.join(map(str, streaks.shape))}"
        )
    if not len(streaks):
        return
    if max(-int(streaks.min()), int(streaks.max())) >= REACH and np.abs(streaks[:, :6].astype(np.int64)).max() >= REACH:
        raise ValueError("streaks must lie within 32768 px of the picture's first pixel")
    from rainkit.rain import scatter_kernels  # noqa: PLC0415 - numba is loaded only to draw

    scatter_kernels.scatter(layer, np.ascontiguousarray(streaks))


def draw_streaks(shape: tuple[int, int], streaks: NDArray[np.int32], light: Light = "srgb") -> Pixels:
    """Return the layer of the streaks, uint8 H x W, rounded once.

    Parameters
    ----------
    shape : tuple of int
        Height and width, px.
    streaks : int32 array, N x len(STREAK_COLUMNS)
        Streak vectors; overlapping streaks add up, and the sum saturates at 255.
    light : "srgb" or "linear"
        What the sum means: "srgb" for values of the layer as they are (also for shares), "linear" for light, which is
        coded with the sRGB curve.

    Examples
    --------
    >>> streaks = new_streaks(1)
    >>> streaks[0] = 8 * ONE, 2 * ONE, 8 * ONE, 13 * ONE, 2 * ONE, 0, 40000, 0, 0, 0, 0
    >>> draw_streaks((16, 16), streaks)[8, 6:11].tolist()
    [0, 78, 156, 78, 0]
    """
    layer = borrow("layer", shape, np.uint16, zero=True)
    _add(layer, streaks)
    return encode(layer) if light == "linear" else round_to_bytes(layer)
