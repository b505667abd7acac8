"""Views: what an estimator looks at.

The canonical view makes pictures of different size comparable: an area of 256 x 256 pixels, aspect kept. It is made by
area averaging in integers: means of whole rectangles of n x m pixels, then one area average by less than two in each
direction. A picture that is smaller than the view is never enlarged, since that
would invent smoothness; it is measured as it is and flagged. The native view of a patch is its own pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.complexity.instrument import Rects
from rainkit.images import luma
from rainkit.records import Pixels

AREA = 256 * 256
"""Pixels of the canonical view."""


@dataclass(frozen=True, slots=True)
class View:
    """A picture as estimators see it.

    Attributes
    ----------
    rgb : uint8 array, H x W x 3
        Colour.
    luma : uint8 array, H x W
        BT.601 luma of `rgb`.
    small : bool
        Whether the picture had fewer pixels than the canonical view, so that its scores compare with those of its own
        size only.
    """

    rgb: Pixels
    luma: Pixels
    small: bool

    def plane(self, name: Literal["luma", "rgb"]) -> Pixels:
        """Return what an estimator of that `view` looks at."""
        return self.luma if name == "luma" else self.rgb


def view_size(height: int, width: int) -> tuple[int, int]:
    """Return height and width of the canonical view of a picture; its own where it has fewer pixels."""
    if height * width <= AREA:
        return height, width
    scale = math.sqrt(AREA / (height * width))
    return max(1, round(height * scale)), max(1, round(width * scale))


@lru_cache(maxsize=256)
def _weights(size: int, target: int) -> NDArray[np.int32]:
    """Return the area weights from `size` to `target` pixels, int32 target x 4: first, and three weights of 256."""
    rows = []
    for index in range(target):
        # In units of 1 / target of a source pixel: output pixel `index` covers [start, stop).
        start, stop = index * size, (index + 1) * size
        first = start // target
        edges = [min(max(start, (first + n) * target), stop) for n in range(4)]
        sums = [round(256 * (edge - start) / size) for edge in edges]
        sums[3] = 256
        rows.append([first, sums[1], sums[2] - sums[1], sums[3] - sums[2]])
    return np.array(rows, dtype=np.int32)


def box_means(pixels: Pixels, down: int, across: int) -> Pixels:
    """Return the means of whole rectangles of `down` x `across` pixels, uint8, halves rounded up."""
    from rainkit.complexity import view_loops  # noqa: PLC0415 - numba

    space = np.uint16 if down * across * 255 < 2**16 else np.uint32
    line = np.empty(3 * (pixels.shape[1] // across * across), dtype=space)
    return np.asarray(view_loops.box(pixels, down, across, line))


def _reduce(pixels: Pixels) -> Pixels:
    from rainkit.complexity import view_loops  # noqa: PLC0415 - numba

    height, width = view_size(*pixels.shape[:2])
    down, across = pixels.shape[0] // height, pixels.shape[1] // width
    if down > 1 or across > 1:
        pixels = box_means(pixels, down, across)
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(view_loops.shrink(pixels, _weights(pixels.shape[1], width), _weights(pixels.shape[0], height)))


def _as_rgb(pixels: Pixels) -> Pixels:
    if (
        pixels.dtype != np.uint8
        or pixels.size == 0
        or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
    ):
        raise ValueError(f"a picture is uint8 H x W x 3 or H x W and not empty, not {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return np.ascontiguousarray(pixels)


def canonical_view(pixels: Pixels) -> View:
    """Return the canonical view of a picture: an area of 256 x 256 pixels, never enlarged.

    Parameters
    ----------
    pixels : uint8 array, H x W x 3 or H x W
        RGB or grey.

    Raises
    ------
    ValueError
        If the picture is empty or of another type; pictures of 16 bits are reduced when they are decoded.

    Examples
    --------
    >>> canonical_view(np.zeros((1024, 2048, 3), np.uint8)).luma.shape
    (181, 362)
    """
    rgb = _as_rgb(pixels)
    small = rgb.shape[0] * rgb.shape[1] < AREA
    rgb = _reduce(rgb)
    return View(rgb, luma(rgb), small)


def native_view(pixels: Pixels) -> View:
    """Return a picture as it is, RGB and luma; what patches are measured on."""
    rgb = _as_rgb(pixels)
    return View(rgb, luma(rgb), rgb.shape[0] * rgb.shape[1] < AREA)


def patch_grid(height: int, width: int, size: int, stride: int | None = None) -> Rects:
    """Return the patches of a picture, from its upper left corner, row by row.

    Parameters
    ----------
    height, width : int
        Size of the picture in pixels.
    size : int
        Side of a patch in pixels.
    stride : int, optional
        Distance between neighbours in pixels; `size` where not given.

    Returns
    -------
    int32 array, N x 4
        Columns x, y, w, h. Empty where the picture is smaller than a patch.

    Examples
    --------
    >>> patch_grid(128, 300, 128, 100).tolist()
    [[0, 0, 128, 128], [100, 0, 128, 128]]
    """
    step = size if stride is None else stride
    if size < 1 or step < 1:
        raise ValueError(f"size and stride of patches are at least 1 px, not {size} and {step}")
    rows = range(0, height - size + 1, step)
    columns = range(0, width - size + 1, step)
    grid = [[x, y, size, size] for y in rows for x in columns]
    return np.array(grid, dtype=np.int32).reshape(-1, 4)
