"""Pixels in memory: digests, colour, threads."""

from __future__ import annotations

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from rainkit.records import Pixels


def use_threads(count: int) -> None:
    """Set how many threads OpenCV may use in this process; workers use one each."""
    cv2.setNumThreads(count)


def pixel_digest(pixels: NDArray[np.generic]) -> str:
    """Return the xxh3-128 digest of an array: its shape, dtype and bytes, so that it survives another encoder.

    Parameters
    ----------
    pixels : array
        Any shape and dtype; hashed in C order, little-endian.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    array = np.ascontiguousarray(pixels)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    head = f"{'x'.join(map(str, array.shape))}:{array.dtype.str.lstrip('<|=')}:".encode()
    digest = xxhash.xxh3_128(head)
    digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def luma(pixels: Pixels) -> Pixels:
    """Return BT.601 full-range luma, uint8 H x W, of an RGB or grey picture (OpenCV's integer conversion)."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
