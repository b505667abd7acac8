"""Estimators of histograms: entropies of levels and of differences, and contrast."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rainkit.complexity.instrument import Instrument, Rects, Values, entropies
from rainkit.records import Pixels

_AT_ONCE = 64  # rectangles whose joint histograms (83 KiB each) are held together


class GreyEntropy(Instrument):
    """Shannon entropy of the grey levels.

    H = -sum p_i log2 p_i over the 256 levels of luma. Unit bit, 0 (constant) to 8. It ignores where pixels lie: a
    smooth ramp, noise and a photograph with the same histogram score the same. Exposure and contrast move it.

    Source: C. E. Shannon, "A mathematical theory of communication", 1948; equals `skimage.measure.shannon_entropy`.
    """

    kind: Literal["grey_entropy"] = Field(default="grey_entropy", description="Entropy of the grey levels.")
    unit: ClassVar[str] = "bit"
    span: ClassVar[tuple[float, float]] = (0.0, 8.0)

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        words = view.size // 8 * 8
        if len(rects) > 1 or int(rects[0, 2]) * int(rects[0, 3]) < view.size or view.ctypes.data % 8:
            return entropies(loops.levels(view, rects))
        flat = view.reshape(-1)
        counts = loops.level_words(flat[:words].view(np.uint64))
        counts[0] += np.bincount(flat[words:], minlength=256)
        return entropies(counts)


class Delentropy(Instrument):
    """Half the joint entropy of the two central differences (deldensity).

    H = -1/2 sum p_ij log2 p_ij over fixed bins of 5 levels of (f(x+1, y) - f(x-1, y), f(x, y+1) - f(x, y-1)) on the
    interior. The half is Papoulis' sampling theorem: either difference alone would do. Unit bit, 0 to 6.7.

    It sees direction as well as strength of edges, and ignores colour and arrangement. A small patch cannot fill the
    joint histogram: the value of n interior pixels is at most log2(n) / 2, so compare patches of one size only.

    Source: K. G. Larkin, "Reflections on Shannon information: in search of a natural information-entropy for images",
    arXiv 1609.01117; the bins of 5 levels are this project's.
    """

    kind: Literal["delentropy"] = Field(
        default="delentropy", description="Half the joint entropy of central differences."
    )
    unit: ClassVar[str] = "bit"
    span: ClassVar[tuple[float, float]] = (0.0, 6.7)
    smallest: ClassVar[int] = 3

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        parts = [
            entropies(loops.joint_differences(view, rects[start : start + _AT_ONCE]))
            for start in range(0, len(rects), _AT_ONCE)
        ]
        return np.asarray(np.concatenate(parts) / 2.0)


class RmsContrast(Instrument):
    """Standard deviation of luma as a share of full scale.

    sqrt(<Y^2> - <Y>^2) / 255. Unit 1, 0 to 0.5. It is contrast, not complexity: two flat halves of black and white
    score the highest value there is, and people hardly agree with it. Kept as a second axis for strata, and as a
    control.
    """

    kind: Literal["rms_contrast"] = Field(default="rms_contrast", description="Standard deviation of luma over 255.")
    span: ClassVar[tuple[float, float]] = (0.0, 0.5)

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        counts = rects[:, 2].astype(np.int64) * rects[:, 3]
        sums = loops.moments(view, rects)
        return np.array([
            math.sqrt(variance(n, total, squares)) / 255.0
            for n, (total, squares) in zip(counts.tolist(), sums.tolist(), strict=True)
        ])  # fmt: skip


def variance(count: int, total: int, squares: int) -> float:
    """Return the variance of `count` whole numbers from their sum and the sum of their squares, rounded once."""
    return (count * squares - total * total) / (count * count)
