from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from rainkit.images import PictureError, check_whole, decode, decode_stored, encode_jpeg, encode_png, probe

SIDES = st.integers(1, 40)
GREY = st.tuples(SIDES, SIDES)
COLOUR = st.tuples(SIDES, SIDES, st.just(3))


@settings(max_examples=150, deadline=None)
@given(pixels=arrays(np.uint8, GREY | COLOUR, elements=st.integers(0, 255), fill=st.sampled_from([0, 255])))
def test_png_gives_back_every_picture(pixels: NDArray[np.uint8]) -> None:
    data = encode_png(pixels)
    check_whole(data, probe(data))
    assert np.array_equal(decode_stored(data), pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)


def read(data: bytes) -> NDArray[np.uint8] | None:
    """Return the picture, or None for the one error that is allowed; any other fails the test."""
    try:
        return decode(data)
    except PictureError:
        return None


STARTS = (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBPVP8 ")


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), start=st.sampled_from(STARTS))
def test_arbitrary_bytes_raise_one_kind_of_error(data: bytes, start: bytes) -> None:
    pixels = read(start + data)
    assert pixels is None or pixels.ndim == 3


@settings(max_examples=100, deadline=None)
@given(place=st.integers(2, 10_000), value=st.integers(0, 255), jpeg=st.booleans())
def test_damaged_files_raise_one_kind_of_error(place: int, value: int, jpeg: bool) -> None:
    original = (np.arange(24 * 32 * 3) * 7 % 251).astype(np.uint8).reshape(24, 32, 3)
    data = bytearray(encode_jpeg(original) if jpeg else encode_png(original))
    data[place % len(data)] = value
    pixels = read(bytes(data))
    assert pixels is None or jpeg or np.array_equal(pixels, original)  # a PNG has checksums
