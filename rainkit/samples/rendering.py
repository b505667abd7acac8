"""From a row of the plan and the pixels of its background to the arrays of a sample: a pure function."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.images import encode_npy, encode_png
from rainkit.rain import labels as measuring
from rainkit.rain.compose import compose
from rainkit.rain.raster import STREAK_COLUMNS
from rainkit.recipe import Recipe
from rainkit.records import Pixels, Rain, Sample
from rainkit.seeds import Stream

EXTENSIONS: dict[str, str] = {
    "rainy": "rainy.png",
    "clean": "clean.png",
    "rain": "rain.png",
    "mask": "mask.png",
    "transmission": "transmission.png",
    "depth": "depth.npy",
    "streaks": "streaks.npy",
}
"""Channel of the recipe to the extension of its member."""


_JSON = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A sample before encoding.

    Attributes
    ----------
    arrays : dict of str to array
        Extension to pixels or vectors; the same extensions, dtypes and number of axes for every sample of a corpus.
    labels : dict of str to value
        What was drawn and measured: simulator, rain_params, coverage, rain_mean, psnr_rainy, composition and light,
        and ssim_rainy where the recipe asks for it.
    """

    arrays: dict[str, NDArray[Any]]
    labels: dict[str, Any]


def members(recipe: Recipe) -> tuple[str, ...]:
    """Return the extensions of a sample's members, sorted as in the shard."""
    return tuple(sorted([*(EXTENSIONS[channel] for channel in recipe.samples.channels), "json"]))


def tinted(recipe: Recipe) -> bool:
    """Return whether any rain of the recipe has coloured streaks; then every rain layer of the corpus is RGB."""
    return any(rain.tinted for rain in recipe.rain.values())


def crop(pixels: Pixels, sample: Sample) -> Pixels:
    """Return the sample's part of its background, contiguous.

    Raises
    ------
    ValueError
        If the crop does not lie in the picture.
    """
    x, y, width, height = sample.crop
    part = pixels[y : y + height, x : x + width]
    if x < 0 or y < 0 or part.shape[:2] != (height, width):
        raise ValueError(
            f"sample {sample.key}: its crop {sample.crop} leaves a picture of {pixels.shape[1::-1]} pixels"
        )
    return np.ascontiguousarray(part)


def render(sample: Sample, pixels: Pixels, recipe: Recipe, depth: NDArray[np.uint16] | None = None) -> Rendered:
    """Draw one sample.

    Parameters
    ----------
    sample : Sample
        Row of the plan.
    pixels : uint8 array, H x W x 3, RGB
        The whole background.
    recipe : Recipe
        The recipe.
    depth : uint16 array, H x W, optional
        Depth map of the background in centimetres.

    Returns
    -------
    Rendered
        Arrays and labels; `compose(clean, labels)` gives the rainy picture bit for bit.
    """
    clean = crop(pixels, sample)
    simulator = recipe.rain[sample.rain]
    x, y, width, height = sample.crop
    near = None if depth is None else np.ascontiguousarray(depth[y : y + height, x : x + width])
    rain: Rain = (
        simulator((height, width), Stream(sample.rain_seed))
        if near is None
        else simulator((height, width), Stream(sample.rain_seed), near)
    )
    rainy = compose(clean, rain)
    mask = measuring.mask(rain.layer, recipe.samples.mask_threshold)
    made: dict[str, Callable[[], NDArray[Any]]] = {
        "rainy": lambda: rainy,
        "clean": lambda: clean,
        "rain": lambda: _layer(rain, tinted(recipe)),
        "mask": lambda: mask,
        "transmission": lambda: _or(rain.transmission, mask.shape, 255, np.uint8),
        "depth": lambda: _or(rain.depth, mask.shape, 0, np.uint16),
        "streaks": lambda: _or(rain.streaks, (0, len(STREAK_COLUMNS)), 0, np.int32),
    }
    arrays = {EXTENSIONS[channel]: made[channel]() for channel in recipe.samples.channels}
    labels = {
        "simulator": simulator.kind,
        "rain_params": _JSON.encode(dict(rain.parameters)),
        "coverage": cv2.countNonZero(mask) / mask.size,
        "rain_mean": measuring.mean(rain.layer),
        "psnr_rainy": measuring.psnr(clean, rainy),
        "composition": rain.compose,
        "light": rain.light,
        "streak_colour": _hexadecimal(rain.colour),
        "airlight": _hexadecimal(rain.airlight or (0, 0, 0)),
    }
    if recipe.samples.ssim:
        labels["ssim_rainy"] = measuring.ssim(clean, rainy)
    return Rendered(arrays, labels)


def _hexadecimal(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(colour).hex()


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0..255, of a colour as rows hold it, #rrggbb."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _layer(rain: Rain, colour: bool) -> Pixels:
    """Return the layer, RGB if one of the corpus may be."""
    if not colour or rain.layer.ndim == 3:
        return rain.layer
    return np.asarray(cv2.merge([rain.layer] * 3), dtype=np.uint8)


def _or(array: NDArray[Any] | None, shape: tuple[int, ...], value: int, dtype: type[Any]) -> NDArray[Any]:
    """Return a label, or its neutral value where this rain has none: members never vary within a corpus."""
    return array if array is not None else np.full(shape, value, dtype=dtype)


def encode(rendered: Rendered, description: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the members of a sample as bytes by extension, `json` among them."""
    members_ = {
        extension: encode_png(array) if extension.endswith(".png") else encode_npy(array)
        for extension, array in rendered.arrays.items()
    }
    members_["json"] = json.dumps(description, ensure_ascii=True, sort_keys=True, allow_nan=False).encode()
    return members_


def describe(sample: Sample, source: str, license_: str, attribution: str, labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON member: the same keys and types in every sample, no null, floats always floats."""
    x, y, width, height = sample.crop
    for name, score in sample.scores.items():
        if not math.isfinite(score):
            raise ValueError(f"sample {sample.key}: the score {name} is {score}")
    return {
        "key": sample.key,
        "split": sample.split,
        "index": sample.index,
        "stratum": sample.stratum,
        "background_id": sample.background_id,
        "source": source,
        "license": license_,
        "attribution": attribution,
        "crop": [x, y, width, height],
        "score": float(sample.score),
        "complexity": {name: float(score) for name, score in sorted(sample.scores.items())},
        "rain": sample.rain,
        "rain_seed": f"{sample.rain_seed:016x}",
        **labels,
    }
