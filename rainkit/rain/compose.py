"""How rain meets a picture: THE composition, in integers, rounded once.

With B the clean picture, S the layer, t the transmission of the veil, A its airlight and C the colour of the streaks,
all from 0 to 1, and V = t B + (1 - t) A the veiled picture (V = B where the rain has no veil):

========== ============================== ==================================================================
name       rainy picture                  labels that reproduce it
========== ============================== ==================================================================
add        min(V + S, 1)                  layer (grey, or RGB where tinted)
screen     V + S - V S                    layer (grey, or RGB where tinted)
alpha      (1 - a) V + a C                layer, grey, which is the share a that the streaks hide; colour C
heavy      min(t (B + S) + (1 - t) A, 1)  layer (grey, or RGB where tinted)
========== ============================== ==================================================================

and for each of them, where there is a veil, transmission (uint8, t = value / 255) and airlight. In `add`, `screen` and
`alpha` the veil lies behind the streaks that are seen one by one; in `heavy`, the model of Li, Cheong and Tan (CVPR
2019, equation 2), it lies in front of them. In linear light B, S, A and C are decoded by an integer table to 16 bits
and the result is coded again; a and t are shares and mean the same in both.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np

from rainkit.rain import light
from rainkit.rain.scratch import borrow
from rainkit.records import Pixels, Rain

Composition = Literal["add", "screen", "alpha", "heavy"]

COMPOSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "add": "min(V + S, 1): light is added to the veiled picture",
        "screen": "V + S - V S: light is added where there is room for it",
        "alpha": "(1 - a) V + a C: streaks hide a share of the veiled picture and show their colour",
        "heavy": "min(t (B + S) + (1 - t) A, 1): the veil lies in front of the streaks",
    }
)
"""Name of each composition and what it does."""

STRIP = 1 << 16
"""Pixels that are composed at a time."""


def check(clean: Pixels, rain: Rain) -> None:
    """Raise ValueError unless `rain` can be composed with `clean`; see `compose`."""
    if clean.dtype != np.uint8 or clean.ndim != 3 or clean.shape[2] != 3:
        raise ValueError(f"the clean picture must be uint8 H x W x 3, not {clean.dtype} {clean.shape}")
    if rain.compose not in COMPOSITIONS:
        raise ValueError(f"no composition named {rain.compose!r}; there are {', '.join(COMPOSITIONS)}")
    for name, label in (("layer", rain.layer), ("transmission", rain.transmission)):
        if label is not None and (label.dtype != np.uint8 or label.shape[:2] != clean.shape[:2]):
            raise ValueError(f"the {name} must be uint8 {clean.shape[:2]}, not {label.dtype} {label.shape}")
    if rain.layer.ndim != 2 and (rain.compose == "alpha" or rain.layer.shape[2] != 3):
        raise ValueError(f"a layer of {rain.compose} cannot have the shape {rain.layer.shape}")
    if rain.transmission is not None and (rain.airlight is None or rain.transmission.ndim != 2):
        raise ValueError("a transmission must be H x W and needs an airlight")


def compose(clean: Pixels, rain: Rain) -> Pixels:
    """Return the rainy picture, uint8 H x W x 3.

    Parameters
    ----------
    clean : uint8 array, H x W x 3, RGB
        The picture without rain; it is not changed.
    rain : Rain
        What a simulator drew, or the same labels read back from a corpus.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the composition has no such name.
    """
    check(clean, rain)
    return _compose_light(clean, rain) if rain.light == "linear" else _compose_bytes(clean, rain)


def _row(colour: tuple[int, int, int], width: int) -> Pixels:
    """Return a row of one colour, uint8, `width` times its three bytes."""
    return np.frombuffer(bytes(colour) * width, dtype=np.uint8)


def _rows(values: Pixels, first: int, last: int, name: str) -> Pixels:
    """Return rows of a grey or RGB picture as uint8 (rows, 3 * columns); grey ones in borrowed memory."""
    part = values[first:last]
    if part.ndim == 2:
        wide = borrow(name, (*part.shape, 3), np.uint8)
        part = cv2.merge([part, part, part], wide)
    return part.reshape(part.shape[0], -1)


def _compose_bytes(clean: Pixels, rain: Rain) -> Pixels:
    """Compose sRGB values, some rows at a time, which stay in the cache."""
    from rainkit.rain import mixing  # noqa: PLC0415 - numba is loaded only to draw

    rainy = np.empty_like(clean, order="C")
    (height, width), mode = clean.shape[:2], list(COMPOSITIONS).index(rain.compose)
    if rain.transmission is None and rain.compose in {"add", "heavy"}:
        if rain.layer.ndim == 3:
            return np.asarray(cv2.add(clean, rain.layer), dtype=np.uint8)  # integers, saturating at 255
        mixing.add_grey(rainy.reshape(-1), clean.reshape(-1), rain.layer.reshape(-1))
        return rainy
    inks = _row(rain.airlight or (0, 0, 0), width), _row(rain.colour, width)
    step = max(1, STRIP // width)
    for first in range(0, height, step):
        last = min(first + step, height)
        out, scene = rainy[first:last].reshape(last - first, -1), clean[first:last].reshape(last - first, -1)
        layer = _rows(rain.layer, first, last, "layer rows")
        if rain.transmission is None:
            mixing.mix_plain(out, scene, layer, inks[1], mode)
        else:
            mixing.mix_veiled(out, scene, layer, _rows(rain.transmission, first, last, "veil rows"), inks, mode)
    return rainy


@functools.lru_cache(maxsize=256)
def _fog_table(level: int) -> Pixels:
    """Return what a byte becomes behind airlight of one level, uint8 (65536,) at 256 times transmission plus byte."""
    decode, encode = light.decoding().astype(np.uint32), light.encoding()
    share = np.arange(256, dtype=np.uint32)[:, None]
    table: Pixels = encode[(share * decode + (255 - share) * decode[level] + 127) // 255].reshape(-1)
    table.setflags(write=False)
    return table


@functools.lru_cache(maxsize=32)
def _light_tables(mode: int, colour: tuple[int, int, int]) -> Pixels:
    """Return the rainy byte of every pair of layer and clean byte without a veil, uint8 (1 or 3, 65536)."""
    layer, clean = np.divmod(np.arange(65536), 256)
    pairs = np.repeat(clean.astype(np.uint8)[:, None], 3, axis=1)
    rain = Rain(layer.astype(np.uint8)[None], list(COMPOSITIONS)[mode], {}, colour=colour, light="linear")
    tables = _compute_light(pairs[None], rain)[0].T
    return np.ascontiguousarray(tables if len(set(colour)) > 1 else tables[:1])


def _compose_light(clean: Pixels, rain: Rain) -> Pixels:
    """Compose linear light, without a veil by tables of all pairs of bytes."""
    if rain.transmission is not None:
        return _compute_light(clean, rain)
    from rainkit.rain import mixing  # noqa: PLC0415 - numba is loaded only to draw

    rainy = clean.copy(order="C")
    layer = rain.layer.reshape(clean.shape[0] * clean.shape[1], -1)
    tables = _light_tables(
        list(COMPOSITIONS).index(rain.compose), rain.colour if rain.compose == "alpha" else (0, 0, 0)
    )
    mixing.mix_by_table(rainy.reshape(-1, 3), clean.reshape(-1, 3), layer, tables)
    return rainy


def _compute_light(clean: Pixels, rain: Rain) -> Pixels:
    """Compose linear light, each value by itself."""
    from rainkit.rain import mixing  # noqa: PLC0415 - numba is loaded only to draw

    decode, (guess, first) = light.decoding().astype(np.uint64), light.encoding_steps()
    if rain.transmission is None or rain.airlight is None:
        rainy, passed = clean.copy(order="C"), np.empty(0, dtype=np.uint8)
    else:
        rainy, passed = np.empty_like(clean, order="C"), rain.transmission.reshape(-1)
        red, green, blue = (_fog_table(level) for level in rain.airlight)
        mixing.veil_light(rainy.reshape(-1, 3), clean.reshape(-1, 3), passed, (red, green, blue))
    mixing.mix_light(
        rainy.reshape(-1, 3),
        clean.reshape(-1, 3),
        rain.layer.reshape(clean.shape[0] * clean.shape[1], -1),
        passed,
        (decode[list(rain.airlight or (0, 0, 0))], decode[list(rain.colour)]),
        (decode, guess, first.astype(np.uint64)),
        list(COMPOSITIONS).index(rain.compose),
    )
    return rainy
