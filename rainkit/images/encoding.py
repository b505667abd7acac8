"""From pixels to encoded bytes."""

from __future__ import annotations

import io
import struct

import cv2
import fpng
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from rainkit.records import Pixels

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_UP = 2


def encode_png(pixels: Pixels) -> bytes:
    """Return a PNG of a uint8 picture; lossless, and the same bytes for the same pixels and library versions.

    RGB goes through fpng; grey, mostly black in rain layers, through the Up filter and ISA-L's deflate at level 1.
    `benchmarks/codecs.py` compares them with what OpenCV and Pillow do.

    Parameters
    ----------
    pixels : uint8 array, H x W or H x W x 3
        Grey or RGB.

    Raises
    ------
    ValueError
        If the array is neither.
    """
    array = np.ascontiguousarray(pixels)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or array.size == 0:
        raise ValueError(f"PNG takes uint8 arrays of H x W or H x W x 3, not {array.dtype} {array.shape}")
    return _encode_grey(array) if array.ndim == 2 else bytes(fpng.from_ndarray(array))


def _encode_grey(pixels: Pixels) -> bytes:
    height, width = pixels.shape
    rows = np.empty((height, width + 1), dtype=np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = isal_zlib.compress(rows, 1)
    return b"".join((_PNG_MAGIC, _png_chunk(b"IHDR", header), _png_chunk(b"IDAT", data), _png_chunk(b"IEND", b"")))


def _png_chunk(name: bytes, data: bytes) -> bytes:
    check = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", check)))


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
