"""Rain from pictures of streaks: a folder of layers on black, or one that rainkit draws, warped and mixed.

Layers are turned, sheared, scaled, mirrored and shifted by one integer warp, because the warps of image libraries give
other pixels on other processors, and mixed as RainMix does: an average of several layers with random weights, blended
with one of them as it is, then screened onto the picture.

References
----------
.. [1] Q. Guo et al., "EfficientDeRain: learning pixel-wise dilation filtering for high-efficiency single-image
   deraining", AAAI 2021: RainMix.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from rainkit import images
from rainkit.errors import SourceError
from rainkit.rain.compose import Composition
from rainkit.rain.particles import Particles
from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.rain.simulator import DrawnRain
from rainkit.records import Pixels, Rain, Scalar
from rainkit.seeds import Stream

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
"""Files of a bank, by the end of their names in lower case."""
MOST_LAYERS = 4
_OWN_LAYERS = 12
_OWN_SHAPE = (480, 720)
_ONE = 1 << 16


@functools.lru_cache(maxsize=8)
def list_bank(folder: str) -> tuple[tuple[str, str], ...]:
    """Return digest and path of each picture in a folder, by digest, so that names and places do not matter.

    Raises
    ------
    SourceError
        If the folder is missing or holds no picture.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SourceError(f"layer_bank: there is no folder {folder}; give the one that holds the streak pictures")
    paths = [path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not paths:
        raise SourceError(f"layer_bank: the folder {folder} holds no picture ({', '.join(SUFFIXES)})")
    found = {xxhash.xxh3_128(path.read_bytes()).hexdigest(): str(path) for path in sorted(paths)}
    return tuple(sorted(found.items()))


@functools.lru_cache(maxsize=64)
def load_layer(path: str) -> Pixels:
    """Return a layer of a bank as grey pixels, uint8 h x w.

    Raises
    ------
    SourceError
        If the file is not a whole picture, or smaller than 16 px.
    """
    try:
        layer = images.luma(images.decode(Path(path).read_bytes()))
    except (ValueError, OSError) as error:
        raise SourceError(f"layer_bank: {path} cannot be read: {error}; repair it or take it out") from error
    if min(layer.shape) < 16:
        raise SourceError(f"layer_bank: {path} is only {layer.shape[1]} x {layer.shape[0]} px; take it out")
    return layer


@functools.lru_cache(maxsize=_OWN_LAYERS)
def draw_layer(number: int) -> Pixels:
    """Return a layer of rainkit's own bank, uint8 480 x 720: physical rain of a rate that grows with the number."""
    rain = Particles(rain_rate_mm_h=numbers(2.0 * 1.35**number), wind=numbers(0), light="srgb", gain=60)
    return rain(_OWN_SHAPE, Stream(number, "layer bank")).layer


def matrix(
    layer: tuple[int, int],
    shape: tuple[int, int],
    *,
    zoom: float,
    degrees: float,
    shear: float,
    mirror: bool,
    place: tuple[float, float],
) -> NDArray[np.int64]:
    """Return the matrix of the warp that covers a picture with a layer; see `rainkit.rain.warp_kernels.warp`.

    Parameters
    ----------
    layer, shape : tuple of int
        Height and width of the layer and of the picture, px.
    zoom : float
        Pixels of the picture per pixel of the layer; raised where the layer would not cover the picture.
    degrees, shear : float
        Turn, and shift to the right per row.
    mirror : bool
        Left and right exchanged.
    place : tuple of float
        Which part of the layer is shown, 0..1 across and down.
    """
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows = ((-cosine if mirror else cosine, sine - shear * cosine), (sine if mirror else -sine, cosine + shear * sine))
    values = []
    height, width = shape
    spans = [abs(a) * (width - 1) + abs(b) * (height - 1) for a, b in rows]
    sizes = (layer[1] - 1, layer[0] - 1)
    step = min(1.0 / zoom, *(size / max(span, 1.0) for size, span in zip(sizes, spans, strict=True)))
    for (a, b), span, size, share in zip(rows, spans, sizes, place, strict=True):
        start = (size - step * span) * share  # of the picture's extent within the layer
        start -= step * (min(a, 0.0) * (width - 1) + min(b, 0.0) * (height - 1))
        values += [a * step, b * step, start]
    return np.array([round(value * _ONE) for value in values], dtype=np.int64)


class LayerBank(DrawnRain):
    """Streak pictures from a folder, warped and mixed as in RainMix; without a folder, layers that rainkit drew."""

    version: ClassVar[int] = 1
    location_fields: ClassVar[tuple[str, ...]] = ("folder",)

    kind: Literal["layer_bank"] = "layer_bank"
    folder: str | None = Field(
        default=None,
        description="Folder of streak pictures on black, with all below it; null: twelve layers of physical rain.",
    )
    layers: Annotated[Numbers, within(1, MOST_LAYERS)] = Field(
        default=numbers(3), description="How many layers are mixed; rounded down."
    )
    mix: Literal["rainmix", "add", "screen"] = Field(
        default="rainmix",
        description="Weighted average blended with the first layer (RainMix), or layers on top of one another.",
    )
    zoom: Annotated[Numbers, within(0.1, 16)] = Field(
        default=numbers(0.9, 1.6),
        description="Pixels of the picture per pixel of the layer; more where the layer would not cover the picture.",
        json_schema_extra={"unit": "px/px"},
    )
    rotate: Annotated[Numbers, within(-90, 90)] = Field(
        default=numbers(-12, 12), description="Turn of each layer.", json_schema_extra={"unit": "degree"}
    )
    shear: Annotated[Numbers, within(-1, 1)] = Field(
        default=numbers(-0.1, 0.1),
        description="Shift of each layer to the right, per row.",
        json_schema_extra={"unit": "px/px"},
    )
    mirror: bool = Field(default=True, description="Whether a draw may exchange left and right, for all its layers.")
    strength: Annotated[Numbers, within(0, 4)] = Field(
        default=numbers(1.0), description="What the mixed layer is multiplied with.", json_schema_extra={"unit": "1"}
    )
    compose: Composition = Field(default="screen", description="How layer and picture meet; see `rain.compose`.")

    def content(self) -> str:
        """Return the digest of every layer of the folder, 16 hexadecimal digits; empty for layers of rainkit's own."""
        bank = [digest for digest, _ in list_bank(self.folder)] if self.folder else []
        return xxhash.xxh3_64("".join(bank).encode()).hexdigest() if bank else ""

    def __call__(self, shape: tuple[int, int], rng: Stream, depth: NDArray[np.uint16] | None = None) -> Rain:
        """Draw the rain of one picture.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The numbers to draw from.
        depth : uint16 array, H x W, optional
            Depth map of the picture, cm; only a veil over a map uses it.

        Raises
        ------
        SourceError
            If the folder is missing or empty, or a picture of it cannot be read.
        """
        bank = [digest for digest, _ in list_bank(self.folder)] if self.folder else []
        total = len(bank) or _OWN_LAYERS
        count = min(int(self.layers.draw(rng.child("layers"))), MOST_LAYERS)
        chosen = [int(i) for i in rng.child("chosen").integers(0, total, count)]
        mirror = self.mirror and rng.child("mirror").integer(0, 2) == 1
        warped = [self._warp(i, shape, rng.child("warp", n), mirror) for n, i in enumerate(chosen)]
        # Exponential numbers over their sum are Dirichlet(1, ..., 1), and a uniform one is Beta(1, 1).
        weights = rng.child("weights").exponential(count)
        shares = [round(float(w) / max(float(weights.sum()), 1e-9) * 256) for w in weights]
        shares[0] += 256 - sum(shares)
        kept = rng.child("kept").integer(0, 257)
        strength = round(self.strength.draw(rng.child("strength")) * 256)
        mixed = _amplify(self._mix(warped, shares, kept), strength)
        names = [bank[i] if bank else f"own-{i}" for i in chosen]
        parameters: dict[str, Scalar] = {
            "bank": xxhash.xxh3_64("".join(bank).encode()).hexdigest() if bank else "own",
            "layers": count,
            "mirror": bool(mirror),
            "kept": kept / 256,
            "strength": strength / 256,
        }
        for n in range(MOST_LAYERS):
            parameters[f"layer_{n + 1}"] = names[n] if n < count else ""
            parameters[f"weight_{n + 1}"] = shares[n] / 256 if n < count else 0.0
        return self.finish(mixed, parameters, rng, depth=depth)

    def _warp(self, number: int, shape: tuple[int, int], rng: Stream, mirror: bool) -> Pixels:
        """Return a layer of the bank over the whole picture, uint8 H x W."""
        from rainkit.rain import warp_kernels  # noqa: PLC0415 - numba is loaded only to draw

        layer = load_layer(list_bank(self.folder)[number][1]) if self.folder else draw_layer(number)
        zoom = round(self.zoom.draw(rng.child("zoom")), 4)
        if zoom < 0.75:  # averaged first, or thin streaks would break up
            size = (max(16, round(layer.shape[1] * zoom)), max(16, round(layer.shape[0] * zoom)))
            layer, zoom = np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), 1.0
        turn = round(self.rotate.draw(rng.child("rotate")), 3)
        shear = round(self.shear.draw(rng.child("shear")), 4)
        across, down = rng.child("place").uniform(2)
        size = (layer.shape[0], layer.shape[1])
        values = matrix(
            size, shape, zoom=zoom, degrees=turn, shear=shear, mirror=mirror, place=(float(across), float(down))
        )
        warped: Pixels = np.empty(shape, dtype=np.uint8)
        warp_kernels.warp(layer, values, warped)
        return warped

    def _mix(self, layers: list[Pixels], shares: list[int], kept: int) -> Pixels:
        """Return layers as one; shares and `kept`, the part of the first layer, are in 1/256."""
        if self.mix == "add":
            return functools.reduce(_add, layers)
        if self.mix == "screen":
            return np.invert(functools.reduce(_shade, [np.invert(layer) for layer in layers]))
        from rainkit.rain import warp_kernels  # noqa: PLC0415 - numba is loaded only to draw

        weights = [share * (256 - kept) for share in shares]
        weights[0] += 256 * kept
        mixed = np.empty_like(layers[0])
        flat = np.stack([layer.reshape(-1) for layer in layers])
        warp_kernels.blend(flat, np.array(weights, dtype=np.int64), mixed.reshape(-1))
        return mixed


def _add(first: Pixels, second: Pixels) -> Pixels:
    return np.asarray(cv2.add(first, second), dtype=np.uint8)


def _shade(first: Pixels, second: Pixels) -> Pixels:
    """Return the product of two layers of shares, 255 for 1, rounded."""
    return ((first.astype(np.uint16) * second + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def _amplify(layer: Pixels, strength: int) -> Pixels:
    """Return a layer times strength / 256, saturating."""
    if strength == 256:
        return layer
    table = np.minimum((np.arange(256, dtype=np.int64) * strength + 128) >> 8, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(layer, table), dtype=np.uint8)
