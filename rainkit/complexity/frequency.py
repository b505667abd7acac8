"""Estimators of the spectrum: how energy spreads over spatial frequency.

All three read one table, the energy of the coefficients of an orthogonal cosine transform of 16 x 16 blocks, made in
integers: the basis is rounded to 1/256, the coefficients to 1/16. Index k of 16 stands for k / 32 cycles per pixel. The
blocks tile the view from its upper left corner; what is left at the right and below is ignored. A cosine transform
does not see the jump from the right border to the left, which fills the axes of a Fourier spectrum.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.records import Pixels

BLOCK = 16
_BASIS_SCALE = 256
_FIRST_SHIFT = 4
_LAST_SHIFT = 8
CUTOFF = 1 / 8
"""Frequency, in cycles per pixel, from which energy counts as high."""


def cosine_matrix(size: int, scale: int) -> NDArray[np.int32]:
    """Return the cosine transform of type II, rounded to integers: round(scale c_k cos(pi (2 n + 1) k / (2 size))).

    c_0 is sqrt(1/2) and the others 1, so that rows have equal length; int32 size x size, row k, column n.
    """
    return np.array(
        [
            [
                round(scale * (1.0 if k else math.sqrt(0.5)) * math.cos(math.pi * (2 * n + 1) * k / (2 * size)))
                for n in range(size)
            ]
            for k in range(size)
        ],
        dtype=np.int32,
    )


@lru_cache(maxsize=1)
def _basis() -> NDArray[np.int32]:
    return cosine_matrix(BLOCK, _BASIS_SCALE)


@lru_cache(maxsize=1)
def _radii() -> Values:
    """Return the radial frequency of each coefficient in cycles per pixel, float64 16 x 16."""
    return np.array([[math.sqrt(k * k + m * m) / (2 * BLOCK) for m in range(BLOCK)] for k in range(BLOCK)])


def block_energies(view: Pixels, rects: Rects) -> NDArray[np.int64]:
    """Return the energy of each coefficient over the blocks of each rectangle, int64 N x 16 x 16, without the mean."""
    from rainkit.complexity import loops  # noqa: PLC0415 - numba

    sums = np.asarray(loops.energies(view, rects, _basis(), _FIRST_SHIFT, _LAST_SHIFT), dtype=np.int64)
    sums[:, 0, 0] = 0
    return sums


class FrequencyEnergy(Instrument):
    """Share of the energy at or above 1/8 cycle per pixel.

    E(f >= 1/8) / E(f > 0) over the coefficients of 16 x 16 blocks, f the radial frequency. 0 for a constant picture.

    Unit 1, 0 to 1. It ignores contrast entirely: faint grain on a plain wall scores as high as gravel, and it does not
    grow with the number of objects (dead leaves with more leaves). Noise and sharpening raise it; upsampling lowers it.
    Read it beside an estimator that counts, such as `dct_significance`.
    """

    kind: Literal["frequency_energy"] = Field(
        default="frequency_energy", description="Share of energy at or above 1/8 cycle per pixel."
    )
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    smallest: ClassVar[int] = BLOCK

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        sums = block_energies(view, rects)
        totals = sums.sum(axis=(1, 2), dtype=np.int64)
        high = sums[:, _radii() >= CUTOFF].sum(axis=1, dtype=np.int64)
        return np.where(totals > 0, high / np.maximum(totals, 1), 0.0)


class SpectralSlope(Instrument):
    """Slope of the spectrum: the exponent a of energy ~ f^-a.

    Coefficients of 16 x 16 blocks are gathered in 14 rings of whole k (1/32 to 14/32 cycle per pixel, rings of width
    1/32); a is minus the slope of the straight line through log2(mean energy) against log2(f), least squares with equal
    weight a ring. Photographs have about 2, white noise 0, blur more. 0 for a constant picture.

    Unit 1, -4 to 8 (clipped). Higher means smoother, so it falls as complexity rises. It ignores contrast.

    Source: D. J. Field, "Relations between the statistics of natural images and the response properties of cortical
    cells", JOSA A 4, 1987, for the law; the estimator is this project's.
    """

    kind: Literal["spectral_slope"] = Field(
        default="spectral_slope", description="Exponent of the fall of the spectrum."
    )
    span: ClassVar[tuple[float, float]] = (-4.0, 8.0)
    smallest: ClassVar[int] = BLOCK

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        rings = np.rint(_radii() * 2 * BLOCK).astype(np.int64)
        sums = block_energies(view, rects)
        totals = np.stack([sums[:, rings == k].sum(axis=1) for k in _RINGS], axis=1)
        sizes = [int((rings == k).sum()) for k in _RINGS]
        return np.array([_fall(row, sizes) for row in totals.tolist()], dtype=np.float64)


_RINGS = range(1, 15)


def _fall(energies: list[int], sizes: list[int]) -> float:
    if not any(energies):
        return 0.0
    x = [math.log2(k) for k in _RINGS]
    # One unit of energy in an empty ring: a hundredth of a level, below the rounding of the pixels.
    y = [math.log2(max(energy, 1) / size) for energy, size in zip(energies, sizes, strict=True)]
    centre, level = math.fsum(x) / len(x), math.fsum(y) / len(y)
    rise = math.fsum((a - centre) * (b - level) for a, b in zip(x, y, strict=True))
    return min(8.0, max(-4.0, -rise / math.fsum((a - centre) ** 2 for a in x)))


class SpectralEntropy(Instrument):
    """Entropy of how energy spreads over frequencies and directions.

    -sum p log2 p / log2(255), p the share of energy of each of the 255 coefficients of 16 x 16 blocks. 0 for a constant
    picture or a single wave, 1 for white noise. Unit 1, 0 to 1. It ignores contrast and phase: a picture and the noise
    of its spectrum score the same.
    """

    kind: Literal["spectral_entropy"] = Field(
        default="spectral_entropy", description="Entropy of the energy of frequencies, 0 to 1."
    )
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    smallest: ClassVar[int] = BLOCK

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        sums = block_energies(view, rects).reshape(len(rects), -1)
        return np.array([_evenness(row) for row in sums.tolist()], dtype=np.float64)


def _evenness(energies: list[int]) -> float:
    total = sum(energies)
    if not total:
        return 0.0
    bits = math.fsum(energy / total * math.log2(total / energy) for energy in energies if energy)
    return min(1.0, bits / math.log2(BLOCK * BLOCK - 1))
