"""What every simulator that draws its own rain has in common: preset, composition, colour and veil."""

from __future__ import annotations

from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import Field, model_validator

from rainkit.rain.compose import Composition
from rainkit.rain.light import tint
from rainkit.rain.presets import start_from
from rainkit.rain.veil import Veil
from rainkit.records import Component, Light, Pixels, Rain, Scalar
from rainkit.seeds import Stream

Byte = Annotated[int, Field(ge=0, le=255)]


class DrawnRain(Component):
    """Fields shared by the simulators, and the last step of each: from a grey layer to labels."""

    preset: str | None = Field(
        default=None, description="Name of the preset whose fields stand for those that are not written."
    )
    compose: Composition = Field(
        default="add", description="How layer and picture meet: add, screen, alpha or heavy (the veil before the rain)."
    )
    light: Light = Field(default="srgb", description="Whether they meet in sRGB values or in linear light.")
    colour: tuple[Byte, Byte, Byte] = Field(
        default=(255, 255, 255),
        description="Colour of the streaks, RGB; the layer is RGB where it is not white.",
        json_schema_extra={"unit": "0..255"},
    )
    veil: Veil | None = Field(default=None, description="Fog of fine rain behind the streaks; null for none.")

    @model_validator(mode="before")
    @classmethod
    def _start_from_preset(cls, data: Any) -> Any:
        return start_from(data, cls.model_fields["kind"].default)

    @property
    def tinted(self) -> bool:
        """Whether layers are RGB: `finish` colours light, but not shares."""
        return self.compose != "alpha" and self.colour != (255, 255, 255)

    def finish(
        self,
        layer: Pixels,
        parameters: dict[str, Scalar],
        rng: Stream,
        *,
        streaks: NDArray[Any] | None = None,
        depth: NDArray[Any] | None = None,
        rain_rate: float | None = None,
    ) -> Rain:
        """Return the labels of a grey layer: coloured, and with the veil drawn.

        Parameters
        ----------
        layer : uint8 array, H x W
            As `raster.draw_streaks` gives it: light, or the share hidden where `compose` is alpha.
        parameters : dict of str to scalar
            What was drawn for the layer.
        rng : Stream
            Stream of the sample; the veil draws from its child `veil`.
        streaks : int32 array, optional
            The vectors of the layer.
        depth : uint16 array, H x W, optional
            Depth map of the picture, cm.
        rain_rate : float, optional
            Rain rate of the simulator, mm/h, for the veil.
        """
        shape = (layer.shape[0], layer.shape[1])
        if self.compose != "alpha":
            layer = tint(layer, self.colour, self.light)
        rain = Rain(layer, self.compose, parameters, colour=self.colour, streaks=streaks, light=self.light)
        if self.veil is None:
            return rain
        fog = self.veil.draw(shape, rng.child("veil"), depth, rain_rate)
        return Rain(
            layer,
            self.compose,
            {**parameters, **fog.parameters},
            colour=self.colour,
            transmission=fog.transmission,
            airlight=fog.airlight,
            depth=fog.depth,
            streaks=streaks,
            light=self.light,
        )
