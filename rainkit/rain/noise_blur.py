"""Noise that is blurred along a slant: the rain of the Photoshop recipes and of the public noise scripts."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.rain.raster import DEGREE, SINES
from rainkit.rain.scratch import borrow
from rainkit.rain.simulator import DrawnRain
from rainkit.records import Pixels, Rain, Scalar
from rainkit.seeds import Stream

SEEDS_PER_QUANTITY = 25600
"""A quantity q seeds a pixel with probability q / 25600: public scripts keep noise of 0..256 above 256 - q / 100."""


class NoiseBlur(DrawnRain):
    """Rain by seeding pixels and blurring them along the direction of the fall, in the units of the public scripts.

    A seed becomes a streak of `length` px (ends fade over `taper` of it), Gaussian across, as wide as OpenCV's Gaussian
    kernel of `width` px (sigma = 0.3 ((width - 1) / 2 - 1) + 0.8 px). Unlike the scripts, a streak has the brightness
    that `opacity` says however many there are (they stretch each picture from its darkest to its brightest spot), its
    length is the length, an empty draw is an empty layer, and several directions may be mixed. The cost depends on the
    size of the picture alone: the blur is a running sum along the slant.

    References
    ----------
    J. Gu et al., "Networks are Slacking Off: Understanding Generalization Problem in Image Deraining", NeurIPS 2023,
    which trains on this rain; the recipe itself is that of the Photoshop tutorials.
    """

    kind: Literal["noise_blur"] = "noise_blur"
    quantity: Annotated[Numbers, within(0, SEEDS_PER_QUANTITY)] = Field(
        default=numbers(100, 300), description="Number of streaks: 25600 times the share of pixels where one begins."
    )
    length: Annotated[Numbers, within(1, 1024)] = Field(
        default=numbers(20, 40), description="Length of the streaks.", json_schema_extra={"unit": "px"}
    )
    width: Annotated[Numbers, within(1, 63)] = Field(
        default=numbers(3, 7), description="Size of the Gaussian kernel across.", json_schema_extra={"unit": "px"}
    )
    direction: Annotated[Numbers, within(-90, 90)] = Field(
        default=numbers(-30, 30),
        description="Direction of the fall from straight down, positive to the right.",
        json_schema_extra={"unit": "degree"},
    )
    spread: Annotated[Numbers, within(0, 45)] = Field(
        default=numbers(0),
        description="Directions lie up to this to either side of the drawn one.",
        json_schema_extra={"unit": "degree"},
    )
    bundles: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Number of directions, evenly spaced over the spread; each costs as one.",
    )
    opacity: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.2, 0.35), description="Brightness of a single streak, share of the full scale."
    )
    variation: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.5), description="Streaks have from 1 - variation to 1 of the opacity."
    )
    taper: Annotated[Numbers, within(0, 0.5)] = Field(
        default=numbers(0.2), description="Share of the length over which a streak fades in, and out."
    )

    def __call__(self, shape: tuple[int, int], rng: Stream, depth: NDArray[np.uint16] | None = None) -> Rain:
        """Draw the rain of one picture.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The numbers to draw from.
        depth : uint16 array, H x W, optional
            Depth map of the picture, cm; only a veil over a map uses it.
        """
        quantity = round(self.quantity.draw(rng.child("quantity")), 2)
        length = round(self.length.draw(rng.child("length")))
        width = round(self.width.draw(rng.child("width")), 2)
        direction = round(self.direction.draw(rng.child("direction")) * DEGREE)
        spread = round(self.spread.draw(rng.child("spread")) * DEGREE)
        opacity = round(self.opacity.draw(rng.child("opacity")) * 255)
        variation = round(self.variation.draw(rng.child("variation")) * 255)
        taper = round(self.taper.draw(rng.child("taper")), 2)
        layer: Pixels | None = None
        for i in range(self.bundles):
            offset = spread * (2 * i + 1 - self.bundles) // self.bundles
            part = _bundle(
                shape,
                rng.child("seeds", i),
                share=quantity / (SEEDS_PER_QUANTITY * self.bundles),
                length=length,
                taper=taper,
                width=width,
                direction=direction + offset,
                opacity=opacity,
                variation=variation,
            )
            layer = part if layer is None else _saturate(layer, part)
        assert layer is not None
        parameters: dict[str, Scalar] = {
            "quantity": quantity,
            "length_px": length,
            "width_px": width,
            "direction_deg": direction / DEGREE,
            "spread_deg": spread / DEGREE,
            "opacity": opacity / 255,
            "variation": variation / 255,
            "taper": taper,
        }
        return self.finish(layer, parameters, rng, depth=depth)


def _saturate(first: Pixels, second: Pixels) -> Pixels:
    return np.asarray(cv2.add(first, second), dtype=np.uint8)


@functools.lru_cache(maxsize=1024)
def _gaussian(sigma: float) -> NDArray[np.float64]:
    """Return exp(-x^2 / (2 sigma^2)) for each sixteenth of a pixel, float64 (16, 2 n + 1), to 2.5 sigma."""
    reach = math.ceil(2.5 * sigma)
    # Python's exponential, because NumPy's differs between processors.
    half: NDArray[np.float64] = np.array([math.exp(-((k / 16 / sigma) ** 2) / 2) for k in range(16 * reach + 16)])
    profile: NDArray[np.float64] = half[np.abs(np.arange(16)[:, None] + 16 * np.arange(-reach, reach + 1))]
    return profile


def _profile(width: float, slant: float, opacity: int, rows: int) -> NDArray[np.int32]:
    """Return the streak's profile across for each sixteenth of a pixel, int32 (16, 2 n + 1).

    Parameters
    ----------
    width : float
        Size of the Gaussian kernel, px.
    slant : float
        Cosine of the angle between the streak and the rows' normal; a slanted streak is wider along a row.
    opacity : int
        Brightness of the core, 0..255.
    rows : int
        What the running sums multiply a seed with at the core.
    """
    sigma = (0.3 * ((width - 1) * 0.5 - 1) + 0.8) / slant
    scale = opacity * 2**14 / (255 * rows)
    return np.rint(scale * _gaussian(sigma)).astype(np.int32)


def _bundle(
    shape: tuple[int, int],
    rng: Stream,
    *,
    share: float,
    length: int,
    taper: float,
    width: float,
    direction: int,
    opacity: int,
    variation: int,
) -> Pixels:
    """Return a layer of parallel streaks, uint8 H x W; direction in 1/64 degree, opacity and variation of 255."""
    from rainkit.rain import kernels  # noqa: PLC0415 - numba is loaded only to draw

    turn = 360 * DEGREE
    right, down = int(SINES[direction % turn]), int(SINES[(direction + 90 * DEGREE) % turn])
    flat = abs(right) > abs(down)
    if flat:  # flatter than 45 degrees: draw the picture that is mirrored at its diagonal
        right, down = down, right
        shape = (shape[1], shape[0])
    if down < 0:
        right, down = -right, -down
    slope = (right << 16) // down
    rows = max(1, round(length * down / 65536))
    second = max(1, min(rows // 2, round(rows * taper)))
    first = rows - second + 1
    taps = _profile(width, down / 65536, opacity, min(first, second))
    height = shape[0] + rows - 1
    columns = shape[1] + ((rows * abs(slope)) >> 16) + taps.shape[1] + 2
    seeds = borrow("seeds", (height * columns,), np.uint8, zero=True)
    mean = share * seeds.size
    count = max(0, round(mean + math.sqrt(mean * (1 - share)) * rng.deviate()))
    kernels.plant(seeds, rng.bits(2 * count), variation + 1)
    layer: Pixels = borrow("flat layer", shape, np.uint8) if flat else np.empty(shape, dtype=np.uint8)
    kernels.run_along(seeds.reshape(height, columns), layer, (first, second), slope, taps)
    return np.asarray(cv2.transpose(layer), dtype=np.uint8) if flat else layer
