"""Guards: what fools estimators of complexity, measured so that such pictures can be refused.

A frame of constant colour dilutes every share; an enlarged picture is smooth at the scale of its pixels; an earlier
JPEG compression has already thrown detail away and put a grid in its place; noise outranks all real detail. Guards look
at native pixels, at most the middle 1024 x 1024 of them (borders: the whole picture), because reduction to a view would
hide what they look for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rainkit.complexity.frequency import BLOCK, block_energies
from rainkit.complexity.instrument import STEP, whole
from rainkit.complexity.views import native_view
from rainkit.records import Pixels

MIDDLE = 1024
"""Side of the part of a picture that guards look at, in pixels."""
_TILE = 16
_TOLERANCE = 8  # levels that JPEG moves within a frame of one colour


@dataclass(frozen=True, slots=True)
class Guard:
    """What one guard measures.

    Attributes
    ----------
    measure : callable
        Picture (uint8 H x W x 3, RGB) to a number that grows with the fault.
    unit : str
        Unit of the number.
    reason : str
        Fixed word that a refusal carries.
    suggested : float
        Threshold that separates faults from photographs, as the table in the documentation shows.
    meaning : str
        One line.
    """

    measure: Callable[[Pixels], float]
    unit: str
    reason: str
    suggested: float
    meaning: str


def measure_border(pixels: Pixels) -> float:
    """Return the share of the picture's area in rows and columns of one colour along its edges, 0 to 1.

    Rows from the top count as long as each channel spans at most 8 levels within the row and stays within 8 levels of
    the first row; the other three sides alike. 1 for a constant picture. A burnt-out sky counts as a border.
    """
    height, width = pixels.shape[:2]
    top = _flat_rows(pixels)
    if top == height:
        return 1.0
    bottom = _flat_rows(pixels[::-1])
    if top + bottom >= height:  # a picture so narrow or so even that its borders meet
        return 1.0
    inside = pixels[top : height - bottom].swapaxes(0, 1)
    left = _flat_rows(inside)
    right = 0 if left == width else _flat_rows(inside[::-1])
    kept = (height - top - bottom) * max(0, width - left - right)
    return float(1.0 - kept / (height * width))


def _flat_rows(pixels: Pixels) -> int:
    first = pixels[0, 0].astype(np.int16)
    for index, row in enumerate(pixels):
        low, high = row.min(axis=0).astype(np.int16), row.max(axis=0).astype(np.int16)
        far = np.maximum(high - first, first - low)
        if int((high - low).max()) > _TOLERANCE or int(far.max()) > _TOLERANCE:
            return index
    return len(pixels)


def _middle(pixels: Pixels) -> Pixels:
    """Return the luma of the middle of a picture; its corner lies on the grid of 8 px that JPEG starts from."""
    height, width = pixels.shape[:2]
    y, x = max(0, height - MIDDLE) // 16 * 8, max(0, width - MIDDLE) // 16 * 8
    return native_view(pixels[y : y + MIDDLE, x : x + MIDDLE]).luma


@lru_cache(maxsize=1)
def _bands() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    k = np.arange(BLOCK)
    squares = k[:, None] ** 2 + k[None, :] ** 2
    return (squares >= 16) & (squares < 64), (squares >= 144) & (squares < 256)


def measure_upsampling(pixels: Pixels) -> float:
    """Return how far the finest detail lies below middle detail, in dB.

    Ten times the logarithm of the mean energy of coefficients at 1/8 to 1/4 cycle per pixel over that at 3/8 to 1/2, of
    16 x 16 blocks. Photographs at their own size have 7 to 16 dB; those enlarged twice 22 or more; a Gaussian blur of
    one pixel looks the same, and is as bad. Noise added after enlarging hides it. 0 for a constant picture.
    """
    luma = _middle(pixels)
    if min(luma.shape) < BLOCK:
        return 0.0
    energies = block_energies(luma, whole(luma))[0]
    middle, fine = (energies[band] for band in _bands())
    if not middle.any():
        return 0.0
    ratio = float((int(middle.sum()) + 1) * fine.size / ((int(fine.sum()) + 1) * middle.size))
    return 10.0 * math.log10(ratio)


def measure_blocking(pixels: Pixels) -> float:
    """Return the height of the 8-pixel grid that JPEG compression leaves, in levels.

    Steps between neighbouring columns, each less the mean of the two beside it, are averaged for each of the eight
    phases of the grid; the largest mean less the second largest, rows and columns averaged. 0 to 0.3 for photographs
    saved well, 1 and more from quality 40 down. Any phase may win, so a crop hides nothing; resizing afterwards does.
    """
    from rainkit.complexity import guard_loops as loops  # noqa: PLC0415 - numba

    luma = _middle(pixels)
    if min(luma.shape) < 2 * _TILE:
        return 0.0
    heights: list[float] = []
    for plane in (luma, np.ascontiguousarray(luma.T)):
        sums = sorted(loops.grid_steps(plane).tolist())
        steps = (plane.shape[1] - 3) // 8 * plane.shape[0]
        heights.append((sums[-1] - sums[-2]) / (2 * steps))
    return (heights[0] + heights[1]) / 2.0


def measure_noise(pixels: Pixels) -> float:
    """Return the standard deviation of the noise of luma in levels, where the picture is plainest.

    Immerkaer's estimate sqrt(pi / 2) / 6 <|I * N|>, N = [1 -2 1; -2 4 -2; 1 -2 1], in each tile of 16 x 16 pixels that
    is neither black nor white; the tile at a tenth of their order, so that texture is taken for noise only where it
    covers nine tenths of the picture. 0 where there is no such tile. Colour noise of s levels in each channel is 0.67 s
    in luma.

    References
    ----------
    J. Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding 64, 1996.
    """
    from rainkit.complexity import guard_loops as loops  # noqa: PLC0415 - numba

    luma = _middle(pixels)
    if min(luma.shape) < _TILE + 2:
        return 0.0
    area = _TILE * _TILE
    tiles = loops.laplacians(luma, _TILE).reshape(-1, 2)
    usable = np.sort(tiles[(tiles[:, 1] > 8 * area) & (tiles[:, 1] < 247 * area), 0])
    if not len(usable):
        return 0.0
    return math.sqrt(math.pi / 2.0) / 6.0 * int(usable[(len(usable) - 1) // 10]) / area


GUARDS: Mapping[str, Guard] = MappingProxyType(
    {
        "border": Guard(measure_border, "1", "border", 0.05, "share of the area in borders of one colour"),
        "upsampling": Guard(measure_upsampling, "dB", "upsampled", 19.0, "fine detail below middle detail"),
        "blocking": Guard(measure_blocking, "1/255", "compressed", 1.0, "height of JPEG's 8-pixel grid"),
        "noise": Guard(measure_noise, "1/255", "noisy", 6.0, "standard deviation of noise in plain places"),
    }
)
"""Guards by the name of their column."""


def measure_guards(pixels: Pixels) -> dict[str, float]:
    """Return what every guard measures of a picture.

    Parameters
    ----------
    pixels : uint8 array, H x W x 3 or H x W
        RGB or grey, at its own size.

    Returns
    -------
    dict of str to float
        Column name, a key of `GUARDS`, to a multiple of 1e-6; always finite, 0 where a picture is too small to tell.
    """
    rgb = native_view(pixels).rgb
    return {name: round(guard.measure(rgb) * STEP) / STEP for name, guard in GUARDS.items()}


class Guards(BaseModel):
    """Which pictures are refused because they would fool the measurement; every guard is off until it has a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    border: float | None = Field(
        default=None, ge=0, le=1, description="Largest share of the area in borders of one colour; 0.05 suggested."
    )
    upsampling: float | None = Field(
        default=None,
        description="Largest distance of the finest detail below middle detail; 19 suggested.",
        json_schema_extra={"unit": "dB"},
    )
    blocking: float | None = Field(
        default=None,
        ge=0,
        description="Largest height of JPEG's 8-pixel grid; 1 suggested.",
        json_schema_extra={"unit": "1/255"},
    )
    noise: float | None = Field(
        default=None,
        ge=0,
        description="Largest standard deviation of noise in plain places; 6 suggested.",
        json_schema_extra={"unit": "1/255"},
    )

    @property
    def limits(self) -> dict[str, float]:
        """Guards that are on, and their limits."""
        limits = ((name, getattr(self, name)) for name in GUARDS)
        return {name: float(limit) for name, limit in limits if limit is not None}

    def refusal(self, values: Mapping[str, float]) -> tuple[str, str] | None:
        """Return why a picture is refused: a fixed word and a sentence, of the first guard that it fails; or None.

        Parameters
        ----------
        values : mapping of str to float
            As `measure_guards` gives them.
        """
        for name, limit in self.limits.items():
            if values[name] > limit:
                guard = GUARDS[name]
                unit = "" if guard.unit == "1" else f" {guard.unit}"
                return guard.reason, f"{guard.meaning}: {values[name]:.4g}{unit}, above the limit of {limit:g}{unit}"
        return None
