"""albumentations in both directions: its RandomRain as a simulator, and any simulator as one of its transforms.

The names of this module and of the package do not meet, because imports here are absolute.
"""

from __future__ import annotations

import importlib.util
import os
import random
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.errors import RecipeError
from rainkit.rain.compose import compose
from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.records import Component, Pixels, Rain, Scalar
from rainkit.seeds import Stream

if TYPE_CHECKING:
    from rainkit.records import Simulator

Byte = Annotated[int, Field(ge=0, le=255)]


def _library() -> Any:
    """Return the package albumentations.

    Raises
    ------
    RecipeError
        If it is not installed.
    """
    if importlib.util.find_spec("albumentations") is None:
        raise RecipeError("this needs albumentations 2.0: pip install 'rainkit[albumentations]'")
    # It asks a server for its newest version when it is imported, unless told not to.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations  # noqa: PLC0415 - an extra

    return albumentations


class RandomRain(Component):
    """RandomRain of albumentations 2.0, fed by rainkit's numbers, for comparison with other simulators.

    Its layer, `clip(B + S)` darkened by `brightness`, is the composition `heavy` with black airlight, so the clean
    picture stays what it is and layer and transmission reproduce the rainy picture; where B + S exceeds white,
    RandomRain clips before it darkens and `heavy` after. The number of drops follows from the height alone and `slant`
    is in pixels, as in the original. The same numbers give the same layer only with the same version of albumentations.
    """

    version: ClassVar[int] = 1
    requires: ClassVar[str | None] = "albumentations"

    kind: Literal["albumentations"] = "albumentations"
    rain_type: Literal["drizzle", "default", "heavy", "torrential"] = Field(
        default="heavy", description="A quarter, a third, one or two drops per row of the picture."
    )
    slant: Annotated[Numbers, within(-20, 20)] = Field(
        default=numbers(-10, 10),
        description="How far a drop drifts along its length.",
        json_schema_extra={"unit": "px"},
    )
    drop_length: int | None = Field(
        default=None,
        ge=1,
        description="Length of all drops; null: an eighth of the height.",
        json_schema_extra={"unit": "px"},
    )
    drop_width: int = Field(default=1, ge=1, le=99, description="Width of all drops.", json_schema_extra={"unit": "px"})
    drop_colour: tuple[Byte, Byte, Byte] = Field(
        default=(200, 200, 200), description="Colour of the drops, RGB.", json_schema_extra={"unit": "0..255"}
    )
    blur: int = Field(
        default=7, ge=1, le=99, description="Side of the box that blurs the drops.", json_schema_extra={"unit": "px"}
    )
    brightness: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="What the rainy picture is multiplied with.",
        json_schema_extra={"unit": "1"},
    )

    @property
    def tinted(self) -> bool:
        """Whether layers are RGB: those of grey drops are grey."""
        return len(set(self.drop_colour)) > 1

    def __call__(self, shape: tuple[int, int], rng: Stream, depth: NDArray[np.uint16] | None = None) -> Rain:
        """Draw the rain of one picture.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The numbers to draw from.
        depth : uint16 array, optional
            Not used.

        Raises
        ------
        RecipeError
            If albumentations is not installed.
        ValueError
            If the picture is not higher than a drop.
        """
        del depth
        if self.drop_length is not None and shape[0] <= self.drop_length:
            raise ValueError(f"albumentations: drops of {self.drop_length} px need a higher picture than {shape[0]} px")
        slant = round(self.slant.draw(rng.child("slant")), 3)
        transform = _library().RandomRain(
            slant_range=(slant, slant),
            drop_length=self.drop_length,
            drop_width=self.drop_width,
            drop_color=self.drop_colour,
            blur_value=self.blur,
            brightness_coefficient=1.0,
            rain_type=self.rain_type,
        )
        transform.set_random_state(rng.child("drops").generator(), random.Random(0))
        drawn = transform.get_params_dependent_on_data({"shape": (*shape, 3)}, {})
        layer: Pixels = transform.apply(np.zeros((*shape, 3), dtype=np.uint8), **drawn)
        if not self.tinted:
            layer = np.ascontiguousarray(layer[..., 0])
        passed = round(self.brightness * 255)
        parameters: dict[str, Scalar] = {
            "drops": len(drawn["rain_drops"]),
            "drop_length_px": int(drawn["drop_length"]),
            "slant_px": slant,
            "brightness": passed / 255,
        }
        if passed == 255:
            return Rain(layer, "add", parameters, colour=self.drop_colour)
        transmission = np.full(shape, passed, dtype=np.uint8)
        return Rain(layer, "heavy", parameters, colour=self.drop_colour, transmission=transmission, airlight=(0, 0, 0))


def make_transform(simulator: Simulator, p: float = 0.5) -> Any:
    """Return an albumentations transform that rains on the image, and on nothing else.

    Masks, boxes, key points and additional targets of other types pass unchanged; give the clean picture as a target of
    type `mask`, or keep a copy, because an additional target of type `image` is rained on as well.

    Parameters
    ----------
    simulator : Simulator
        Any simulator of rainkit.
    p : float
        Probability that it rains.

    Returns
    -------
    albumentations.ImageOnlyTransform
        For uint8 H x W x 3 RGB images. Its draws follow `albumentations.Compose(..., seed=...)`.

    Raises
    ------
    RecipeError
        If albumentations is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from rainkit.rain import simulator
    >>> image = np.full((32, 32, 3), 90, np.uint8)
    >>> rain = make_transform(simulator("streaks"), p=1.0)  # doctest: +SKIP
    >>> result = rain(image=image, mask=image)  # doctest: +SKIP
    >>> bool((result["mask"] == image).all()), result["image"].shape  # doctest: +SKIP
    (True, (32, 32, 3))
    """

    class RainkitRain(_library().ImageOnlyTransform):  # type: ignore[misc]
        """Rain of a rainkit simulator."""

        def get_params(self) -> dict[str, Any]:
            return {"rain_seed": self.py_random.getrandbits(62)}

        def apply(self, img: Pixels, rain_seed: int, **params: Any) -> Pixels:
            del params
            return compose(img, simulator((img.shape[0], img.shape[1]), Stream(rain_seed, "albumentations")))

        def get_transform_init_args_names(self) -> tuple[str, ...]:
            return ()

    return RainkitRain(p=p)
