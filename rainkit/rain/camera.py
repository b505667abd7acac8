"""The camera that looks at the rain: how angles become pixels, and what is out of focus.

Drops are drawn in the plane at distance 1 in front of the camera (x to the right, y down, both without a unit, the
tangent of an angle), so that the same rain can be projected at any resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import Field

from rainkit.records import Component


@dataclass(frozen=True, slots=True)
class View:
    """A camera before a picture of given size.

    Attributes
    ----------
    focal_px : float
        Focal length in pixels: a tangent times this is a distance in the picture.
    width, height : float
        Size of the picture in the plane at distance 1.
    aperture : float
        Diameter of the lens opening, m.
    focus : float
        Distance of sharpest focus, m.
    focal : float
        Focal length, m.
    """

    focal_px: float
    width: float
    height: float
    aperture: float
    focus: float
    focal: float

    def blur(self, distance: float) -> float:
        """Return the circle of confusion of a point at `distance` m, in pixels; see `Camera.blur_factors`."""
        near, far = self.blur_factors
        return abs(near / distance - far)

    @property
    def blur_factors(self) -> tuple[float, float]:
        """Two numbers p, q such that the diameter of the circle of confusion at distance z is |p / z - q| px.

        The circle of confusion |z - zf| f^2 / (z (zf - f) N), with aperture f / N and in units of the focal length,
        is aperture |zf / z - 1| / (zf - f).
        """
        scale = self.focal_px * self.aperture / (self.focus - self.focal)
        return scale * self.focus, scale


class Camera(Component):
    """A camera held level or tilted; a wide lens of small sensor, as in phones and cars, unless told otherwise."""

    field_of_view: float = Field(
        60.0,
        gt=1,
        lt=150,
        description="Angle of view across the longer side of the frame.",
        json_schema_extra={"unit": "degree"},
    )
    frame: int | None = Field(
        640,
        ge=16,
        description=(
            "Longer side of the smallest frame that holds the whole field of view: a smaller picture is cut out of "
            "such a frame, so that patches show rain at its true scale; a larger one is the frame. Null: any is."
        ),
        json_schema_extra={"unit": "px"},
    )
    sensor_width: float = Field(
        9.6,
        gt=0.5,
        le=100,
        description="Longer side of the sensor: gives the pixel pitch, and with the angle of view the focal length.",
        json_schema_extra={"unit": "mm"},
    )
    f_number: float = Field(
        2.8, ge=0.7, le=64, description="Focal length over the opening of the lens.", json_schema_extra={"unit": "1"}
    )
    focus: float = Field(
        6.0, ge=0.5, le=10000, description="Distance of sharpest focus.", json_schema_extra={"unit": "m"}
    )
    pitch: float = Field(
        0.0,
        ge=-60,
        le=60,
        description="Tilt; a camera that looks up sees streaks spread from a point above the picture.",
        json_schema_extra={"unit": "degree"},
    )

    @property
    def focal(self) -> float:
        """Focal length in metres."""
        return self.sensor_width * 1e-3 / (2 * math.tan(math.radians(self.field_of_view) / 2))

    def pixel_pitch(self, shape: tuple[int, int]) -> float:
        """Return the pixel pitch in micrometres for a picture of `shape` (height, width) px."""
        return self.sensor_width * 1e3 / max(*shape, self.frame or 1)

    def view(self, shape: tuple[int, int]) -> View:
        """Return what the camera sees in a picture of `shape` (height, width) px."""
        focal_px = self.focal * 1e6 / self.pixel_pitch(shape)
        return View(
            focal_px=focal_px,
            width=shape[1] / focal_px,
            height=shape[0] / focal_px,
            aperture=self.focal / self.f_number,
            focus=self.focus,
            focal=self.focal,
        )
