"""The fast decoder of our own pictures agrees with OpenCV's, and leaves others to it."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from rainkit.data.members import _decode_own_png, decode_member
from rainkit.errors import IntegrityError
from rainkit.images import encode_npy, encode_png
from rainkit.seeds import Stream

SHAPES = [(1, 1), (1, 1, 3), (1, 7, 3), (9, 1), (24, 32), (31, 17, 3), (128, 128, 3)]


def make_pixels(shape: tuple[int, ...], levels: int = 256) -> np.ndarray:
    count = int(np.prod(shape))
    return Stream(1, *shape).integers(0, levels, count).reshape(shape).astype(np.uint8)


@pytest.mark.parametrize("levels", [2, 256])  # compressible, and not
@pytest.mark.parametrize("shape", SHAPES)
def test_our_pictures_take_the_fast_way_and_come_back(shape: tuple[int, ...], levels: int) -> None:
    pixels = make_pixels(shape, levels)
    data = encode_png(pixels)
    fast = _decode_own_png(data)
    if min(shape[:2]) > 1:
        assert fast is not None
    decoded = decode_member("rainy.png", memoryview(data))
    assert np.array_equal(decoded, pixels)
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
def test_other_encoders_are_read_too(mode: str) -> None:
    pixels = make_pixels((20, 30, 3) if mode == "RGB" else (20, 30))
    if mode == "I;16":
        pixels = pixels.astype(np.uint16) * 257
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    decoded = decode_member("a.png", stream.getvalue())
    assert decoded.dtype == pixels.dtype
    assert np.array_equal(decoded, pixels)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(rows: bytes, width: int, height: int, colour: int, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    packed = zlib.compress(rows)
    half = len(packed) // 2
    body = _chunk(b"IDAT", packed[:half]) + _chunk(b"IDAT", packed[half:])
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(more) + body + _chunk(b"IEND", b"")


def test_data_in_several_chunks_and_ancillary_chunks() -> None:
    pixels = make_pixels((4, 16))
    differences = np.diff(pixels, axis=0, prepend=np.zeros((1, 16), np.uint8))
    rows = b"".join(b"\2" + row.tobytes() for row in differences)
    data = _png(rows, 16, 4, 0, _chunk(b"tEXt", b"a\0b"))
    fast = _decode_own_png(data)
    assert fast is not None
    assert np.array_equal(fast, pixels)
    assert np.array_equal(fast, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize(
    "data",
    [
        _png(b"\0" * 17 + b"\1" * 17, 16, 2, 0),  # another filter
        _png(b"\0" * 17, 16, 2, 0),  # too little data
        _png(b"\0" * 17 * 2, 16, 2, 0, _chunk(b"tRNS", b"\0\0")),  # a transparent colour
        _png(b"\0" * 17 * 2, 2**31 - 1, 2**20, 0),  # a header that promises more than there can be
        _png(b"\0" * 17 * 2, 16, 2, 0)[:-20],  # no end
        b"\x89PNG\r\n\x1a\n",
        b"",
    ],
)
def test_anything_else_is_left_to_the_other_decoder(data: bytes) -> None:
    assert _decode_own_png(data) is None


def test_damaged_bytes_never_decode_to_other_pixels() -> None:
    pixels = make_pixels((16, 16, 3), 4)
    data = encode_png(pixels)
    for position in range(41, len(data) - 16, 3):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        fast = _decode_own_png(bytes(damaged))
        assert fast is None or np.array_equal(fast, pixels)


def test_json_arrays_and_other_bytes() -> None:
    assert decode_member("json", b'{"a": 1.5}') == {"a": 1.5}
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert np.array_equal(decode_member("streaks.npy", memoryview(encode_npy(array))), array)
    assert decode_member("txt", memoryview(b"text")) == b"text"


@pytest.mark.parametrize(
    ("extension", "data"),
    [("a.png", b"nothing"), ("json", b"{"), ("a.npy", b"x"), ("a.npy", b""), ("a.jpg", b"\xff\xd8")],
)
def test_bytes_that_are_something_else_are_named(extension: str, data: bytes) -> None:
    with pytest.raises(IntegrityError, match="member m cannot be decoded"):
        decode_member(extension, data, "member m")


def test_pickled_arrays_are_refused() -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IntegrityError, match="cannot be decoded"):
        decode_member("a.npy", stream.getvalue())
