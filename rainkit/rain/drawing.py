"""The table of simulators, and rain on one picture without a recipe."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.errors import RecipeError
from rainkit.rain import labels
from rainkit.rain.albumentations import RandomRain
from rainkit.rain.compose import compose
from rainkit.rain.layer_bank import LayerBank
from rainkit.rain.mixture import Mixture
from rainkit.rain.noise_blur import NoiseBlur
from rainkit.rain.particles import Particles
from rainkit.rain.presets import PRESETS
from rainkit.rain.streaks import Streaks
from rainkit.records import Component, Pixels, Rain
from rainkit.seeds import Stream

AnySimulator = Annotated[
    Streaks | NoiseBlur | Particles | LayerBank | RandomRain | Mixture, Field(discriminator="kind")
]
"""The simulators that a recipe may name, told apart by `kind`."""

SIMULATORS: Mapping[str, type[Component]] = MappingProxyType(
    {
        "streaks": Streaks,
        "noise_blur": NoiseBlur,
        "particles": Particles,
        "layer_bank": LayerBank,
        "albumentations": RandomRain,
        "mixture": Mixture,
    }
)
"""Every simulator by kind."""


def simulator(name: str, **fields: Any) -> Any:
    """Return a simulator by its kind or by the name of a preset.

    Parameters
    ----------
    name : str
        A key of `SIMULATORS` or of `PRESETS`.
    **fields : Any
        Fields of the simulator that differ from its defaults, or from the preset.

    Raises
    ------
    RecipeError
        If there is no such kind or preset.
    pydantic.ValidationError
        If a field is wrong.
    """
    if name in SIMULATORS:
        return SIMULATORS[name](**fields)
    if name in PRESETS:
        return SIMULATORS[PRESETS[name].kind](**{"preset": name, **fields})
    names = [*SIMULATORS, *PRESETS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
    raise RecipeError(f"no simulator or preset named {name!r}{hint}")


@dataclass(frozen=True)
class Drawn:
    """A rainy picture and its labels.

    Attributes
    ----------
    rainy : uint8 array, H x W x 3
        `compose(clean, rain)`.
    rain : Rain
        Layer, streak vectors, veil and drawn parameters.
    clean : uint8 array, H x W x 3
        The picture that was given.
    """

    rainy: Pixels
    rain: Rain
    clean: Pixels

    @cached_property
    def mask(self) -> Pixels:
        """Where it rains, uint8 H x W, 255 or 0; see `labels.mask`."""
        return labels.mask(self.rain.layer)

    @cached_property
    def coverage(self) -> float:
        """Share of pixels with rain, 0..1."""
        return cv2.countNonZero(self.mask) / self.mask.size

    @cached_property
    def psnr(self) -> float:
        """PSNR of the rainy picture against the clean one, dB, RGB."""
        return labels.psnr(self.clean, self.rainy)


def draw(
    image: Pixels, rain: str | Component, seed: int, *, depth: NDArray[np.uint16] | None = None, key: str = ""
) -> Drawn:
    """Rain on a picture.

    Parameters
    ----------
    image : uint8 array, H x W x 3, RGB
        The clean picture; it is not changed.
    rain : str or simulator
        A preset, a kind of simulator, or a simulator.
    seed : int
        The same seed, simulator and size give the same rain on every machine.
    depth : uint16 array, H x W, optional
        Depth map, cm, 0 = unknown, for a veil with `depth: map`.
    key : str
        Name of the picture, to draw different rain on many pictures with one seed.

    Raises
    ------
    RecipeError
        If there is no such simulator or preset.
    ValueError
        If the picture is not uint8 H x W x 3.

    Examples
    --------
    >>> import numpy as np
    >>> drawn = draw(np.zeros((48, 64, 3), np.uint8), "slacking-off-small", seed=7)
    >>> bool((drawn.rainy[..., 0] == drawn.rain.layer).all())
    True
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"rain falls on a uint8 H x W x 3 RGB picture, not {image.dtype} {image.shape}")
    model: Any = simulator(rain) if isinstance(rain, str) else rain
    drawn: Rain = model((image.shape[0], image.shape[1]), Stream(seed, key), depth)
    return Drawn(compose(image, drawn), drawn, image)
