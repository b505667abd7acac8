"""Layers of streaks, each one drawn as a vector: near, middle and far."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rainkit.rain import raster
from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.rain.raster import DEGREE, ONE
from rainkit.rain.simulator import DrawnRain
from rainkit.records import Rain, Scalar
from rainkit.seeds import Stream

MOST = 4_000_000
"""Most streaks in one picture; a recipe that asks for more has a slip in its density."""


class StreakLayer(BaseModel):
    """Streaks of one kind: those at one range of distances, or of one brush."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(default="rain", pattern=r"^[a-z][a-z0-9_]*$", description="Name, for the drawn parameters.")
    density: Annotated[Numbers, within(0, 1e6)] = Field(
        default=numbers(1000, 3000),
        description="Streaks whose middle lies in a million pixels; drawn once a picture.",
        json_schema_extra={"unit": "1/Mpx"},
    )
    length: Annotated[Numbers, within(0, 8192)] = Field(
        default=numbers(20, 40), description="Length of each streak.", json_schema_extra={"unit": "px"}
    )
    width: Annotated[Numbers, within(0.05, 512)] = Field(
        default=numbers(1, 2),
        description="Width of each streak; below 1 px it is fainter.",
        json_schema_extra={"unit": "px"},
    )
    softness: Annotated[Numbers, within(0, 256)] = Field(
        default=numbers(0.5, 1),
        description="Radius of the blur of each streak, which spreads its light.",
        json_schema_extra={"unit": "px"},
    )
    spread: Annotated[Numbers, within(0, 45)] = Field(
        default=numbers(2),
        description="Standard deviation of the directions about that of the picture; drawn once a picture.",
        json_schema_extra={"unit": "degree"},
    )
    opacity: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.2, 0.5), description="Brightness of each streak, or the share it hides, before its blur."
    )
    tail: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.3, 0.5), description="Share of the length over which each streak fades in."
    )
    head: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.1, 0.3),
        description="Share of the length over which each streak fades out, where it falls to.",
    )

    def __hash__(self) -> int:
        """Return a hash of some fields, which tell most layers apart: that of all takes as long as a patch of rain."""
        return hash((self.name, self.density.low, self.length.low, self.width.high, self.opacity.high))

    def margin(self, scale: float) -> int:
        """Return how far outside the picture middles of streaks lie, so that all that reach into it are drawn, px."""
        return math.ceil((self.length.high / 2 + self.width.high + self.softness.high) * scale) + 1

    def draw(
        self, shape: tuple[int, int], rng: Stream, direction: int, fan: int, scale: float
    ) -> tuple[NDArray[np.int32], dict[str, Scalar]]:
        """Return streak vectors and what was drawn once for all of them.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The numbers to draw from.
        direction, fan : int
            Direction in the middle of the picture, and how much it grows from its left to its right edge, 1/64 degree.
        scale : float
            What lengths, widths and softnesses are multiplied with; densities are divided by its square.
        """
        height, width = shape
        density = self.density.draw(rng)
        spread = round(self.spread.draw(rng) * DEGREE)
        margin = self.margin(scale)
        area = (height + 2 * margin) * (width + 2 * margin)
        mean = density * 1e-6 / (scale * scale) * area
        count = max(0, round(mean + math.sqrt(mean) * rng.number(-math.sqrt(3), math.sqrt(3))))
        if count > MOST:
            raise ValueError(
                f"layer {self.name} has {count} streaks on {width} x {height} px; at most {MOST} are drawn"
            )

        streaks = raster.new_streaks(count)
        frame = (-margin * ONE, -margin * ONE, (width + 2 * margin) * ONE, (height + 2 * margin) * ONE)
        turns = (direction, fan, round(spread * math.sqrt(3) * 65536), 90 * DEGREE)
        from rainkit.rain import kernels  # noqa: PLC0415 - numba is loaded only to draw

        kernels.sow(streaks, rng.bits(4 * count), frame, turns, _tables(self, scale), raster.SINES)
        drawn: dict[str, Scalar] = {
            f"{self.name}_streaks": count,
            f"{self.name}_density": round(density, 3),
            f"{self.name}_spread_deg": spread / DEGREE,
        }
        return streaks, drawn


@functools.lru_cache(maxsize=64)
def _tables(layer: StreakLayer, scale: float) -> NDArray[np.int32]:
    """Return the quantiles of length, width, softness, opacity, tail and head, int32 (6, 4096)."""
    unit = scale * ONE
    sizes = [values.quantiles(unit) for values in (layer.length, layer.width, layer.softness)]
    tables = np.stack([*sizes, layer.opacity.quantiles(65535), layer.tail.quantiles(ONE), layer.head.quantiles(ONE)])
    tables.setflags(write=False)
    return tables


class Streaks(DrawnRain):
    """Layers of anti-aliased, tapered streaks, each drawn from its own length, width, direction, opacity and softness.

    With a `reference_height` the sizes are those in a picture of that height (1000: thousandths of the height) and
    follow the picture; without, they are pixels. Far layers are many, thin and faint, near ones few, wide and soft; the
    default has three.
    """

    kind: Literal["streaks"] = "streaks"
    layers: tuple[StreakLayer, ...] = Field(
        default=(
            StreakLayer(
                name="far",
                density=numbers(1000, 3000),
                length=numbers(8, 18),
                width=numbers(0.6, 1),
                softness=numbers(0.5, 0.7),
                opacity=numbers(0.08, 0.25),
            ),
            StreakLayer(
                name="middle",
                density=numbers(250, 750),
                length=numbers(18, 45),
                width=numbers(0.8, 1.6),
                softness=numbers(0.5, 0.9),
                opacity=numbers(0.15, 0.4),
            ),
            StreakLayer(
                name="near",
                density=numbers(10, 60),
                length=numbers(45, 130),
                width=numbers(1.5, 3.5),
                softness=numbers(1, 3),
                opacity=numbers(0.15, 0.35),
            ),
        ),
        min_length=1,
        max_length=8,
        description="Layers of streaks; the order does not matter.",
    )
    direction: Annotated[Numbers, within(-180, 180)] = Field(
        default=numbers(-20, 20),
        description="Direction of the fall in the middle of the picture, from straight down, positive to the right.",
        json_schema_extra={"unit": "degree"},
    )
    fan: Annotated[Numbers, within(-90, 90)] = Field(
        default=numbers(-4, 4),
        description="How much the direction grows from the left to the right edge: rain seen from below or above.",
        json_schema_extra={"unit": "degree"},
    )
    scale: Annotated[Numbers, within(0.01, 100)] = Field(
        default=numbers(1),
        description="What sizes are multiplied with, and densities divided by its square, per picture.",
    )
    reference_height: float | None = Field(
        default=None,
        ge=16,
        le=65535,
        description="Height of the picture for which sizes and densities hold; null: they are pixels in every picture.",
        json_schema_extra={"unit": "px"},
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise ValueError(f"each layer needs a name of its own, not {', '.join(names)}")
        return self

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
        ValueError
            If a layer has more than `MOST` streaks.
        """
        once = rng.child("picture")
        direction = round(self.direction.draw(once) * DEGREE)
        fan = round(self.fan.draw(once) * DEGREE)
        scale = round(self.scale.draw(once), 4)
        factor = scale * (shape[0] / self.reference_height if self.reference_height else 1.0)
        parts = []
        parameters: dict[str, Scalar] = {"direction_deg": direction / DEGREE, "fan_deg": fan / DEGREE, "scale": scale}
        for layer in self.layers:
            vectors, drawn = layer.draw(shape, rng.child("layer", layer.name), direction, fan, factor)
            parts.append(vectors)
            parameters |= drawn
        streaks = np.concatenate(parts)
        pixels = raster.draw_streaks(shape, streaks, "srgb" if self.compose == "alpha" else self.light)
        return self.finish(pixels, parameters, rng, streaks=streaks, depth=depth)
