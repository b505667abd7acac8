"""Decode, encode, crop, colour: the only module that knows that OpenCV thinks in BGR."""

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


def decode(data: bytes) -> Pixels:
    """Return the picture in `data` as uint8 H x W x 3 RGB, upright, alpha over white, 16 bit reduced to 8.

    Raises
    ------
    ValueError
        If the bytes are not a whole picture.
    """
    array = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    if array is None:
        raise ValueError("not a picture that can be decoded")
    return np.asarray(array, dtype=np.uint8)


def encode_png(pixels: Pixels) -> bytes:
    """Return a PNG of a uint8 grey or RGB picture; lossless, the same bytes for the same encoder version."""
    array = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", array)
    if not done:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()
