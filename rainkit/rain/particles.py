"""Physical rain: drops of measured sizes falling at their speeds past a camera.

Drops are sampled in closed form. A drop of diameter D at distance z has the apparent width D / z; those between
`smallest` and `largest` are drawn one by one, thinner ones are the veil. The drops in view then have diameters from a
gamma distribution of shape 4 (plus that of the sizes) and distances z = k D u^(1/3) with u uniform, so nothing is
drawn in vain. Limits are angles, not pixels: a picture of twice the resolution shows the same drops, sharper.

The light of a drop is spread over the streak that it draws while the shutter is open: a streak hides
(pi / 4) w / (w + l) of what lies behind it, w its width and l its length, which real exposures make very faint. `gain`
says how much more is drawn, and the whole is bounded: the rain hides on average at most `cover` of the picture.

References
----------
.. [1] K. Garg, S. K. Nayar, "Vision and rain", International Journal of Computer Vision 75, 2007: appearance of drops
   and streaks, dependence on exposure, aperture and distance.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rainkit.rain import physics, raster
from rainkit.rain.camera import Camera, View
from rainkit.rain.compose import Composition
from rainkit.rain.physics import DropSizes
from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.rain.simulator import DrawnRain
from rainkit.records import Light, Rain, Scalar
from rainkit.seeds import Stream

MOST = 8_000_000
"""Most drops that are sampled for one picture; rain that needs more has a slip in `smallest`."""
_FASTEST = 4050.0
"""Largest fall speed over diameter, 1/s (near 0.7 mm): a streak is at most this times the exposure longer than wide."""
_DRIFTING = 2.5e-4
"""Diameter in m of the smallest drop whose whole drift the margins of the picture hold."""


@functools.cache
def _speeds() -> NDArray[np.int64]:
    """Return the fall speed in mm/s by diameter in um, at least 50."""
    return np.array([max(50, round(1000 * physics.fall_speed(d / 1000))) for d in range(7001)], dtype=np.int64)


@functools.cache
def _roots() -> NDArray[np.int64]:
    """Return u^(-1/3) for u from 1 down to 1/8, in 2^-16: the apparent widths of drops within an octave."""
    count = 1 << physics.QUANTILE_BITS
    steps = ((8 * count - 7 * i - 3.5) / (8 * count) for i in range(count))
    return np.array([round(u ** (-1 / 3) * 65536) for u in steps], dtype=np.int64)


_quantiles = functools.lru_cache(maxsize=16)(physics.gamma_quantiles)


@dataclass(frozen=True, slots=True)
class Scene:
    """What was drawn once for a picture or a sequence, before any drop.

    Attributes
    ----------
    rain_rate : float
        mm/h, a multiple of 0.01.
    wind : float
        Speed of the air across the view, m/s, a multiple of 0.001, positive towards the right.
    exposure : float
        Time that the shutter is open, s, a multiple of 1e-5.
    gain : float
        Opacity drawn over opacity of physics, a multiple of 0.01.
    """

    rain_rate: float
    wind: float
    exposure: float
    gain: float


class Particles(DrawnRain):
    """Rain of falling drops before a camera, by rain rate; composed in linear light.

    The drops that are too thin to draw are the veil: `veil: {}` adds it, with the extinction that belongs to the rain
    rate. Sources: Marshall and Palmer 1948 (sizes), Atlas, Srivastava and Sekhon 1973 (speeds), Garg and Nayar 2007
    (appearance); `gain`, `cover`, `glitter` and the tapers are rainkit's own.
    """

    version: ClassVar[int] = 1

    kind: Literal["particles"] = "particles"
    rain_rate_mm_h: Annotated[Numbers, within(0.05, 300)] = Field(
        numbers(5, 50),
        description="Rain rate: 1 is drizzle, 10 a shower, 50 a downpour, 100 a storm.",
        json_schema_extra={"unit": "mm/h"},
    )
    drop_sizes: DropSizes = Field(DropSizes(), description="Drop size distribution.")
    wind: Annotated[Numbers, within(-30, 30)] = Field(
        numbers(-2.5, 2.5),
        description="Speed of the air across the view, positive towards the right; large drops slant less.",
        json_schema_extra={"unit": "m/s"},
    )
    turbulence: float = Field(
        0.3,
        ge=0,
        le=5,
        description="Largest sideways speed that a drop has of its own.",
        json_schema_extra={"unit": "m/s"},
    )
    exposure_ms: Annotated[Numbers, within(0.05, 200)] = Field(
        numbers(8, 16), description="Time that the shutter is open.", json_schema_extra={"unit": "ms"}
    )
    camera: Camera = Field(Camera(), description="The camera that looks at the rain.")
    smallest: float = Field(
        1.0,
        gt=0.02,
        le=5,
        description="Apparent width of the thinnest drops that are drawn; the cost grows with its inverse cube.",
        json_schema_extra={"unit": "mrad"},
    )
    largest: float = Field(
        9.0,
        gt=0.1,
        le=50,
        description="Apparent width of the widest drops that are drawn: the near limit.",
        json_schema_extra={"unit": "mrad"},
    )
    near: float = Field(
        0.25, gt=0.01, le=10, description="No drop is nearer, as under a lens hood.", json_schema_extra={"unit": "m"}
    )
    gain: float = Field(
        30.0,
        ge=1,
        le=100,
        description="Opacity in thin rain over that of physics, which is hard to see; falls with the rain rate.",
        json_schema_extra={"unit": "1"},
    )
    cover: float = Field(
        0.15,
        gt=0,
        le=0.8,
        description="Average share of the picture that rain without end would hide: as it is neared, the gain falls.",
        json_schema_extra={"unit": "1"},
    )
    ceiling: float = Field(
        0.6, gt=0, le=1, description="Largest opacity of one streak.", json_schema_extra={"unit": "1"}
    )
    glitter: float = Field(
        0.5, ge=0, le=1, description="Spread of the brightness from drop to drop.", json_schema_extra={"unit": "1"}
    )
    taper: tuple[float, float] = Field(
        (0.3, 0.2),
        description="Share of its length over which a streak fades in, and out.",
        json_schema_extra={"unit": "1"},
    )
    compose: Composition = Field(default="screen", description="How layer and picture meet; see `rain.compose`.")
    light: Light = Field(default="linear", description="Whether they meet in sRGB values or in linear light.")

    @model_validator(mode="after")
    def _consistent(self) -> Particles:
        if self.largest <= self.smallest:
            raise ValueError(f"largest ({self.largest:g} mrad) must be above smallest ({self.smallest:g} mrad)")
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
        """
        return self.at(shape, rng, 0.0, depth)

    def at(self, shape: tuple[int, int], rng: Stream, moment: float, depth: NDArray[np.uint16] | None = None) -> Rain:
        """Draw the rain `moment` seconds after the picture that a call with the same stream gives.

        Each drop falls at its own speed and comes in again at the top, at another place, when it has left the view.
        """
        scene = self.draw_scene(rng.child("scene"))
        streaks = self.draw_streaks(shape, rng, scene, moment)
        pixels = raster.draw_streaks(shape, streaks, "srgb" if self.compose == "alpha" else self.light)
        parameters: dict[str, Scalar] = {
            "rain_rate_mm_h": scene.rain_rate,
            "wind_m_s": scene.wind,
            "exposure_ms": round(scene.exposure * 1e3, 2),
            "gain": scene.gain,
            "streaks": len(streaks),
            "moment_s": float(moment),
        }
        return self.finish(pixels, parameters, rng, streaks=streaks, depth=depth, rain_rate=scene.rain_rate)

    def draw_scene(self, rng: Stream) -> Scene:
        """Return what is drawn once for a picture or a sequence."""
        rate = round(self.rain_rate_mm_h.draw(rng), 2)
        wind = round(self.wind.draw(rng), 3)
        exposure = round(self.exposure_ms.draw(rng) * 1e-3, 5)
        hidden = self.gain * self.drop_sizes.cover(rate, 1.0 / self.smallest)
        return Scene(rate, wind, exposure, round(self.gain / (1.0 + hidden / self.cover), 2))

    def draw_streaks(self, shape: tuple[int, int], rng: Stream, scene: Scene, moment: float = 0.0) -> NDArray[np.int32]:
        """Return the streaks of the drops in view, int32 vectors; see `rainkit.rain.raster.STREAK_COLUMNS`.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The stream that the picture or the sequence was given.
        scene : Scene
            What was drawn for the whole of it.
        moment : float
            Time at which the shutter opens, s.

        Raises
        ------
        ValueError
            If there would be more than `MOST` drops.
        """
        from rainkit.rain import drop_kernels  # noqa: PLC0415 - numba is loaded only to draw

        view = self.camera.view(shape)
        octaves = math.ceil(math.log2(self.largest / self.smallest) - 1e-9)
        tables = _quantiles(4.0 + self.drop_sizes.shape), _roots(), _speeds()
        octave_numbers = [self._octave(view, shape, scene, moment, octave) for octave in range(octaves)]
        expected = sum(mean for mean, _ in octave_numbers)
        if expected > MOST:
            raise ValueError(f"particles: {expected:.0f} drops for one picture, at most {MOST}; raise smallest")
        stream = rng.child("drops")
        units = stream.uniform(octaves).tolist()
        counts = [physics.poisson(mean, unit) for (mean, _), unit in zip(octave_numbers, units, strict=True)]
        words = stream.bits(2 * sum(counts)).reshape(-1, 2)
        streaks = raster.new_streaks(len(words))
        drawn = start = 0
        for count, (_, values) in zip(counts, octave_numbers, strict=True):
            drops = words[start : start + count]
            drawn += drop_kernels.project_drops(drops, tables, values, streaks[drawn:])
            start += count
        return streaks[:drawn]

    def _octave(
        self, view: View, shape: tuple[int, int], scene: Scene, moment: float, octave: int
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the expected number of drops of an octave of apparent widths, and the numbers of the kernel."""
        narrow = self.smallest * 2.0**octave
        cosine, sine = math.cos(math.radians(self.camera.pitch)), -math.sin(math.radians(self.camera.pitch))
        widest = 2e-3 * narrow
        blur = 0.5 * widest * (1.0 + view.aperture / _DRIFTING)
        fall = widest * _FASTEST * scene.exposure
        drift = widest * (abs(scene.wind) + self.turbulence) / _DRIFTING * scene.exposure
        # A tilted camera sees a drop come nearer as it falls; the margins hold the nearest part of its way.
        steepest = 0.75 * cosine / max(abs(sine), 1e-9)
        top = max(-0.5 * view.height - fall - blur, -steepest)
        bottom = min(0.5 * view.height + blur, steepest)
        lap_start = top / (cosine - top * sine)
        lap = bottom / (cosine - bottom * sine) - lap_start
        swell = max(1.0 + sine * lap_start, 1.0 + sine * (lap_start + lap))
        half_x = (0.5 * view.width + drift + blur) * swell
        seen = self.drop_sizes.visible(scene.rain_rate, 1.0 / narrow) * 0.875
        values = (
            *(self.drop_sizes.slope(scene.rain_rate), narrow, self.largest, self.near),
            *(scene.exposure, moment, scene.wind, self.turbulence),
            *(cosine, sine, view.focal_px, float(shape[1]), float(shape[0]), half_x, lap_start, lap),
            *view.blur_factors,
            *(scene.gain, self.ceiling, self.glitter, round(256 * self.taper[0]), round(256 * self.taper[1])),
        )
        return seen * 2.0 * half_x * lap * cosine, np.array(values, dtype=np.float64)
