"""Backgrounds that the project draws itself: any count, any size, free of any licence, with a dial for complexity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rainkit.records import Component, Picture, Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.families import FAMILIES, FamilyName

_STEPS = 1024
MAX_SIDE = 8192
"""Longest side that is drawn."""


def _as_pair(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value, value)


Dial = Annotated[float, Field(ge=0.0, le=1.0)]
Side = Annotated[int, Field(ge=32, le=MAX_SIDE)]


class ProceduralSource(Component):
    """Pictures drawn in integers from a seed: the same pixels on every processor.

    Picture `index` belongs to family `index % len(families)`. It is a function of (family, size, complexity, seed,
    index) alone, so a larger `count` adds pictures and changes none.
    """

    kind: Literal["procedural"] = Field("procedural", description="Pictures drawn by rainkit.")
    families: tuple[FamilyName, ...] = Field(
        tuple(FAMILIES), min_length=1, description=f"What to draw, in turn: {', '.join(FAMILIES)}."
    )
    count: int = Field(60, ge=1, description="Number of pictures.")
    size: Annotated[tuple[Side, Side], BeforeValidator(_as_pair)] = Field(
        (512, 512), description="Width and height, or one number for both.", json_schema_extra={"unit": "px"}
    )
    complexity: Annotated[tuple[Dial, Dial], BeforeValidator(_as_pair)] = Field(
        (0.0, 1.0),
        description="From 0 (nearly empty) to 1 (full of detail); one number, or [low, high] spread evenly.",
    )
    seed: int = Field(0, description="Another seed gives other pictures.")
    license: str = Field("CC0-1.0", description="Licence of the pictures.")
    attribution: str = Field("", description="Whom to name for the pictures.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.complexity[0] > self.complexity[1]:
            raise ValueError(f"complexity must be [low, high], not [{self.complexity[0]:g}, {self.complexity[1]:g}]")
        return self

    def at(self, base: Path) -> ProceduralSource:  # noqa: ARG002 - every source can be moved
        """Return itself: drawn pictures lie nowhere."""
        return self

    def __call__(self) -> Iterator[Picture]:
        """Return the pictures by index; each is drawn when it is read."""
        for index in range(self.count):
            family = self.families[index % len(self.families)]
            step = dial_step(index // len(self.families), *self.complexity)
            yield Picture(f"{family}/{index:06d}", partial(draw, family, self.size, step / _STEPS, self.seed, index))


def dial_step(turn: int, low: float, high: float) -> int:
    """Return the dial of the picture that is drawn at a family's turn, in 1/1024.

    The turns fill [low, high] evenly however many there are (van der Corput's sequence): 1/2, 0, 1, 1/4, 3/4, 1/8 ...
    """
    first, last = round(low * _STEPS), round(high * _STEPS)
    if turn < 3:
        return (first + last) // 2 if turn == 0 else (first, last)[turn - 1]
    place, weight, rest = 0.0, 0.5, turn - 1
    while rest:
        place += weight * (rest & 1)
        weight /= 2
        rest >>= 1
    return first + round(place * (last - first))


def draw(family: FamilyName, size: tuple[int, int], complexity: float, seed: int, index: int) -> Pixels:
    """Return one drawn picture.

    Parameters
    ----------
    family : str
        A key of `FAMILIES`.
    size : tuple of int
        Width and height in pixels.
    complexity : float
        0 to 1.
    seed, index : int
        Which of the family's pictures.

    Returns
    -------
    uint8 array, height x width x 3
        RGB.
    """
    rng = Stream(seed, "procedural", family, index)
    return FAMILIES[family]((size[1], size[0]), complexity, rng)
