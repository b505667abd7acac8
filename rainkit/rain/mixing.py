"""Integer kernels of composition, compiled on first use and cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

ADD, SCREEN, ALPHA, HEAVY = 0, 1, 2, 3


@njit(cache=True)  # type: ignore[untyped-decorator]
def add_grey(rainy: Any, clean: Any, layer: Any) -> None:
    """Add a flat grey layer (N) to flat RGB values (3 N), saturating; 16 bits let the compiler add many at once."""
    for i in range(layer.size):
        light, place = np.uint16(layer[i]), np.uint64(3 * i)
        for c in range(3):
            at = place + np.uint64(c)
            rainy[at] = min(np.uint16(255), np.uint16(np.uint16(clean[at]) + light))


@njit(cache=True)  # type: ignore[untyped-decorator]
def mix_plain(rainy: Any, clean: Any, layer: Any, colour: Any, mode: int) -> None:
    """Screen, or mix by share, sRGB values without a veil, into `rainy`: uint8 (rows, values), `colour` one row.

    (v + 128 + ((v + 128) >> 8)) >> 8 is v / 255 rounded to nearest, exact for 0 <= v <= 255 * 255.
    """
    rows, count = clean.shape
    for y in range(rows):
        if mode == SCREEN:
            for i in range(count):
                value = (255 - clean[y, i]) * (255 - layer[y, i]) + 128
                rainy[y, i] = 255 - ((value + (value >> 8)) >> 8)
        else:
            for i in range(count):
                value = (255 - layer[y, i]) * clean[y, i] + layer[y, i] * colour[i] + 128
                rainy[y, i] = (value + (value >> 8)) >> 8


@njit(cache=True)  # type: ignore[untyped-decorator]
def mix_veiled(rainy: Any, clean: Any, layer: Any, passed: Any, inks: Any, mode: int) -> None:  # noqa: PLR0917
    """Compose sRGB values with a veil: like `mix_plain`; `passed` like `clean`, `inks` a row of airlight, of colour."""
    air, colour = inks
    rows, count = clean.shape
    for y in range(rows):
        if mode == ADD:
            for i in range(count):
                value = passed[y, i] * clean[y, i] + (255 - passed[y, i]) * air[i] + 128
                rainy[y, i] = min(255, layer[y, i] + ((value + (value >> 8)) >> 8))
        elif mode == SCREEN:
            for i in range(count):
                value = passed[y, i] * clean[y, i] + (255 - passed[y, i]) * air[i]
                value = value * (255 - layer[y, i]) + 65025 * layer[y, i] + 32512
                rainy[y, i] = np.uint32(value) // np.uint32(65025)
        elif mode == ALPHA:
            for i in range(count):
                value = passed[y, i] * clean[y, i] + (255 - passed[y, i]) * air[i]
                value = value * (255 - layer[y, i]) + 255 * colour[i] * layer[y, i] + 32512
                rainy[y, i] = np.uint32(value) // np.uint32(65025)
        else:
            for i in range(count):
                value = passed[y, i] * (np.int64(clean[y, i]) + layer[y, i]) + (255 - passed[y, i]) * air[i]
                value = min(value, 65025) + 128
                rainy[y, i] = (value + (value >> 8)) >> 8


@njit(cache=True)  # type: ignore[untyped-decorator]
def veil_light(rainy: Any, clean: Any, passed: Any, fog: Any) -> None:
    """Write what becomes of flat values (N, 3) behind a veil, by a table (65536) of each channel at 256 t + value."""
    red, green, blue = fog
    for i in range(clean.shape[0]):
        base = np.uint64(passed[i]) << np.uint64(8)
        rainy[i, 0] = red[base | np.uint64(clean[i, 0])]
        rainy[i, 1] = green[base | np.uint64(clean[i, 1])]
        rainy[i, 2] = blue[base | np.uint64(clean[i, 2])]


@njit(cache=True)  # type: ignore[untyped-decorator]
def mix_light(  # noqa: PLR0917 - numba takes no keywords
    rainy: Any, clean: Any, layer: Any, passed: Any, inks: Any, tables: Any, mode: int
) -> None:
    """Compose linear light where there are streaks: `rainy` and `clean` (N, 3), `layer` (N, 1 or 3), `passed` (N or 0).

    `inks` are airlight and streak colour as linear light, uint64; `tables` decode light (uint64) and encode it in two
    steps, a guess for every 16 values and the first value of each byte. Sums are in units of 1 / 255 of a 16-bit light,
    or of 1 / (255 * 65535), and divided once.
    """
    (air, colour), (decode, guess, first) = inks, tables
    grey, veiled = layer.shape[1] == 1, passed.size > 0
    full, whole = np.uint64(65535), np.uint64(255)
    for i in range(clean.shape[0]):
        if layer[i, 0] == 0 and (grey or (layer[i, 1] == 0 and layer[i, 2] == 0)):
            continue
        share = np.uint64(passed[i]) if veiled else whole
        for c in range(3):
            amount = np.uint64(layer[i, 0 if grey else c])
            scene, added = decode[np.uint64(clean[i, c])], decode[amount]
            behind = share * scene + (whole - share) * air[c]
            if mode == ADD:
                value = (behind + whole * added + np.uint64(127)) // whole
            elif mode == SCREEN:
                half = whole * full // np.uint64(2)
                value = (behind * (full - added) + whole * full * added + half) // (whole * full)
            elif mode == ALPHA:
                value = ((whole - amount) * behind + whole * amount * colour[c] + np.uint64(32512)) // np.uint64(65025)
            else:
                value = (behind + share * added + np.uint64(127)) // whole
            value = min(value, full)
            byte = np.uint64(guess[value >> np.uint64(4)])
            rainy[i, c] = byte + np.uint64(value >= first[byte + np.uint64(1)])


@njit(cache=True)  # type: ignore[untyped-decorator]
def mix_by_table(rainy: Any, clean: Any, layer: Any, tables: Any) -> None:
    """Compose where there are streaks and no veil: `rainy` and `clean` (N, 3), `layer` (N, 1 or 3).

    `tables` (1 or 3 channels, 65536) hold the rainy byte at 256 * layer + clean.
    """
    last = np.uint64(tables.shape[0] - 1)
    red, green, blue = tables[0], tables[min(np.uint64(1), last)], tables[last]
    grey = layer.shape[1] == 1
    for i in range(clean.shape[0]):
        a = np.uint64(layer[i, 0])
        b, c = (a, a) if grey else (np.uint64(layer[i, 1]), np.uint64(layer[i, 2]))
        if a | b | c:
            rainy[i, 0] = red[(a << np.uint64(8)) | np.uint64(clean[i, 0])]
            rainy[i, 1] = green[(b << np.uint64(8)) | np.uint64(clean[i, 1])]
            rainy[i, 2] = blue[(c << np.uint64(8)) | np.uint64(clean[i, 2])]


@njit(cache=True)  # type: ignore[untyped-decorator]
def look_up(values: Any, table: Any, found: Any) -> None:
    """Write the entry of a table for each of N values."""
    for i in range(values.size):
        found[i] = table[values[i]]
