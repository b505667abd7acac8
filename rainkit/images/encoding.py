"""From pixels to encoded bytes."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels


def encode_png(pixels: Pixels) -> bytes:
    """Return a PNG of a uint8 grey or RGB picture; lossless, the same bytes for the same encoder version."""
    array = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", array)
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data.tobytes())


def encode_jpeg(pixels: Pixels, quality: int = 95) -> bytes:
    """Return a baseline JPEG of a uint8 grey or RGB picture; lossy, 4:2:0 chroma.

    Parameters
    ----------
    pixels : uint8 array, H x W or H x W x 3
        Grey or RGB.
    quality : int
        1 to 100, as libjpeg counts.
    """
    array = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {pixels.shape[1]} x {pixels.shape[0]} cannot be written as JPEG")
    return bytes(data.tobytes())


def encode_npy(array: NDArray[np.generic]) -> bytes:
    """Return the bytes of a .npy file (format 1.0): C order, little-endian, no pickling."""
    stream = io.BytesIO()
    native = np.ascontiguousarray(array)
    little = native.astype(native.dtype.newbyteorder("<"))
    np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
