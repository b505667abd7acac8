from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from PIL import Image

from rainkit.images import (
    check_whole,
    decode,
    decode_stored,
    encode_jpeg,
    encode_npy,
    encode_png,
    luma,
    pixel_digest,
    probe,
)
from rainkit.seeds import Stream


def noise(*shape: int) -> NDArray[np.uint8]:
    return Stream(1, *shape).integers(0, 256, int(np.prod(shape))).reshape(shape).astype(np.uint8)


def layer(height: int, width: int) -> NDArray[np.uint8]:
    """Return something like a rain layer: black with a few slanted lines."""
    pixels = np.zeros((height, width), np.uint8)
    for x in range(0, width + height, 11):
        cv2.line(pixels, (x, 0), (x - height // 3, height), 90, 1, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize("bands", [0, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 12, 33, 128, 129])
@pytest.mark.parametrize("height", [1, 2, 17])
def test_png_is_lossless_for_every_reader(height: int, width: int, bands: int) -> None:
    shape = (height, width, 3) if bands else (height, width)
    drawn = np.repeat(layer(height, width)[..., None], 3, axis=2) if bands else layer(height, width)
    for pixels in (noise(*shape), drawn, np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)):
        data = encode_png(pixels)
        header = probe(data)
        check_whole(data, header)  # every CRC
        assert (header.width, header.height) == (width, height)
        assert np.array_equal(decode_stored(data), pixels)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
        assert np.array_equal(decode(data), pixels if bands else np.repeat(pixels[..., None], 3, axis=2))


@pytest.mark.parametrize("width", [128, 126, 127])
def test_grey_png_holds_what_its_header_says(width: int) -> None:
    """Read by the letter of the format: what fpng writes for RGBA must be a stream of grey scan lines."""
    pixels = layer(40, width)
    data = encode_png(pixels)
    chunks, place = {}, 8
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        chunks[name] = chunks.get(name, b"") + data[place + 8 : place + 8 + length]
        place += length + 12
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (width, 40, 8, 0, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(40, width + 1)
    assert set(rows[:, 0].tolist()) <= {0, 2}
    above = np.zeros(width, np.uint8)
    for row, expected in zip(rows, pixels, strict=True):
        above = row[1:] + above if row[0] == 2 else row[1:]
        assert np.array_equal(above, expected)


def test_png_of_layers_is_small() -> None:
    assert len(encode_png(layer(128, 128))) < 128 * 128 // 2
    assert len(encode_png(np.zeros((128, 128), np.uint8))) < 1024


def test_arrays_that_are_views_are_encoded_as_they_look() -> None:
    pixels = noise(20, 24, 3)
    assert encode_png(pixels[::2, ::-1]) == encode_png(pixels[::2, ::-1].copy())


@pytest.mark.parametrize(("shape", "dtype"), [((2, 2, 4), "u1"), ((2, 2), "u2"), ((0, 2), "u1")])
def test_png_refuses_what_it_cannot_hold(shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(ValueError, match="PNG takes uint8 arrays"):
        encode_png(np.zeros(shape, dtype))


def test_jpeg_is_close_and_grows_with_quality() -> None:
    pixels = np.asarray(cv2.resize(noise(8, 8, 3), (96, 64)))
    small, large = encode_jpeg(pixels, 30), encode_jpeg(pixels, 98)
    assert len(small) < len(large)
    assert np.abs(decode(large).astype(int) - pixels).mean() < 3.0
    assert decode(encode_jpeg(pixels[..., 0], 98)).shape == pixels.shape


@pytest.mark.parametrize("dtype", ["<i4", ">i4", "|u1", "<f8"])
def test_npy_is_little_endian_and_reads_back(dtype: str) -> None:
    array = np.arange(24).reshape(4, 6).astype(dtype)[:, ::2]
    data = encode_npy(array)
    assert data[:8] == b"\x93NUMPY\x01\x00"
    assert data == encode_npy(array.astype(np.dtype(dtype).newbyteorder("<")))
    again = np.load(io.BytesIO(data), allow_pickle=False)
    assert again.dtype.byteorder != ">"
    assert np.array_equal(again, array)


def test_digests_tell_shape_dtype_and_bytes_apart() -> None:
    array = np.arange(12, dtype=np.uint8)
    others = (array, array.reshape(3, 4), array.reshape(4, 3), array.astype(np.uint16), array[::-1])
    digests = {pixel_digest(other) for other in others}
    assert len(digests) == 5
    assert pixel_digest(array.astype(">u2")) == pixel_digest(array.astype("<u2"))
    assert pixel_digest(array.reshape(3, 4).T) == pixel_digest(np.ascontiguousarray(array.reshape(3, 4).T))
    assert pixel_digest(array.reshape(3, 4)) == xxhash.xxh3_128(b"3x4:u1:" + array.tobytes()).hexdigest()


def test_luma_is_bt601() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [9, 9, 9]]], np.uint8)
    assert luma(colours).tolist() == [[76, 150, 29, 255, 9]]
    assert luma(colours[..., 0]) is not None
    assert np.array_equal(luma(colours[..., 0]), colours[..., 0])
