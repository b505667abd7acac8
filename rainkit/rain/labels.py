"""What rain did to a picture, in numbers and masks."""

from __future__ import annotations

import math

import cv2
import numpy as np

from rainkit.rain import light, raster
from rainkit.rain.scratch import borrow
from rainkit.records import Pixels, Rain

MASK_THRESHOLD = 3
"""A pixel counts as rain where the layer is at least this, of 255; the literature states no threshold."""


def mask(layer: Pixels, threshold: int = MASK_THRESHOLD) -> Pixels:
    """Return where it rains, uint8 H x W, 255 where any channel of the layer is at least `threshold`, else 0.

    Parameters
    ----------
    layer : uint8 array, H x W or H x W x 3
        Layer of `Rain`; the veil is no part of it.
    threshold : int
        1..255, of 255.
    """
    return _threshold(layer, threshold, np.empty(layer.shape[:2], dtype=np.uint8))


def _threshold(layer: Pixels, threshold: int, out: Pixels) -> Pixels:
    """Write the mask into `out` and return it."""
    if layer.ndim == 3:
        layer = np.maximum(np.maximum(layer[..., 0], layer[..., 1]), layer[..., 2])
    cv2.threshold(layer, threshold - 1, 255, cv2.THRESH_BINARY, out)
    return out


def coverage(layer: Pixels, threshold: int = MASK_THRESHOLD) -> float:
    """Return the share of pixels with rain, 0..1; see `mask`."""
    rain = _threshold(layer, threshold, borrow("mask", layer.shape[:2], np.uint8))
    return float(cv2.countNonZero(rain) / rain.size)


def mean(layer: Pixels) -> float:
    """Return the mean of a layer over its pixels and channels, 0..255, from an integer sum."""
    # OpenCV adds up bytes as integers; doubles hold the sums of its channels exactly below 2^53.
    return sum(cv2.sumElems(layer)) / layer.size


def squared_error(first: Pixels, second: Pixels) -> int:
    """Return the sum of the squared differences of two uint8 pictures, exact."""
    # OpenCV adds up integers here; doubles hold the sum exactly below 2^53, which is 138 gigapixels.
    return int(cv2.norm(first, second, cv2.NORM_L2SQR))


def psnr(clean: Pixels, rainy: Pixels) -> float:
    """Return the peak signal-to-noise ratio, dB, over all three channels; 100 where the pictures are equal.

    10 log10(255^2 / MSE), from an integer sum of squares.
    """
    total = squared_error(clean, rainy)
    return min(100.0, 10 * math.log10(255 * 255 * clean.size / total)) if total else 100.0


def redraw(rain: Rain) -> Pixels:
    """Return the layer, drawn again from the streak vectors alone; equal to `rain.layer` bit for bit.

    Raises
    ------
    ValueError
        If the rain has no vectors.
    """
    if rain.streaks is None:
        raise ValueError("this rain has no streak vectors; ask for them with the channel `streaks`")
    shape = (rain.layer.shape[0], rain.layer.shape[1])
    if rain.compose == "alpha":
        return raster.draw_streaks(shape, rain.streaks)
    return light.tint(raster.draw_streaks(shape, rain.streaks, rain.light), rain.colour, rain.light)
