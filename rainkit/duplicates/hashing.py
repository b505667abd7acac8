"""A 64-bit perceptual hash from exact integer cosines."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.images import luma
from rainkit.records import Pixels

SIDE = 32
"""Pixels of the square to which a picture is reduced before its cosine transform."""
LOW = 8
"""Frequencies kept along each axis; the hash has LOW * LOW bits, of which the mean's is always 0."""

# Rounding is symmetric about zero, so mirrored pictures have exactly mirrored coefficients. 14 bits of cosine keep the
# double product exact: 32 * 32 * 255 * 2^28 < 2^53.
_COSINES: NDArray[np.float64] = np.array(
    [[round(math.cos(math.pi * (2 * x + 1) * u / (2 * SIDE)) * 2**14) for x in range(SIDE)] for u in range(LOW)],
    dtype=np.float64,
)
_WEIGHTS: NDArray[np.uint64] = (np.uint64(1) << np.arange(LOW * LOW, dtype=np.uint64)).reshape(LOW, LOW)
_ODD_ACROSS = int(_WEIGHTS[:, 1::2].sum())
_ODD_DOWN = int(_WEIGHTS[1::2, :].sum())

ORIENTATIONS: dict[str, tuple[bool, bool, bool]] = {
    "upright": (False, False, False),
    "mirrored": (False, True, False),
    "upside down": (False, False, True),
    "turned 180": (False, True, True),
    "transposed": (True, False, False),
    "turned 90": (True, True, False),
    "turned 270": (True, False, True),
    "transverse": (True, True, True),
}
"""The eight orientations: (transpose, then mirror left and right, then mirror up and down); turns are clockwise."""


def average(pixels: Pixels, side: int) -> Pixels:
    """Return the luma of a picture averaged to side x side, uint8; the aspect is not kept.

    Large pictures are first averaged over whole blocks, which is four times as fast; a rest of less than a block at
    the borders, equal on both sides, is left out.
    """
    grey = luma(pixels)
    block = max(1, min(grey.shape) // (4 * side))
    if block > 1:
        height, width = grey.shape[0] // block, grey.shape[1] // block
        top, left = grey.shape[0] % block // 2, grey.shape[1] % block // 2
        grey = grey[top : top + height * block, left : left + width * block]
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def hash_reduced(square: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return the hash of each reduced picture, shape (...) for input of shape (..., SIDE, SIDE)."""
    low = _COSINES @ square.astype(np.float64) @ _COSINES.T
    bits = low > 0
    bits[..., 0, 0] = False
    return np.asarray(np.where(bits, _WEIGHTS, np.uint64(0)).sum(axis=(-2, -1), dtype=np.uint64))


def perceptual_hash(pixels: Pixels) -> int:
    """Return the 64-bit perceptual hash of a picture.

    Bit 8 v + u is set if the cosine coefficient of u half-waves across and v down is positive; bit 0, the mean's, never
    is. Signs instead of the usual comparison with the median: as selective on photographs, and mirroring becomes an
    inversion of bits (`orient`). Exact integers throughout: the same on every processor.

    Parameters
    ----------
    pixels : uint8 array, shape (H, W) or (H, W, 3)
        Grey or RGB picture of any size.

    Returns
    -------
    int
        0 .. 2^64 - 1. Distances up to 10 bits mean nearly identical pictures.

    Examples
    --------
    >>> ramp = np.tile(np.arange(0, 128, 4, dtype=np.uint8), (32, 1))
    >>> perceptual_hash(ramp) == perceptual_hash(ramp + 100)
    True
    """
    return int(hash_reduced(average(pixels, SIDE)))


def swap_axes(words: NDArray[np.uint64], low: int, high: int) -> NDArray[np.uint64]:
    """Return the words with their bits moved so that bits `low` and `high` of each bit's number change places.

    Seen as a cube of six axes of two, a word has two of its axes swapped: the axes 0..2 are u, 3..5 are v.
    """
    shift = np.uint64((1 << high) - (1 << low))
    mask = np.uint64(sum(1 << bit for bit in range(64) if bit >> low & 1 and not bit >> high & 1))
    moved = (words ^ (words >> shift)) & mask
    return np.asarray(words ^ moved ^ (moved << shift))


def orient(hashes: NDArray[np.uint64], orientation: str) -> NDArray[np.uint64]:
    """Return the hashes that the pictures would have in another orientation, same shape.

    Parameters
    ----------
    hashes : uint64 array
        Hashes of upright pictures.
    orientation : str
        A key of ORIENTATIONS.
    """
    transpose, across, down = ORIENTATIONS[orientation]
    out = np.asarray(hashes, dtype=np.uint64)
    if transpose:
        for axis in range(3):
            out = swap_axes(out, axis, axis + 3)
    return np.asarray(out ^ np.uint64((_ODD_ACROSS if across else 0) ^ (_ODD_DOWN if down else 0)))


def hash_rectangles(pixels: Pixels, rectangles: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the perceptual hash of each rectangle of a picture, shape (N,).

    Parameters
    ----------
    pixels : uint8 array, shape (H, W) or (H, W, 3)
        The picture.
    rectangles : integer array, shape (N, 4)
        x, y, width, height in pixels, within the picture.
    """
    grey = luma(pixels)
    squares = [average(grey[y : y + height, x : x + width], SIDE) for x, y, width, height in rectangles.tolist()]
    return hash_reduced(np.stack(squares)) if squares else np.empty(0, dtype=np.uint64)
