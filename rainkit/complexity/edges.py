"""Estimators of edges: how strong, how many, how long."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from rainkit.complexity.histograms import variance
from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.records import Pixels

WEAK, STRONG = 100, 200
"""Limits of Canny's hysteresis for `edge_density`, as L1 norms of Sobel's gradient (8 for 1 level a pixel)."""
CONTOUR_WEAK, CONTOUR_STRONG = 200, 400
CONTOUR_LENGTH = 10
"""Limits of `contour_count`, and the number of pixels from which a contour counts; chosen on people's ratings."""


class SpatialInformation(Instrument):
    """Spatial information (SI) of ITU-T P.910.

    Standard deviation over the interior of the length of Sobel's gradient, sqrt(Gx^2 + Gy^2), of one frame. Lengths are
    rounded to 2^-16, which is exact to 1e-5 of the value. Equal to `siti_tools` on the same 8-bit luma.

    Unit level, 0 to about 720. It multiplies with contrast, and one strong outline on a plain ground scores high. It
    ignores colour and arrangement.

    Source: ITU-T P.910 (10/2023), section 7.8 (section number unverified).
    """

    kind: Literal["spatial_information"] = Field(
        default="spatial_information", description="Spatial information of ITU-T P.910."
    )
    unit: ClassVar[str] = "1/255"
    span: ClassVar[tuple[float, float]] = (0.0, 722.0)
    smallest: ClassVar[int] = 3

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        counts = (rects[:, 2].astype(np.int64) - 2) * (rects[:, 3] - 2)
        return np.array([
            math.sqrt(max(0.0, variance(n, lengths, squares << 32))) / 65536.0
            for n, (lengths, squares) in zip(counts.tolist(), loops.sobel_moments(view, rects).tolist(), strict=True)
        ])  # fmt: skip


class EdgeDensity(Instrument):
    """Share of pixels on an edge.

    Canny's detector on luma with Sobel 3 x 3, L1 norm and limits 100 and 200, without smoothing. Unit 1, 0 to about
    0.5. It counts thin lines: texture that is finer than its own edges, such as gravel, saturates. Contrast below the
    limits is not seen at all; noise above them is all edges.

    Source: J. Canny, "A computational approach to edge detection", IEEE PAMI 8, 1986.
    """

    kind: Literal["edge_density"] = Field(default="edge_density", description="Share of pixels on a Canny edge.")
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    smallest: ClassVar[int] = 3

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        shares = []
        for x, y, w, h in rects.tolist():
            edges = cv2.Canny(np.ascontiguousarray(view[y : y + h, x : x + w]), WEAK, STRONG)
            shares.append(cv2.countNonZero(edges) / (w * h))
        return np.array(shares, dtype=np.float64)


class ContourCount(Instrument):
    """Number of long, strong contours at half and at quarter size.

    The view is halved once and twice (2 x 2 means); on each, Canny's edges with limits 200 and 400 are joined into
    8-connected contours, and those of at least 10 pixels are counted. Unit contours, from 0.

    It stands in for the number of things in a picture, which texture hides from the estimators of every pixel. Its
    limits were chosen on people's ratings, so it is an ingredient of the composite `human` and not an estimator of its
    own right. It ignores colour, and low contrast altogether; it grows with the size of the view.
    """

    kind: Literal["contour_count"] = Field(
        default="contour_count", description="Long strong contours at half and quarter size; tuned on ratings."
    )
    unit: ClassVar[str] = "contours"
    span: ClassVar[tuple[float, float]] = (0.0, math.inf)
    smallest: ClassVar[int] = 12

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        counts = []
        for x, y, w, h in rects.tolist():
            part, found = view[y : y + h, x : x + w], 0
            for _ in range(2):
                part = np.asarray(loops.halve(part))
                edges = cv2.Canny(part, CONTOUR_WEAK, CONTOUR_STRONG)
                _, _, statistics, _ = cv2.connectedComponentsWithStats(edges, connectivity=8)
                found += int((statistics[1:, cv2.CC_STAT_AREA] >= CONTOUR_LENGTH).sum())
            counts.append(found)
        return np.array(counts, dtype=np.float64)
