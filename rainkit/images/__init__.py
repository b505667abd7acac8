"""Decode, encode, colour and digests of pictures: the only package that knows that OpenCV thinks in BGR."""

from __future__ import annotations

from rainkit.images.decoding import decode, decode_depth, decode_stored
from rainkit.images.encoding import encode_jpeg, encode_npy, encode_png
from rainkit.images.headers import Header, PictureError, TruncatedError, check_whole, probe
from rainkit.images.pixels import luma, pixel_digest, use_threads

__all__ = [
    "Header",
    "PictureError",
    "TruncatedError",
    "check_whole",
    "decode",
    "decode_depth",
    "decode_stored",
    "encode_jpeg",
    "encode_npy",
    "encode_png",
    "luma",
    "pixel_digest",
    "probe",
    "use_threads",
]
