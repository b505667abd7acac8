"""From encoded bytes to pixels."""

from __future__ import annotations

import io
import os
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.images.headers import OTHER_FORMATS, Header, PictureError, TruncatedError, check_whole, probe
from rainkit.records import Pixels

# Formats whose cv2 decoder gives 8 bits, RGB, and alpha apart; Pillow reads the others.
_WITH_CV2 = frozenset({"jpeg", "png", "webp", "bmp"})
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_STRIP = 256  # rows
# Codes for a decoder that has run out of them; without FF, which would be a marker.
_MORE_CODES = bytes(range(1, 251))
_BYTE_MODES = frozenset(["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"])


def decode(data: bytes) -> Pixels:
    """Return the picture in `data`: upright by its EXIF orientation, transparency over white, first frame only.

    Of 16-bit samples the high byte is kept. Embedded colour profiles are not applied.

    Parameters
    ----------
    data : bytes
        A JPEG, PNG, TIFF, WebP or BMP file; or GIF, JPEG 2000, PPM.

    Returns
    -------
    uint8 array, H x W x 3
        RGB, sRGB unless the file says otherwise.

    Raises
    ------
    TruncatedError
        If a part of the file is missing.
    PictureError
        If the bytes are no picture.
    """
    header = probe(data)
    check_whole(data, header)
    if header.format not in _WITH_CV2:
        return _decode_with_pillow(data, header)
    if header.alpha:
        pixels = _over_white(_imdecode(data, cv2.IMREAD_UNCHANGED))
    else:
        pixels = _imdecode(data, _AS_STORED)
        if header.format == "jpeg":
            _check_filled(data, pixels)
    return _turn_upright(pixels, header.orientation)


def decode_stored(data: bytes) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return a picture that rainkit wrote as it is stored: uint8 or uint16, H x W, or H x W x 3 in RGB order.

    Raises
    ------
    PictureError
        If the bytes are no whole picture.
    """
    array = _imdecode(data, cv2.IMREAD_UNCHANGED)
    return array if array.ndim == 2 else np.ascontiguousarray(array[..., ::-1])


def decode_depth(data: bytes, centimetres: float = 1.0) -> NDArray[np.uint16]:
    """Return a depth map in centimetres, uint16 H x W, 0 where unknown.

    Parameters
    ----------
    data : bytes
        A grey picture of 8 or 16 bits (PNG, TIFF).
    centimetres : float
        Centimetres per unit of the file; values beyond 655.35 m become 65535.

    Raises
    ------
    PictureError
        If the bytes are no whole grey picture.
    """
    header = probe(data)
    check_whole(data, header)
    array = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if array.ndim != 2 or array.dtype.kind != "u":
        raise PictureError(f"a depth map must be grey with whole numbers, not {array.dtype} {array.shape}")
    return np.minimum(np.rint(array.astype(np.float64) * centimetres), 65535.0).astype(np.uint16)


class _Quiet:
    """Keeps OpenCV's warnings off stderr inside the block: what is wrong is in the error that is raised.

    The level is that of the whole process, so the first of several threads notes it and the last puts it back.
    """

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Begin anew: the threads of the parent process, one of which may hold the lock, are not in a child."""
        self._lock = threading.Lock()
        self._inside = self._level = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                cv2.utils.logging.setLogLevel(self._level)


_QUIET = _Quiet()


def _imdecode(data: bytes, flags: int) -> Pixels:
    try:
        with _QUIET:
            array = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise PictureError(f"the picture's data cannot be decoded: {error.err or error}") from error
    if array is None:
        raise PictureError("the picture's data cannot be decoded")
    return np.asarray(array)


def _check_filled(data: bytes, pixels: Pixels) -> None:
    """Raise if a JPEG's last block was filled in, because its scan ended early although its end marker is there.

    Decoders fill what is missing with middle grey. Where the last block is just that, the picture is decoded again with
    more codes before the end marker: what was whole stays as it is, what was filled in changes.
    """
    if pixels[-1, -1].tolist() != [128, 128, 128] or np.ptp(pixels[-8:, -8:]) > 0:
        return
    end = data.rfind(b"\xff\xd9")
    again = _imdecode(data[:end] + _MORE_CODES + data[end:], _AS_STORED)
    if not np.array_equal(again, pixels):
        raise TruncatedError("the JPEG file ends before its last block; the rest was filled with grey")


def _over_white(array: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
    """Return BGRA of 8 or 16 bits as RGB over white, rounded to nearest; BGR and grey only change order."""
    if array.ndim == 2 or array.shape[2] == 3:
        shallow = (array >> 8).astype(np.uint8) if array.dtype == np.uint16 else array
        return np.asarray(cv2.cvtColor(shallow, cv2.COLOR_GRAY2RGB if array.ndim == 2 else cv2.COLOR_BGR2RGB))
    height, width = array.shape[:2]
    out = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, _STRIP):  # strip by strip, because the products take four times the memory of the result
        strip = array[y : y + _STRIP]
        if strip.dtype == np.uint16:
            strip = (strip >> 8).astype(np.uint8)
        # At most 255 * 255 + 127: fits in 16 bits.
        alpha = strip[..., 3:].astype(np.uint16)
        over = strip[..., 2::-1] * alpha + np.uint16(255) * (np.uint16(255) - alpha) + np.uint16(127)
        out[y : y + _STRIP] = over // np.uint16(255)
    return out


def _turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return the picture turned and mirrored as EXIF orientation 1..8 asks."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return np.ascontiguousarray(pixels[rows, columns])


def _decode_with_pillow(data: bytes, header: Header) -> Pixels:
    from PIL import Image, ImageOps, TiffImagePlugin  # noqa: PLC0415 - 30 ms, rarely needed

    stream = io.BytesIO(data)
    try:
        tiff = header.format == "tiff"
        image = TiffImagePlugin.TiffImageFile(stream) if tiff else Image.open(stream, formats=OTHER_FORMATS)
        with image:
            image.load()
            upright = ImageOps.exif_transpose(image)
    except Exception as error:  # plugins raise nearly anything on damaged bytes
        kind = TruncatedError if "truncated" in str(error) else PictureError
        raise kind(f"the {header.format.upper()} file cannot be decoded: {error}") from error
    if upright.mode.startswith("I;16"):
        grey = (np.asarray(upright).astype(np.uint16) >> np.uint16(8)).astype(np.uint8)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if upright.mode not in _BYTE_MODES:
        raise PictureError(f"samples of mode {upright.mode} have no range from black to white")
    if "A" in upright.getbands() or "a" in upright.getbands() or "transparency" in upright.info:
        return _over_white(np.ascontiguousarray(np.asarray(upright.convert("RGBA"))[..., [2, 1, 0, 3]]))
    return np.asarray(upright.convert("RGB"), dtype=np.uint8).copy()
