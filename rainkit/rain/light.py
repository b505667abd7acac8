"""Light in integers: sRGB bytes, linear light in 16 bits, and the tables between them.

The curve is that of IEC 61966-2-1. The tables are made with Python's own powers, which are the same everywhere, and
each entry is farther from a rounding boundary than any mathematics library errs.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from rainkit.records import Light, Pixels


def _linear(value: float) -> float:
    """Return the linear light, 0..1, of an sRGB value, 0..1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@functools.cache
def decoding() -> NDArray[np.uint16]:
    """Return the table from an sRGB byte to linear light, uint16 (256,), 65535 for 1."""
    return np.array([round(_linear(i / 255) * 65535) for i in range(256)], dtype=np.uint16)


@functools.cache
def encoding() -> NDArray[np.uint8]:
    """Return the table from linear light, 65535 for 1, to the nearest sRGB byte, uint8 (65536,)."""
    edges = np.array([_linear((i + 0.5) / 255) * 65535 for i in range(255)])
    return np.searchsorted(edges, np.arange(65536), side="left").astype(np.uint8)


@functools.cache
def encoding_steps() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return `encoding` in two small tables: a byte for each 16 values of light, and where each byte begins.

    A byte is at least 19 values wide, so the byte of a value v is `guess[v >> 4]` or the next one, which it is
    when v is not below `first[guess[v >> 4] + 1]`.
    """
    table = encoding()
    first = np.searchsorted(table, np.arange(257)).astype(np.int64)
    return np.ascontiguousarray(table[::16]), first


def encode(layer: NDArray[np.uint16]) -> Pixels:
    """Return linear light, uint16, 65535 for 1, as sRGB bytes."""
    from rainkit.rain import mixing  # noqa: PLC0415 - numba is loaded only to draw

    coded: Pixels = np.empty(layer.size, dtype=np.uint8)
    mixing.look_up(layer.reshape(-1), encoding(), coded)
    return coded.reshape(layer.shape)


def round_to_bytes(layer: NDArray[np.uint16]) -> Pixels:
    """Return values of 0..65535 as the nearest of 0..255, halves upward: 65535 becomes 255."""
    from rainkit.rain import kernels  # noqa: PLC0415 - numba is loaded only to draw

    flat: Pixels = np.empty(layer.size, dtype=np.uint8)
    kernels.halve(layer.reshape(-1), flat)
    return flat.reshape(layer.shape)


def tint(layer: Pixels, colour: tuple[int, int, int], light: Light = "srgb") -> Pixels:
    """Return a grey layer in a colour, uint8 H x W x 3, or unchanged where the colour is white.

    Parameters
    ----------
    layer : uint8 array, H x W
        Light of white streaks.
    colour : tuple of int
        RGB, 0..255; each channel of the light is multiplied by its share of 255 (of its linear light, for "linear").
    light : "srgb" or "linear"
        Where the product is taken.
    """
    if colour == (255, 255, 255):
        return layer
    values = np.arange(256, dtype=np.int64)
    if light == "linear":
        table = decoding().astype(np.int64)
        columns = [encoding()[(table * table[part] + 32767) // 65535] for part in colour]
    else:
        columns = [((values * part + 127) // 255).astype(np.uint8) for part in colour]
    return np.stack(columns, axis=1)[layer]
