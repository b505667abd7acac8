"""Estimators that count significant coefficients of 8 x 8 blocks: `jpeg_ratio` without a codec, exact in integers."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.complexity.frequency import cosine_matrix
from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.records import Pixels

SIZE = 8
QUANTISATION = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.int64,
)
"""Luminance steps of JPEG at quality 50, row = vertical frequency: ITU-T T.81 (1992), table K.1."""

_BASIS_SCALE = 1393  # 1393 / sqrt(2) is 985.0001, so the two plainest rows of the basis are nearly exact
_FIRST_SHIFT = 4
_MARGIN = 50  # a 50th of a level: JPEG keeps a coefficient of just half a step, and so must a rounded one


def _steps() -> NDArray[np.int64]:
    """Return the luminance steps at quality 75, as libjpeg scales them: half of quality 50, rounded."""
    return (QUANTISATION * 50 + 50) // 100


@lru_cache(maxsize=1)
def _cosine() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the cosine basis, and the size from which a coefficient rounds to a whole step, in its units.

    A row of the basis has the length 2 * 1393, so two passes less 4 bits multiply an orthonormal coefficient by
    (2 * 1393)^2 / 16, and the largest, 1024 levels, stays below 2^29.
    """
    scale = (2 * _BASIS_SCALE) ** 2 >> _FIRST_SHIFT
    return cosine_matrix(SIZE, _BASIS_SCALE), _limits(_steps() * scale // 2 - scale // _MARGIN)


@lru_cache(maxsize=1)
def _hadamard() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the Walsh-Hadamard basis by sequency, and limits; two passes multiply an orthonormal coefficient by 8."""
    rows = [[1 - 2 * ((k & n).bit_count() & 1) for n in range(SIZE)] for k in range(SIZE)]
    rows.sort(key=lambda row: sum(a != b for a, b in pairwise(row)))
    return np.array(rows, dtype=np.int32), _limits(_steps() * 4)


def _limits(limits: NDArray[np.int64]) -> NDArray[np.int32]:
    limits = limits.copy()
    limits[0, 0] = 2**31 - 1  # the mean of a block is brightness, not structure
    return limits.astype(np.int32)


def _share(view: Pixels, rects: Rects, basis: NDArray[np.int32], shift: int, limits: NDArray[np.int32]) -> Values:
    from rainkit.complexity import loops  # noqa: PLC0415 - numba

    counts = loops.significant(view, rects, basis, shift, limits)
    blocks = (rects[:, 2] // SIZE).astype(np.int64) * (rects[:, 3] // SIZE)
    return np.asarray(counts / (blocks * (SIZE * SIZE - 1)))


class DctSignificance(Instrument):
    """Share of cosine coefficients that JPEG of quality 75 would keep.

    The luma is cut into whole 8 x 8 blocks; of the 63 coefficients of each but its mean, the share with |c| >= Q / 2, Q
    the luminance step of quality 75. The transform is made in integers with a basis of 1 / 1393, so the count is
    the same everywhere, whichever codec is installed. It ranks pictures as `jpeg_ratio` does.

    Unit 1, 0 (constant) to 1. It ignores colour and arrangement beyond 8 px; noise raises it, blur lowers it, and
    earlier JPEG compression at a lower quality lowers it in steps.

    Source of the steps: ITU-T T.81, table K.1.
    """

    kind: Literal["dct_significance"] = Field(
        default="dct_significance", description="Share of 8 x 8 cosine coefficients above JPEG's rounding, quality 75."
    )
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    smallest: ClassVar[int] = SIZE

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        basis, limits = _cosine()
        return _share(view, rects, basis, _FIRST_SHIFT, limits)


class HadamardSignificance(Instrument):
    """Share of Walsh-Hadamard coefficients that reach half of JPEG's step at quality 75.

    As `dct_significance` with a basis of +1 and -1, ordered by sequency: additions alone, no rounding anywhere, so that
    a reader can recompute it with nothing but whole numbers. Unit 1, 0 to 1. Smooth slopes leak into more coefficients
    than with cosines, so it runs a little higher; ranks agree.
    """

    kind: Literal["hadamard_significance"] = Field(
        default="hadamard_significance", description="Share of 8 x 8 Walsh-Hadamard coefficients above JPEG's rounding."
    )
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    smallest: ClassVar[int] = SIZE

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        basis, limits = _hadamard()
        return _share(view, rects, basis, 0, limits)
