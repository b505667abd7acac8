"""What needs no training, shown beside every result: a network that loses to these has learned nothing."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from rainkit.records import Pixels

MEDIAN_SIDE = 5
GUIDE_RADIUS = 8
GUIDE_EPSILON = (0.1 * 255.0) ** 2


def keep_input(rainy: Pixels) -> Pixels:
    """Return the picture as it is."""
    return rainy


def filter_median(rainy: Pixels) -> Pixels:
    """Return the median of 5 x 5 px in each channel, uint8 H x W x 3."""
    return np.asarray(cv2.medianBlur(rainy, MEDIAN_SIDE), dtype=np.uint8)


def split_guided(rainy: Pixels) -> Pixels:
    """Return the picture without the bright half of its fine detail, uint8 H x W x 3.

    A guided filter (He, Sun and Tang, IEEE TPAMI 35(6), 2013, eq. 5, 6 and 8; each channel is its own guide, radius
    8 px, epsilon (0.1 of the range) squared) splits the picture into base and detail. Rain adds light: detail above the
    base is dropped, detail below it is kept.
    """
    picture = rainy.astype(np.float32)
    size = (2 * GUIDE_RADIUS + 1, 2 * GUIDE_RADIUS + 1)
    mean = cv2.blur(picture, size)
    variance = np.maximum(cv2.blur(picture * picture, size) - mean * mean, 0.0)
    slope = variance / (variance + GUIDE_EPSILON)
    base = cv2.blur(slope, size) * picture + cv2.blur(mean - slope * mean, size)
    darker: Pixels = np.clip(np.rint(np.minimum(picture, base)), 0, 255).astype(np.uint8)
    return darker


BASELINES: dict[str, Callable[[Pixels], Pixels]] = {
    "input": keep_input,
    "median": filter_median,
    "guided": split_guided,
}
"""Name to method, uint8 H x W x 3 to the same."""
