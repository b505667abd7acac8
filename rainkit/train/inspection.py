"""What the pixels of a pair say without its labels: whether it is aligned, of one picture, and how it was rained on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit import images
from rainkit.records import Pixels
from rainkit.train.metrics import MASK_THRESHOLD, psnr

SHIFT = 3
"""Largest displacement that is looked for, px."""
WINDOW = 256
"""Side of the middle of a picture that edges are compared in, px: more would only take longer."""
_STEEPEST = 48  # a streak's edge counts no more than a picture's
_LIT = 48
_DRIEST = 2.0
_DARKER = 2  # levels that rounding and a coded picture may take away


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What was measured on one pair.

    Attributes
    ----------
    shift_x, shift_y : int
        Displacement of rainy against clean at which their edges agree best, px, within `SHIFT`.
    agreement : float
        Correlation of their edges where they lie, -1 to 1; 0 where a picture has none.
    best_agreement : float
        Correlation of their edges at the best displacement.
    darker : float
        Share of values by which rain took light away, 0 to 1.
    coverage : float
        Share of pixels in the rain mask.
    floor : float
        Light that even the driest places gained, levels: the second percentile of rainy less clean where the clean
        picture is not black. Rain leaves gaps, so a dimmed target shows here.
    brightening : float
        Mean of rainy less clean, levels.
    psnr : float
        PSNR of rainy against clean over RGB, dB; infinite where they are equal.
    contrast : float
        Standard deviation of the clean picture's luma, levels; 0 for a constant picture.
    """

    shift_x: int
    shift_y: int
    agreement: float
    best_agreement: float
    darker: float
    coverage: float
    floor: float
    brightening: float
    psnr: float
    contrast: float


def inspect_pair(rainy: Pixels, clean: Pixels, threshold: int = MASK_THRESHOLD) -> PairFacts:
    """Return what the pixels of a pair say about it.

    Parameters
    ----------
    rainy, clean : uint8 array, H x W x 3
        One size, at least 16 px.
    threshold : int
        Of the rain mask, levels.

    Raises
    ------
    ValueError
        If the sizes differ or are too small.
    """
    if rainy.shape != clean.shape or min(clean.shape[:2]) < 16:
        sizes = " and ".join(f"{pixels.shape[1]} x {pixels.shape[0]} px" for pixels in (rainy, clean))
        raise ValueError(f"the pictures of a pair must be of one size and at least 16 x 16 px, not {sizes}")
    added = rainy.astype(np.int16) - clean.astype(np.int16)
    lit = added[clean >= _LIT]
    middle = _centre(clean.shape[0], clean.shape[1], WINDOW)
    agreements = _agreements(images.luma(rainy[middle]), images.luma(clean[middle]))
    row, column = np.unravel_index(int(agreements.argmax()), agreements.shape)
    return PairFacts(
        shift_x=int(column) - SHIFT,
        shift_y=int(row) - SHIFT,
        agreement=float(agreements[SHIFT, SHIFT]),
        best_agreement=float(agreements.max()),
        darker=float(np.mean(added < -_DARKER)),
        coverage=float((np.abs(added).max(axis=2) > threshold).mean()),
        floor=float(np.percentile(lit, _DRIEST)) if lit.size else 0.0,
        brightening=float(added.mean()),
        psnr=psnr(rainy, clean),
        contrast=float(images.luma(clean).std()),
    )


def tabulate(rows: list[tuple[dict[str, Any], PairFacts]]) -> pa.Table:
    """Return measured pairs as a table: columns of the manifest that are given, then those of `PairFacts`."""
    return pa.Table.from_pylist([labels | asdict(facts) for labels, facts in rows])


def _centre(height: int, width: int, side: int) -> tuple[slice, slice]:
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return slice(top, top + side), slice(left, left + side)


def _agreements(rainy: Pixels, clean: Pixels) -> NDArray[np.float64]:
    """Return the correlation of edges by displacement, float64 (2 SHIFT + 1) squared, rows for y.

    At [SHIFT + dy, SHIFT + dx] the clean picture's edges meet those of the rainy one that lie (dx, dy) further.
    """
    side = 2 * SHIFT + 1
    scores = np.zeros((side, side))
    inner = np.s_[SHIFT:-SHIFT, SHIFT:-SHIFT]
    height, width = clean.shape[0] - 2 * SHIFT, clean.shape[1] - 2 * SHIFT
    for axes in ((1, 0), (0, 1)):
        first, second = (np.clip(cv2.Sobel(side_, cv2.CV_32F, *axes), -4 * _STEEPEST, 4 * _STEEPEST)
                         for side_ in (rainy, clean))  # fmt: skip
        fixed = second[inner]
        for dy in range(side):
            for dx in range(side):
                moved = first[dy : dy + height, dx : dx + width]
                norm = float(np.linalg.norm(moved) * np.linalg.norm(fixed))
                scores[dy, dx] += float(np.vdot(moved, fixed)) / norm / 2 if norm > 0 else 0.0
    return scores
