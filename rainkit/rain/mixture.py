"""Rain of several simulators: one of them chosen by weight for each picture, or all of them at once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rainkit.rain import labels, light
from rainkit.rain.albumentations import RandomRain
from rainkit.rain.layer_bank import LayerBank
from rainkit.rain.noise_blur import NoiseBlur
from rainkit.rain.particles import Particles
from rainkit.rain.streaks import Streaks
from rainkit.records import Component, Pixels, Rain, Scalar
from rainkit.seeds import Stream

AnyPart: TypeAlias = Annotated[Streaks | NoiseBlur | Particles | LayerBank | RandomRain, Field(discriminator="kind")]
"""The simulators that a mixture may hold."""

_PROBE = (64, 64)


class Part(BaseModel):
    """A simulator of a mixture, with its name and weight."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name, for the drawn parameters.")
    weight: float = Field(
        default=1.0,
        ge=0,
        description="Share of the pictures, over the sum of all weights; not used by `sum`.",
        json_schema_extra={"unit": "1"},
    )
    rain: AnyPart = Field(description="The simulator.")

    def blank(self) -> dict[str, Scalar]:
        """Return the keys that the simulator draws, each with the empty value of its type."""
        drawn = self.rain(_PROBE, Stream(0, "mixture", self.name)).parameters
        return {key: type(value)() for key, value in drawn.items()}


class Mixture(Component):
    """A choice between simulators by weight, or their sum.

    The drawn parameters have the same keys for every draw: those of each part after its name, with empty values for the
    parts that were not chosen. A sum of simulators that all draw vectors is drawn from all their vectors at once, and
    can be redrawn from them; otherwise the layers meet as the composition says: light adds up, shares and screened
    light overlap.
    """

    version: ClassVar[int] = 1

    kind: Literal["mixture"] = "mixture"
    mode: Literal["choose", "sum"] = Field(default="choose", description="One part for each picture, or all of them.")
    parts: tuple[Part, ...] = Field(
        default=(Part(name="streaks", rain=Streaks()), Part(name="particles", rain=Particles())),
        min_length=1,
        max_length=16,
        description="The simulators, each with a name.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError(f"each part needs a name of its own, not {', '.join(names)}")
        if self.mode == "choose" and not any(part.weight > 0 for part in self.parts):
            raise ValueError("a choice needs a part whose weight is above 0")
        if self.mode == "sum":
            self._check_sum()
        return self

    def _check_sum(self) -> None:
        """Raise ValueError unless the parts can meet in one layer."""
        foreign = [part.name for part in self.parts if isinstance(part.rain, RandomRain)]
        if foreign:
            raise ValueError(f"a sum cannot hold albumentations ({', '.join(foreign)}): it darkens the picture")
        for field in ("compose", "light", "colour"):
            values = {getattr(part.rain, field) for part in self.parts}
            if len(values) > 1:
                raise ValueError(f"the parts of a sum must agree in {field}, not {', '.join(sorted(map(str, values)))}")
        veiled = [part.name for part in self.parts if getattr(part.rain, "veil", None) is not None]
        if len(veiled) > 1:
            raise ValueError(f"only one part of a sum can have a veil, not {', '.join(veiled)}")

    @property
    def tinted(self) -> bool:
        """Whether a layer may be RGB: that of any part, even of one that is seldom chosen."""
        return any(part.rain.tinted for part in self.parts)

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
        """
        return self.draw_with(lambda part, stream: part(shape, stream, depth), rng)

    def draw_with(self, draw: Callable[[AnyPart, Stream], Rain], rng: Stream) -> Rain:
        """Return the rain of the mixture, where `draw` makes the rain of a part from its stream."""
        if self.mode == "choose":
            index = int(rng.child("part").choice([part.weight for part in self.parts], 1)[0])
            chosen = self.parts[index]
            rain = draw(chosen.rain, rng.child("rain", chosen.name))
            return dataclasses.replace(rain, parameters=self._name({chosen.name: rain.parameters}, chosen.name))
        rains = {part.name: draw(part.rain, rng.child("rain", part.name)) for part in self.parts}
        total = _add_up(list(rains.values()))
        return dataclasses.replace(total, parameters=self._name({n: r.parameters for n, r in rains.items()}, "all"))

    def _name(self, drawn: dict[str, Any], part: str) -> dict[str, Scalar]:
        """Return what the parts drew under their names, with empty values for the parts that drew nothing."""
        named: dict[str, Scalar] = {"part": part}
        for member in self.parts:
            values = drawn[member.name] if member.name in drawn else _blank(member.model_dump_json())
            named |= {f"{member.name}_{key}": value for key, value in values.items()}
        return named


@functools.lru_cache(maxsize=256)
def _blank(part: str) -> dict[str, Scalar]:
    """Return `Part.blank` of a part as JSON; models that hold folders or ranges are equal when their JSON is."""
    return Part.model_validate_json(part).blank()


def _add_up(rains: list[Rain]) -> Rain:
    """Return several rains as one; they agree in composition, light and colour, and one at most has a veil."""
    first = next((rain for rain in rains if rain.transmission is not None), rains[0])
    vectors = [rain.streaks for rain in rains if rain.streaks is not None]
    if len(vectors) == len(rains):
        whole = dataclasses.replace(first, streaks=np.concatenate(vectors))
        return dataclasses.replace(whole, layer=labels.redraw(whole))
    layers = [rain.layer for rain in rains]
    return dataclasses.replace(first, layer=functools.reduce(_JOINS[first.compose, first.light], layers), streaks=None)


def _join(first: Pixels, second: Pixels) -> Pixels:
    """Return the saturating sum of two layers."""
    total: Pixels = np.minimum(first.astype(np.uint16) + second, 255).astype(np.uint8)
    return total


def _overlap(first: Pixels, second: Pixels) -> Pixels:
    """Return a + b - a b of two layers, 255 for 1, rounded."""
    left = (255 - first.astype(np.uint16)) * (255 - second.astype(np.uint16))
    return (255 - (left + 127) // 255).astype(np.uint8)


def _join_light(first: Pixels, second: Pixels) -> Pixels:
    """Return the saturating sum of two layers as light."""
    table = light.decoding().astype(np.uint32)
    total: NDArray[np.uint16] = np.minimum(table[first] + table[second], 65535).astype(np.uint16)
    return light.encode(total)


def _overlap_light(first: Pixels, second: Pixels) -> Pixels:
    """Return a + b - a b of two layers as light."""
    dark = 65535 - light.decoding().astype(np.uint32)
    left = (dark[first].astype(np.uint64) * dark[second] + 32767) // 65535
    return light.encode((65535 - left).astype(np.uint16))


_JOINS = {
    ("add", "srgb"): _join,
    ("heavy", "srgb"): _join,
    ("screen", "srgb"): _overlap,
    ("alpha", "srgb"): _overlap,
    ("add", "linear"): _join_light,
    ("heavy", "linear"): _join_light,
    ("screen", "linear"): _overlap_light,
    ("alpha", "linear"): _overlap,
}
