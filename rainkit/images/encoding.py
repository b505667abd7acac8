"""From pixels to encoded bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import cv2
import fpng
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_RUNS = (
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_UP,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
)


def encode_png(pixels: Pixels) -> bytes:
    """Return a PNG of a uint8 picture; lossless, and the same bytes on every processor for one version of fpng.

    Parameters
    ----------
    pixels : uint8 array, H x W or H x W x 3
        Grey or RGB.

    Raises
    ------
    ValueError
        If the array is neither.

    Notes
    -----
    fpng writes RGB and RGBA only, with the filters None and Up, which work byte by byte whatever a pixel is. So the
    scan lines of a grey picture are those of an RGBA picture of a quarter of its width (or RGB of a third),
    and only the header differs. Grey pictures whose width divides by neither go through OpenCV, filter Up and run
    lengths. `benchmarks/codecs.py` compares this with other encoders.
    """
    array = np.ascontiguousarray(pixels)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or array.size == 0:
        raise ValueError(f"PNG takes uint8 arrays of H x W or H x W x 3, not {array.dtype} {array.shape}")
    return _encode_grey(array) if array.ndim == 2 else bytes(fpng.from_ndarray(array))


def _encode_grey(pixels: Pixels) -> bytes:
    height, width = pixels.shape
    bands = next((bands for bands in (4, 3) if width % bands == 0), 0)
    if not bands:
        return _imencode(".png", pixels, _PNG_RUNS)
    data = fpng.from_ndarray(pixels.reshape(height, width // bands, bands))
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 8, 0, 0, 0, 0)
    # From the length of the first data chunk on, all stays; fpng's own chunk before it speaks of RGB.
    rest = memoryview(data)[data.index(b"IDAT") - 4 :]
    return b"".join((_PNG_MAGIC, struct.pack(">I", 13), header, struct.pack(">I", zlib.crc32(header)), rest))


def _imencode(extension: str, pixels: Pixels, flags: Sequence[int]) -> bytes:
    array = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(extension, array, list(flags))
    if not done:
        raise ValueError(f"a picture of {pixels.shape[1]} x {pixels.shape[0]} cannot be written as {extension[1:]}")
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
    return _imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))


def encode_npy(array: NDArray[np.generic]) -> bytes:
    """Return the bytes of a .npy file (format 1.0): C order, little-endian, no pickling."""
    stream = io.BytesIO()
    native = np.ascontiguousarray(array)
    little = native.astype(native.dtype.newbyteorder("<"))
    np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
