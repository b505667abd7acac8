"""How close a result is to the clean picture, how much rain went, and what was harmed on the way.

Every function takes whole 8-bit pictures (uint8, H x W x 3, RGB) and crops no border. A result is rounded to 8 bit
before it is measured, as a saved file would be. The name of a metric says on which channels it was taken: `_rgb`, or
`_y` for MATLAB's limited-range luma; the two differ by more than a decibel and are never interchangeable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels

Plane = NDArray[np.float64]

METRICS_VERSION = 1
"""Raised when a metric gives another number for the same pictures; studies keep it beside their results."""
MASK_THRESHOLD = 3
"""Default of the rain mask, in 8-bit levels. The threshold of the paper is not known: report the one that was used."""
PSNR_CAP = 100.0
"""What equal pictures count in tables, dB: infinity would make every mean infinite."""
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
_Y_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0
_Y_OFFSET = 16.0

PROTOCOL = {
    "data_range": 255,
    "crop_border": 0,
    "rounding": "results are rounded to 8 bit",
    "y": "ITU-R BT.601 limited range, as MATLAB's rgb2ycbcr: (65.481 R + 128.553 G + 24.966 B) / 255 + 16, not rounded",
    "ssim": "Gaussian window 11 x 11, sigma 1.5, no sample covariance, K1 0.01, K2 0.03, mean over channels",
    "psnr_of_equal_pictures": PSNR_CAP,
}
"""Settings behind the numbers, to be written beside them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of a table of results: its unit, which direction is better ("" for neither), and what it is."""

    unit: str
    better: Literal["higher", "lower", ""]
    description: str


METRICS: dict[str, Metric] = {
    "psnr_rgb": Metric("dB", "higher", "PSNR of result and clean picture over R, G and B"),
    "psnr_y": Metric("dB", "higher", "PSNR on MATLAB's limited-range Y"),
    "ssim_rgb": Metric("", "higher", "SSIM of result and clean picture, mean of R, G and B"),
    "ssim_y": Metric("", "higher", "SSIM on MATLAB's limited-range Y"),
    "gain_psnr_y": Metric("dB", "higher", "psnr_y of the result less psnr_y of the rainy input"),
    "e_r": Metric("levels", "", "root mean square of input less result on rain pixels: how much was changed there"),
    "e_b": Metric("levels", "lower", "root mean square of result less clean picture off the rain: harm to background"),
    "rain_error": Metric("levels", "lower", "root mean square of result less clean picture on rain pixels"),
    "removal": Metric("", "higher", "share of the mean-free rain layer in what was taken away; 1 is all of it"),
    "rain_free_psnr_rgb": Metric("dB", "higher", "PSNR of what becomes of the clean picture given as input"),
    "rain_free_error": Metric("levels", "lower", "mean-free root mean square change of a clean picture given as input"),
    "coverage": Metric("", "", "share of pixels in the rain mask at the stated threshold"),
}
"""Metrics of one sample, in the order of the tables."""

RATIOS: dict[str, Metric] = {
    "removal_per_damage": Metric("1/level", "higher", "1000 x mean removal / mean rain_free_error"),
}
"""Metrics of a group of samples, made from means."""


def luma_limited(pixels: Pixels) -> Plane:
    """Return MATLAB's limited-range Y, float64 H x W in 16..235, not rounded.

    Coefficients of ITU-R BT.601 as MATLAB's `rgb2ycbcr` documents them.

    Examples
    --------
    >>> luma_limited(np.full((1, 1, 3), 255, np.uint8)).round(3).item()
    235.0
    """
    return np.asarray(pixels.astype(np.float64) @ _Y_WEIGHTS + _Y_OFFSET)


def psnr(first: NDArray[np.generic], second: NDArray[np.generic], data_range: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal arrays.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _check_shapes(first, second)
    error = float(np.mean(np.square(first.astype(np.float64) - second.astype(np.float64))))
    return math.inf if error == 0 else 10.0 * math.log10(data_range * data_range / error)


def ssim(first: NDArray[np.generic], second: NDArray[np.generic], data_range: float = 255.0) -> float:
    """Return the mean structural similarity (Wang et al. 2004, IEEE TIP 13(4), eq. 13).

    Gaussian window of 11 pixels, sigma 1.5, population covariance, mean over positions where the window fits and over
    channels: equal to `skimage.metrics.structural_similarity(..., gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=255)`.

    Parameters
    ----------
    first, second : array, H x W or H x W x C
        Any numeric dtype, both on a scale of `data_range`.

    Raises
    ------
    ValueError
        If the shapes differ or a side is shorter than the window.
    """
    _check_shapes(first, second)
    if min(first.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs {SSIM_WINDOW} x {SSIM_WINDOW} px, not {first.shape[1]} x {first.shape[0]}")
    a, b = first.astype(np.float64), second.astype(np.float64)
    mean_a, mean_b = _blur(a), _blur(b)
    product, square_a, square_b = mean_a * mean_b, mean_a * mean_a, mean_b * mean_b
    variances = _blur(a * a + b * b) - square_a - square_b
    covariance = _blur(a * b) - product
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    top = (2 * product + c1) * (2 * covariance + c2)
    bottom = (square_a + square_b + c1) * (variances + c2)
    return float(np.mean(top / bottom))


def rain_mask(rainy: Pixels, clean: Pixels, threshold: int = MASK_THRESHOLD) -> NDArray[np.bool_]:
    """Return the rain pixels, bool H x W: where some channel differs by more than `threshold` levels."""
    return np.asarray(cv2.absdiff(rainy, clean).max(axis=2) > threshold)


def rain_removed(rainy: Pixels, output: Pixels, mask: NDArray[np.bool_]) -> float:
    """Return E_R in levels: the root mean square of input less output over the rain pixels; NaN without any.

    The paper (arXiv 2305.15134) introduces the pair E_R and E_B; formula from memory, not checked against its text.
    E_R is high for a network that changes much, rain or not: read it beside E_B and the metrics of rain-free input.
    """
    return _root_mean_square(rainy, output, mask)


def background_error(output: Pixels, clean: Pixels, mask: NDArray[np.bool_]) -> float:
    """Return E_B in levels: the root mean square of output less clean off the rain pixels; NaN if all are rain.

    Formula from memory, as for `rain_removed`.
    """
    return _root_mean_square(output, clean, ~mask)


def mean_free_removal(rainy: Pixels, clean: Pixels, output: Pixels) -> float:
    """Return the share of the rain layer, freed of its mean in each channel, in what was taken away.

    <rainy - output, L> / <L, L> with L = (rainy - clean) - mean(rainy - clean). Subtracting a constant scores 0,
    removing all rain scores 1. NaN when the layer is constant.
    """
    layer = _difference(rainy, clean)
    layer -= layer.mean(axis=(0, 1))
    energy = float(np.vdot(layer, layer))
    return float(np.vdot(_difference(rainy, output), layer)) / energy if energy > 0 else math.nan


def mean_free_error(output: Pixels, clean: Pixels) -> float:
    """Return the root mean square of output less clean, freed of its mean in each channel, in levels."""
    error = _difference(output, clean)
    error -= error.mean(axis=(0, 1))
    return math.sqrt(float(np.mean(np.square(error))))


def measure(rainy: Pixels, clean: Pixels, output: Pixels, threshold: int = MASK_THRESHOLD) -> dict[str, float]:
    """Return the metrics of one result against its clean picture.

    Parameters
    ----------
    rainy, clean, output : uint8 array, H x W x 3
        The input, the truth, and what became of the input.
    threshold : int
        Of the rain mask, in levels.

    Returns
    -------
    dict of str to float
        Columns of `METRICS`, those of rain-free input excepted.
    """
    _check_shapes(rainy, clean)
    mask = rain_mask(rainy, clean, threshold)
    clean_y, output_y = luma_limited(clean), luma_limited(output)
    psnr_y = _capped(psnr(output_y, clean_y))
    return {
        "psnr_rgb": _capped(psnr(output, clean)),
        "psnr_y": psnr_y,
        "ssim_rgb": ssim(output, clean),
        "ssim_y": ssim(output_y, clean_y),
        "gain_psnr_y": psnr_y - _capped(psnr(luma_limited(rainy), clean_y)),
        "e_r": rain_removed(rainy, output, mask),
        "e_b": background_error(output, clean, mask),
        "rain_error": _root_mean_square(output, clean, mask),
        "removal": mean_free_removal(rainy, clean, output),
        "coverage": float(mask.mean()),
    }


def measure_rain_free(clean: Pixels, output: Pixels) -> dict[str, float]:
    """Return the damage done to a clean picture that was given as input, columns of `METRICS`."""
    return {"rain_free_psnr_rgb": _capped(psnr(output, clean)), "rain_free_error": mean_free_error(output, clean)}


def removal_per_damage(removal: float, rain_free_error: float) -> float:
    """Return 1000 x removal / rain-free error, of means over samples; NaN where nothing is damaged.

    Networks that are merely bolder raise both: the quotient tells generalisation from aggressiveness.
    """
    return 1000.0 * removal / rain_free_error if rain_free_error > 0 else math.nan


def _check_shapes(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"pictures of different size cannot be compared: {first.shape} and {second.shape}")


def _difference(first: Pixels, second: Pixels) -> Plane:
    _check_shapes(first, second)
    return first.astype(np.float64) - second.astype(np.float64)


def _root_mean_square(first: Pixels, second: Pixels, mask: NDArray[np.bool_]) -> float:
    error = _difference(first, second)[mask]
    return math.sqrt(float(np.mean(np.square(error)))) if error.size else math.nan


def _capped(decibels: float) -> float:
    return min(decibels, PSNR_CAP)


def _blur(plane: Plane) -> Plane:
    # Only positions where the window fits are kept, so the border rule of the filter does not matter.
    kernel = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_64F)
    edge = SSIM_WINDOW // 2
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)[edge:-edge, edge:-edge])
