"""A sheet of pictures: what went in, what came out, what it should be, and where the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rainkit.records import Pixels

ERROR_GAIN = 4
"""How much the error is amplified; the caption says so."""
_GAP, _CAPTION = 6, 22
_PAPER, _INK = 24, (235, 235, 235)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One case: its caption, and pictures of one size, uint8 H x W x 3; `clean` is None where there is no truth."""

    caption: str
    rainy: Pixels
    result: Pixels
    clean: Pixels | None = None


def draw_error(result: Pixels, clean: Pixels) -> Pixels:
    """Return the signed error, mean of the channels times `ERROR_GAIN`: red too bright, blue too dark, black right.

    Parameters
    ----------
    result, clean : uint8 array, H x W x 3
        Pictures of one size.
    """
    error = (result.astype(np.int32) - clean.astype(np.int32)).sum(axis=2) * ERROR_GAIN // 3
    red, blue = np.clip(error, 0, 255), np.clip(-error, 0, 255)
    return np.stack([red, np.minimum(red, blue), blue], axis=2).astype(np.uint8)


def draw_sheet(rows: Sequence[SheetRow], panel: int = 256) -> Pixels:
    """Return a sheet with a line of panels a row: rainy, result, and with a truth also clean and error.

    Parameters
    ----------
    rows : sequence of SheetRow
        At least one.
    panel : int
        Largest side of a panel, px; larger pictures are reduced by area, smaller ones enlarged by whole factors.

    Returns
    -------
    uint8 array, H x W x 3
        The sheet, dark, each row under its caption.

    Raises
    ------
    ValueError
        If there are no rows.
    """
    if not rows:
        raise ValueError("a sheet needs at least one row")
    strips = [_draw_row(row, panel) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    return np.concatenate([_pad(strip, width) for strip in strips])


def _draw_row(row: SheetRow, panel: int) -> Pixels:
    panels = {"rainy": row.rainy, "result": row.result}
    if row.clean is not None:
        panels["clean"] = row.clean
        panels[f"error x{ERROR_GAIN}: red bright, blue dark"] = draw_error(row.result, row.clean)
    columns = [_captioned(name, _fit(pixels, panel)) for name, pixels in panels.items()]
    line = np.concatenate(columns, axis=1)
    title = np.full((_CAPTION, line.shape[1], 3), _PAPER, np.uint8)
    _write(title, row.caption)
    return np.concatenate([title, line])


def _fit(pixels: Pixels, panel: int) -> Pixels:
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > panel:
        size = (max(1, round(width * panel / longest)), max(1, round(height * panel / longest)))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    factor = panel // longest
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _captioned(name: str, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    column = np.full((height + _CAPTION + _GAP, width + _GAP, 3), _PAPER, np.uint8)
    column[_CAPTION : _CAPTION + height, :width] = pixels
    _write(column, name)
    return column


def _write(canvas: Pixels, text: str) -> None:
    """Write one line at the top of a canvas, smaller where it would not fit."""
    plain = text.encode("ascii", "replace").decode()
    (wide, _), _ = cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    scale = 0.45 * min(1.0, (canvas.shape[1] - 8) / max(wide, 1))
    cv2.putText(canvas, plain, (4, _CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def _pad(strip: Pixels, width: int) -> Pixels:
    rest = np.full((strip.shape[0], width - strip.shape[1], 3), _PAPER, np.uint8)
    return np.concatenate([strip, rest], axis=1)
