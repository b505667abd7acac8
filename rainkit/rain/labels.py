"""What rain did to a picture, in numbers and masks."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.rain import light, raster
from rainkit.rain.scratch import borrow
from rainkit.records import Pixels, Rain

MASK_THRESHOLD = 3
"""A pixel counts as rain where the layer is at least this, of 255; the literature states no threshold."""


_BITS = 18
_WEIGHTS = [math.exp(-((k / 1.5) ** 2) / 2) for k in range(-5, 6)]
_TAPS: NDArray[np.float64] = np.array([round(part / math.fsum(_WEIGHTS) * 2**_BITS) for part in _WEIGHTS], np.float64)
"""Window of the structural similarity, 11 whole numbers that add up to 2^18: the finest whose sums stay below 2^53."""
_TAPS[5] += 2**_BITS - _TAPS.sum()


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


def _filter(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums of whole numbers by the integer window, where it fits; exact, as they stay below 2^53."""
    edge = len(_TAPS) // 2
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, _TAPS, _TAPS)[edge:-edge, edge:-edge]) * 2.0 ** (-2 * _BITS)


def ssim(clean: Pixels, rainy: Pixels) -> float:
    """Return the structural similarity of the rainy picture and the clean one, at most 1, the same on every processor.

    That of Wang et al. [1]_, equation 13, with their constants (K1 = 0.01, K2 = 0.03, range 255): Gaussian window of
    11 pixels, sigma 1.5, population covariance, mean over places where the window fits and over R, G and B. The window
    is made of multiples of 2^-18, so that its sums are whole numbers, which have no order; the result is within 5e-5 of
    that of the window in doubles, which derainers are scored with.

    Parameters
    ----------
    clean, rainy : uint8 array, H x W x 3
        At least 11 x 11 pixels.

    Raises
    ------
    ValueError
        If a picture is smaller than the window.

    References
    ----------
    .. [1] Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
       structural similarity", IEEE Transactions on Image Processing 13, 2004.
    """
    if min(clean.shape[:2]) < len(_TAPS):
        raise ValueError(f"SSIM needs {len(_TAPS)} x {len(_TAPS)} px, not {clean.shape[1]} x {clean.shape[0]}")
    first, second = clean.astype(np.float64), rainy.astype(np.float64)
    mean_first, mean_second = _filter(first), _filter(second)
    product, squares = mean_first * mean_second, mean_first * mean_first + mean_second * mean_second
    spread = _filter(first * first + second * second) - squares
    shared = _filter(first * second) - product
    ratio = (2 * product + 6.5025) * (2 * shared + 58.5225) / ((squares + 6.5025) * (spread + 58.5225))
    # Added up as whole numbers, whose sum does not depend on how an array is summed.
    return int(np.rint(ratio * 2.0**32).astype(np.int64).sum()) / (ratio.size * 2**32)


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
