"""Test rain made as severe, or as bright, as another rain: what is left is its shape.

Severity and mean brightness explain much of what networks score on unseen rain. A rain whose strength is scaled until
either is that of the training's rain tells whether a network knows other streaks, not only fainter ones.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from rainkit.errors import RecipeError
from rainkit.rain.compose import compose
from rainkit.records import Component, Pixels
from rainkit.seeds import Stream
from rainkit.train.metrics import PSNR_CAP, luma_limited, psnr

Quantity = Literal["severity", "brightness"]

WEAKEST, STRONGEST = 0.02, 6.0
"""Factors of strength between which a match is looked for."""
_HALVINGS = 12
_LIMITS = {"opacity": (0.0, 1.0), "strength": (0.0, 4.0), "gain": (1.0, 100.0)}
"""Fields that hold the strength of a rain, and the least and most that each allows."""


def scale_rain(rain: Component, factor: float) -> Component:
    """Return a rain whose streaks are `factor` times as strong; none exceeds what its field allows.

    Opacities, and the `strength` or `gain` of the simulators that have one, are multiplied: numbers, ranges and choices
    alike, in layers and in parts.
    """
    fields = rain.model_dump(mode="json")
    fields.pop("preset", None)
    return type(rain).model_validate(_scale(fields, factor))


def measure_rain(rain: Any, pictures: Sequence[Pixels], quantity: Quantity) -> float:
    """Return the mean severity (PSNR-Y of the rainy pictures, dB) or brightness (levels added) of a rain.

    Parameters
    ----------
    rain : simulator
        Of a recipe.
    pictures : sequence of uint8 arrays, H x W x 3
        Clean; number i always gets the same random numbers, so rains compare.
    quantity : str
        "severity" or "brightness".
    """
    values = []
    for number, clean in enumerate(pictures):
        rainy = compose(clean, rain(clean.shape[:2], Stream(0, "match", number)))
        if quantity == "severity":
            values.append(min(PSNR_CAP, psnr(luma_limited(rainy), luma_limited(clean))))
        else:
            values.append(float(np.mean(rainy.astype(np.float64) - clean)))
    return statistics.fmean(values)


def match_rain(rain: Component, like: Component, pictures: Sequence[Pixels], quantity: Quantity) -> tuple[Any, float]:
    """Return a rain scaled until it is like another on the given pictures, and the factor.

    Raises
    ------
    RecipeError
        If no strength between `WEAKEST` and `STRONGEST` reaches it, as with a veil that alone is heavier.
    """
    wanted = measure_rain(like, pictures, quantity)
    rising = 1.0 if quantity == "brightness" else -1.0  # more rain lowers the PSNR
    low, high = WEAKEST, STRONGEST
    ends = [rising * (measure_rain(scale_rain(rain, factor), pictures, quantity) - wanted) for factor in (low, high)]
    if ends[0] > 0 or ends[1] < 0:
        raise RecipeError(
            f"a test cannot be matched in {quantity}: the wanted {wanted:.2f} lies beyond what {WEAKEST:g} to "
            f"{STRONGEST:g} times the rain's strength gives; match another rain, or leave `matched` out"
        )
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        value = rising * (measure_rain(scale_rain(rain, middle), pictures, quantity) - wanted)
        low, high = (middle, high) if value < 0 else (low, middle)
    factor = round((low * high) ** 0.5, 4)
    return scale_rain(rain, factor), factor


def _scale(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [_scale(item, factor) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _times(item, factor, _LIMITS[name]) if name in _LIMITS else _scale(item, factor)
        for name, item in value.items()
    }


def _times(value: Any, factor: float, limits: tuple[float, float]) -> Any:
    if isinstance(value, list):
        return [_times(item, factor, limits) for item in value]
    if isinstance(value, dict):
        return {**value, "values": [_times(item, factor, limits) for item in value["values"]]}
    return round(min(limits[1], max(limits[0], value * factor)), 6)
