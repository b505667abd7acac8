"""Multiscale structural complexity: how much each step of coarsening changes a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rainkit.complexity.instrument import Instrument, Rects, Values, whole
from rainkit.records import Pixels

SCALES = 4
"""Doublings of the block side that the headline sums: blocks of 1, 2, 4 and 8 against 2, 4, 8 and 16 pixels."""


def structural_scales(view: Pixels, rects: Rects | None = None, scales: int = SCALES) -> Values:
    """Return the structural complexity of each scale, and of all coarser ones together.

    Parameters
    ----------
    view : uint8 array, H x W
        Luma.
    rects : int32 array, N x 4, optional
        Rectangles x, y, w, h; the whole view where not given.
    scales : int
        Number of doublings K; sides of at least 2^K pixels are needed, and whole blocks of that side are used.

    Returns
    -------
    float64 array, N x (scales + 1)
        C_0 ... C_(K-1), then what remains between blocks of 2^K and the mean of the picture, in squared levels. The sum
        is half the variance of the pixels that were used.

    Notes
    -----
    With A_k the means over blocks of side 2^k, C_k = |<A_k A_(k+1)> - (<A_k^2> + <A_(k+1)^2>) / 2|. The blocks nest, so
    <A_k A_(k+1)> = <A_(k+1)^2> and C_k = (<A_k^2> - <A_(k+1)^2>) / 2: the sum telescopes to var / 2. Block sums are
    whole numbers, so nothing is rounded before the last division.

    References
    ----------
    A. A. Bagrov, I. A. Iakovlev, A. A. Iliasov, M. I. Katsnelson, V. V. Mazurenko, "Multiscale structural complexity of
    natural patterns", PNAS 117, 2020.
    """
    from rainkit.complexity import loops  # noqa: PLC0415 - numba

    rects = whole(view) if rects is None else rects
    side = 1 << scales
    rows = []
    for (*squares, total), (_, _, w, h) in zip(
        loops.block_squares(np.ascontiguousarray(view), rects, scales).tolist(), rects.tolist(), strict=True
    ):
        pixels = (w // side * side) * (h // side * side)
        # <A_k^2> pixels 4^K: a whole number, since a block of side 2^k has 4^k pixels.
        means = [square << (2 * (scales - k)) for k, square in enumerate(squares)]
        unit = 2 * (pixels << (2 * scales))
        parts = [(fine - coarse) / unit for fine, coarse in pairwise(means)]
        parts.append((means[-1] * pixels - ((total * total) << (2 * scales))) / (unit * pixels))
        rows.append(parts)
    return np.array(rows, dtype=np.float64).reshape(len(rects), scales + 1)


class StructuralComplexity(Instrument):
    """Multiscale structural complexity of fine and middle scales.

    C_0 + C_1 + C_2 + C_3 of `structural_scales`: blocks of 1 to 16 pixels of the view. Unit squared level. Without the
    coarse scales it is no longer contrast alone, though contrast still multiplies it. Noise adds to C_0 and C_1, a
    border of constant colour takes away its share of the area.

    Source: Bagrov et al., PNAS 117, 2020; the limit to four scales is this project's.
    """

    kind: Literal["structural_complexity"] = Field(
        default="structural_complexity", description="Multiscale structural complexity, blocks of 1 to 16 px."
    )
    unit: ClassVar[str] = "1/255^2"
    span: ClassVar[tuple[float, float]] = (0.0, 8192.0)
    smallest: ClassVar[int] = 1 << SCALES

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        return np.asarray(structural_scales(view, rects)[:, :SCALES].cumsum(axis=1)[:, -1])


class StructuralComplexityFull(Instrument):
    """Multiscale structural complexity over all scales, which is half the variance.

    The number that the literature calls structural complexity when every scale down to one block is summed, kept for
    comparison with it. Because the blocks nest, it is var(Y) / 2 exactly: pure contrast, blind to where pixels lie.
    Shuffling the pixels does not change it, and people agree with it least of all. Unit squared level.
    """

    kind: Literal["structural_complexity_full"] = Field(
        default="structural_complexity_full", description="Structural complexity over all scales: half the variance."
    )
    unit: ClassVar[str] = "1/255^2"
    span: ClassVar[tuple[float, float]] = (0.0, 8192.0)
    smallest: ClassVar[int] = 1 << SCALES

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        return np.asarray(structural_scales(view, rects).cumsum(axis=1)[:, -1])
