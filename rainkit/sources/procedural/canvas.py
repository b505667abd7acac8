"""What the families share: noise, colours, light and shapes, all in integers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream

SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""

Colour = tuple[int, int, int]
Shape = tuple[int, int]


def between(dial: float, low: float, high: float) -> float:
    """Return the number at `dial` (0..1) of the way from `low` to `high`, in equal steps."""
    return low + dial * (high - low)


def geometric(dial: float, low: float, high: float) -> float:
    """Return the number at `dial` (0..1) of the way from `low` to `high`, in equal ratios.

    Rounded to 2^-16, so that the last bit of a system's power function cannot show.
    """
    return round(math.pow(high / low, dial) * low * 65536) / 65536


_TURN = np.array(
    [(round(math.cos(math.pi * i / 512) * 16384), round(math.sin(math.pi * i / 512) * 16384)) for i in range(1024)]
)


def turns(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cosine and sine of angles in turns (1 = 360 degrees), shape (count, 2), multiples of 2^-14.

    From a table of 1024 directions, because vectorised sines differ between processors.
    """
    return np.asarray(_TURN[np.floor(angles * 1024).astype(np.int64) & 1023] / 16384.0)


def fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return points in pixels as OpenCV's fixed-point coordinates."""
    return np.rint(points * (1 << SHIFT)).astype(np.int32)


def fill(picture: Pixels, points: NDArray[np.float64], colour: Sequence[int]) -> None:
    """Fill a polygon, shape (corners, 2) as x, y in pixels, with smooth edges."""
    cv2.fillPoly(picture, [fixed(points)], tuple(map(int, colour)), cv2.LINE_AA, SHIFT)


def fill_convex(picture: Pixels, points: NDArray[np.float64], colour: Sequence[int]) -> None:
    """Fill a convex polygon; faster than `fill`."""
    cv2.fillConvexPoly(picture, fixed(points), tuple(map(int, colour)), cv2.LINE_AA, SHIFT)


def stroke(picture: Pixels, points: NDArray[np.float64], colour: Sequence[int], thickness: int = 1) -> None:
    """Draw a line through points, shape (count, 2) as x, y in pixels, with smooth edges."""
    cv2.polylines(picture, [fixed(points)], False, tuple(map(int, colour)), thickness, cv2.LINE_AA, SHIFT)


def noise(
    shape: Shape, cell: float, rng: Stream, octaves: int = 1, gain: float = 0.5, *, stretch: float = 1.0
) -> NDArray[np.int32]:
    """Return smooth noise, int32 H x W in 0..65535, around 32768.

    A sum of octaves of value noise: each halves the cell and multiplies the amplitude by `gain`, so the spectrum falls
    as 1/f^a with a = 1 - log2(gain) for amplitudes.

    Parameters
    ----------
    cell : float
        Pixels from one lattice point to the next, in the first octave.
    octaves : int
        Most octaves; those whose cell falls below two pixels are left out.
    gain : float
        Amplitude of an octave over that of the one before.
    stretch : float
        Width of a cell over its height.
    """
    from rainkit.sources.procedural.kernels import add_octave  # noqa: PLC0415 - compiled

    cells = [cell / 2**i for i in range(octaves) if i == 0 or cell / 2**i >= 2.0]
    # An octave fades in from cells of two pixels to four, so that no dial makes it jump.
    amplitudes = [gain**i * min(1.0, max(0.01, size / 2.0 - 1.0)) for i, size in enumerate(cells)]
    total = math.fsum(amplitudes)
    out = np.zeros(shape, dtype=np.int32)
    for i, (size, amplitude) in enumerate(zip(cells, amplitudes, strict=True)):
        part = rng.child("octave", i)
        steps = (max(1, round(65536 / size)), max(1, round(65536 / (size * stretch))))
        phases = (part.integer(0, 65536), part.integer(0, 65536))
        rows, columns = (((phase + n * step) >> 16) + 4 for phase, n, step in zip(phases, shape, steps, strict=True))
        lattice = part.integers(0, 65536, rows * columns).reshape(rows, columns).astype(np.int32)
        add_octave(out, lattice, steps, phases, round(1024 * amplitude / total))
    return out


def spread(field: NDArray[np.int32], low: int = 0, high: int = 255) -> Pixels:
    """Return a field stretched to low..high as uint8: its 1st and 99th percentiles become the ends."""
    level = field >> 6
    histogram = np.cumsum(np.bincount(level.ravel(), minlength=1024))
    first = int(np.searchsorted(histogram, field.size // 100))
    last = max(first + 1, int(np.searchsorted(histogram, field.size - field.size // 100)))
    table = np.clip((np.arange(len(histogram)) - first) * (high - low) // (last - first) + low, low, high)
    return np.asarray(table.astype(np.uint8)[level])


def colour_table(stops: Sequence[Colour]) -> Pixels:
    """Return 256 colours that pass evenly through `stops`, uint8 256 x 3."""
    places = np.arange(256, dtype=np.int64) * (len(stops) - 1)
    first = np.minimum(places // 255, len(stops) - 2)
    rest = (places - first * 255)[:, None]
    colours = np.array(stops, dtype=np.int64)
    return np.asarray((colours[first] * (255 - rest) + colours[first + 1] * rest + 127) // 255, dtype=np.uint8)


def colourise(field: Pixels, stops: Sequence[Colour]) -> Pixels:
    """Return a grey field, uint8 H x W, in colours that pass from stop to stop, uint8 H x W x 3."""
    table = colour_table(stops)
    return np.asarray(cv2.LUT(cv2.merge([field] * 3), table.reshape(256, 1, 3)), dtype=np.uint8)


def ramp(shape: Shape, stops: Sequence[Colour], down: bool = True) -> Pixels:
    """Return a gradient through `stops` from top to bottom, or from left to right."""
    length = shape[0] if down else shape[1]
    line = colour_table(stops)[np.arange(length) * 255 // max(1, length - 1)]
    return np.ascontiguousarray(np.broadcast_to(line[:, None] if down else line[None], (*shape, 3)))


def relief(field: NDArray[np.int32], reach: float, strength: float) -> NDArray[np.int16]:
    """Return the light on a surface from the upper left, int16 H x W, 256 where the surface is level.

    Parameters
    ----------
    field : int32 array
        Height, 0..65535.
    reach : float
        Pixels over which a rise from 0 to 65535 is as steep as 45 degrees.
    strength : float
        Change of the light, as a share, on such a slope.
    """
    from rainkit.sources.procedural.kernels import slopes  # noqa: PLC0415 - compiled

    return np.asarray(slopes(field, round(reach * strength * 64)), dtype=np.int16)


def light(picture: Pixels, factors: NDArray[np.int16]) -> None:
    """Multiply a picture in place by factors / 256."""
    from rainkit.sources.procedural.kernels import shade  # noqa: PLC0415 - compiled

    shade(picture, factors)


def lay_over(under: Pixels, over: Pixels | Colour, alpha: Pixels) -> None:
    """Lay a picture or a plain colour on a picture in place; `alpha` is uint8 H x W."""
    from rainkit.sources.procedural.kernels import mix  # noqa: PLC0415 - compiled

    mix(under, np.array([[over]], dtype=np.uint8) if isinstance(over, tuple) else over, alpha)


def grain(picture: Pixels, strength: float, rng: Stream) -> None:
    """Add fine noise of about `strength` levels in place, as paper, plaster or film has it."""
    levels = round(strength)
    if levels < 1:
        return
    height, width = picture.shape[:2]
    words = rng.bits((height * width + 7) // 8).view(np.uint8)[: height * width].reshape(height, width)
    picture_noise = 256 + (words.astype(np.int16) - 128) * levels // 64
    light(picture, picture_noise.astype(np.int16))
