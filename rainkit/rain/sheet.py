"""A contact sheet: rainy pictures, layer and mask of each rain, one row a rain, with what was drawn in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rainkit.rain.drawing import Drawn, draw
from rainkit.records import Pixels

CAPTION = 22
"""Height of the line of words above each row, px."""
_GAP = 4
_PAPER, _INK = 24, 235


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a sheet: its name, and the rain of the first picture in numbers.

    Attributes
    ----------
    name, kind : str
        Name of the rain and kind of its simulator.
    coverage : float
        Mean share of pixels with rain over the pictures, 0..1.
    psnr : float
        Mean PSNR of the rainy pictures, dB.
    """

    name: str
    kind: str
    coverage: float
    psnr: float


def _fit(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """Return the middle of a picture, scaled so that it fills `size` (width, height), uint8 H x W x 3."""
    width, height = size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    wide, high = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    scaled = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (wide - width) // 2, (high - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def _row(drawn: Sequence[Drawn], words: str) -> Pixels:
    """Return caption and pictures of a row: each rainy picture, then layer and mask of the first."""
    first = drawn[0]
    layer = first.rain.layer if first.rain.layer.ndim == 3 else cv2.merge([first.rain.layer] * 3)
    tiles = [*(one.rainy for one in drawn), layer, cv2.merge([first.mask] * 3)]
    tiles = [cv2.copyMakeBorder(tile, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=(_PAPER,) * 3) for tile in tiles]
    line = np.hstack(tiles)
    caption = np.full((CAPTION, line.shape[1], 3), _PAPER, dtype=np.uint8)
    cv2.putText(caption, words, (4, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (_INK,) * 3, 1, cv2.LINE_AA)
    return np.vstack([caption, line])


def draw_sheet(
    pictures: Sequence[Pixels], rains: Mapping[str, Any], seed: int, size: tuple[int, int] = (480, 320)
) -> tuple[Pixels, list[Entry]]:
    """Return a contact sheet and its rows in numbers.

    Parameters
    ----------
    pictures : sequence of uint8 arrays, H x W x 3
        Clean pictures; the middle of each, scaled to `size`, is rained on.
    rains : mapping of str to simulator
        A row each, in this order.
    seed : int
        Seed of the rain.
    size : tuple of int
        Width and height of the pictures on the sheet, px.

    Returns
    -------
    sheet : uint8 array, H x W x 3
        Each row: the rainy pictures, then layer and mask of the first of them.
    entries : list of Entry
        The rows.

    Raises
    ------
    ValueError
        If there is no picture or no rain.
    """
    if not pictures or not rains:
        raise ValueError("a contact sheet needs at least one picture and one rain")
    tiles = [_fit(picture, size) for picture in pictures]
    rows, entries = [], []
    for name, model in rains.items():
        drawn = [draw(tile, model, seed, key=f"{name}/{i}") for i, tile in enumerate(tiles)]
        coverage, psnr = (float(np.mean([getattr(one, of) for one in drawn])) for of in ("coverage", "psnr"))
        entries.append(Entry(name, model.kind, coverage, psnr))
        plain = {key: value for key, value in drawn[0].rain.parameters.items() if isinstance(value, int | float)}
        values = "  ".join(f"{key} {value:.4g}" for key, value in list(plain.items())[:6])
        words = f"{name} ({model.kind})   covers {coverage:.0%}   {psnr:.1f} dB   {values}"
        rows.append(_row(drawn, words))
    return np.vstack(rows), entries
