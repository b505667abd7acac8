"""Measure pictures and patches with several estimators at once."""

from __future__ import annotations

from collections.abc import Iterable

from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.complexity.views import canonical_view, native_view
from rainkit.records import Pixels


def measure(pixels: Pixels, estimators: Iterable[Instrument]) -> dict[str, float]:
    """Return the complexity of a whole picture, measured on its canonical view.

    Parameters
    ----------
    pixels : uint8 array, H x W x 3 or H x W
        RGB or grey, at least one pixel.
    estimators : iterable of Instrument
        What to measure.

    Returns
    -------
    dict of str to float
        Value by estimator kind; always finite.

    Examples
    --------
    >>> import numpy as np
    >>> from rainkit.complexity import GradientEntropy
    >>> measure(np.zeros((400, 600, 3), np.uint8), [GradientEntropy()])
    {'gradient_entropy': 0.0}
    """
    view = canonical_view(pixels)
    return {estimator.kind: estimator(view.plane(estimator.view)) for estimator in estimators}


def measure_patches(pixels: Pixels, estimators: Iterable[Instrument], rects: Rects) -> dict[str, Values]:
    """Return the complexity of rectangles of a picture, each on its own pixels.

    A value depends on the pixels of the rectangle alone, so a patch that is cut out, stored losslessly and measured
    again has the same value to the last digit.

    Parameters
    ----------
    pixels : uint8 array, H x W x 3 or H x W
        RGB or grey.
    estimators : iterable of Instrument
        What to measure.
    rects : int32 array, N x 4
        Columns x, y, w, h in pixels, as `patch_grid` gives them.

    Returns
    -------
    dict of str to float64 array (N,)
        Values by estimator kind, in the order of `rects`; always finite.
    """
    view = native_view(pixels)
    return {estimator.kind: estimator.many(view.plane(estimator.view), rects) for estimator in estimators}
