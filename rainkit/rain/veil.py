"""The veil: the drops too small or too far to be seen one by one, which scatter light as fog does.

The scene's light is weakened to the share t = exp(-beta d) over the distance d, and airlight takes the place of the
rest (Koschmieder's law). Distances are whole centimetres and t is a byte, found by an exact table, so `transmission`
and `airlight` reproduce the veil bit for bit; the clean picture never has it.

Where no depth map says how far things are, `ramp` stands in: a gradient that looks like haze on most photographs, and
not their geometry. Distances of level ground, in proportion to 1 / y below a horizon, are right for an empty plain
alone: they change so fast below the horizon that on a facade or a hillside the veil ends in a level edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.rain.ranges import Numbers, numbers, within
from rainkit.records import Component, Pixels, Scalar
from rainkit.seeds import Stream

Number = TypeVar("Number", np.uint8, np.uint16)

FARTHEST = 655.35
"""Greatest distance of a depth map, m: uint16 centimetres."""

_FIXED = 1 << 40
# -ln((k + 1/2) / 255) for k = 254 .. 0: where the transmission falls from k + 1 to k, in 2^-40.
_FALLS: NDArray[np.int64] = np.array(
    [round(-math.log((k + 0.5) / 255) * _FIXED) for k in range(254, -1, -1)], dtype=np.int64
)


@dataclass(frozen=True, slots=True)
class Fog:
    """A veil that was drawn.

    Attributes
    ----------
    transmission : uint8 array, H x W
        Share of the scene's light that passes, 0..255 for 0..1.
    airlight : tuple of int
        Colour of the veil, RGB 0..255 (sRGB).
    depth : uint16 array, H x W
        Distance, cm.
    parameters : mapping of str to scalar
        `veil_beta_per_km`, `veil_distance_m`, `veil_airlight`.
    """

    transmission: Pixels
    airlight: tuple[int, int, int]
    depth: NDArray[np.uint16]
    parameters: dict[str, Scalar]


def transmission_table(beta: float) -> Pixels:
    """Return t = exp(-beta d) for every distance d in centimetres, uint8 (65536,), 0..255 for 0..1, halves downward.

    Parameters
    ----------
    beta : float
        Extinction, 1/km; used to 10^-5 of its unit.
    """
    steps = np.diff(np.concatenate([[0], _falls(beta), [65536]]))
    return np.repeat(np.arange(255, -1, -1, dtype=np.uint8), steps)


def _falls(beta: float) -> NDArray[np.int64]:
    """Return the first distance of each byte below 255, cm, int64 (255,); 65536 for those that are not reached."""
    per_cm = round(beta * _FIXED / 1e5)
    return np.minimum(-(-_FALLS // per_cm), 65536) if per_cm > 0 else np.full(255, 65536, dtype=np.int64)


def _transmit(beta: float, distances: NDArray[np.uint16]) -> Pixels:
    """Return the transmission of each distance; see `transmission_table`."""
    if distances.size < 4096:  # the rows of a ramp
        return (255 - np.searchsorted(_falls(beta), distances, side="right")).astype(np.uint8)
    from rainkit.rain import mixing  # noqa: PLC0415 - numba is loaded only to draw

    passed: Pixels = np.empty(distances.shape, dtype=np.uint8)
    mixing.look_up(distances.reshape(-1), transmission_table(beta), passed.reshape(-1))
    return passed


def extinction(rain_rate: float) -> float:
    """Return the extinction of rain, 1/km: 0.312 R^0.67 with R in mm/h.

    The power law for rain that fog models of rain use; Marshall-Palmer drops give the same within a few percent from 5
    to 100 mm/h.
    """
    return 0.312 * math.pow(rain_rate, 0.67)


def _widen(values: NDArray[Number], shape: tuple[int, int]) -> NDArray[Number]:
    """Return one value a row as H x W; a map as it is."""
    if values.shape == shape:
        return values
    wide = np.empty(shape, dtype=values.dtype)
    wide[:] = values
    return wide


def ramp(height: int, near: int, far: int, horizon: int) -> NDArray[np.uint16]:
    """Return distances that grow by a smooth law from the lower edge up to the horizon, uint16, cm, (height,).

    d = near (far / near)^s with s = u^2 (3 - 2 u) and u from 0 at the lower edge to 1 at the horizon; far above it. The
    power spreads the fall of the transmission over the picture, and s, level at both ends, hides where it begins and
    ends. It is a stand-in for distances that nobody knows, tuned by eye; no scene is built like this.

    Parameters
    ----------
    height : int
        Rows of the picture.
    near, far : int
        Distances at the lower edge and at the horizon, cm, 1 <= near <= far <= 65535.
    horizon : int
        Row of the horizon; it may lie above the picture.
    """
    u = np.minimum((np.arange(height, 0, -1) - 0.5) / max(height - horizon, 1), 1.0)
    grown = math.log(far / near) * (u * u * (3.0 - 2.0 * u))
    # NumPy's own exp differs between processors; sums and products do not.
    rows = np.rint(near * np.array([math.exp(part) for part in grown.tolist()]))
    distances: NDArray[np.uint16] = np.minimum(rows, far).astype(np.uint16)
    return distances


class Veil(Component):
    """A veil of fine rain over the picture: fog whose density follows from the rain rate, or is given.

    References
    ----------
    H. Koschmieder, "Theorie der horizontalen Sichtweite", 1924; S. S. Halder, J.-F. Lalonde, R. de Charette,
    "Physics-based rendering for improving robustness to rain", ICCV 2019, for the extinction of rain.
    """

    version: ClassVar[int] = 2

    beta: Annotated[Numbers, within(0, 1000)] | None = Field(
        default=None,
        description="Extinction; null: 0.312 R^0.67 from the rain rate R.",
        json_schema_extra={"unit": "1/km"},
    )
    rain_rate_mm_h: Annotated[Numbers, within(0, 500)] = Field(
        default=numbers(10, 50),
        description="Rain rate for the extinction, where neither beta is given nor the simulator has a rain rate.",
        json_schema_extra={"unit": "mm/h"},
    )
    depth: Literal["ramp", "plane", "map"] = Field(
        default="ramp",
        description="Distances: a smooth ramp that grows from the lower edge to a horizon and stands in for unknown "
        "geometry, one distance, or the depth map beside the picture (where it is missing or 0, one distance).",
    )
    distance_m: Annotated[Numbers, within(0.01, FARTHEST)] = Field(
        default=numbers(100, 220), description="Greatest, or only, distance.", json_schema_extra={"unit": "m"}
    )
    near_m: Annotated[Numbers, within(0.01, FARTHEST)] = Field(
        default=numbers(6, 16),
        description="Distance at the lower edge (ramp).",
        json_schema_extra={"unit": "m"},
    )
    horizon: Annotated[Numbers, within(-1, 1)] = Field(
        default=numbers(0, 0.3),
        description="Where the greatest distance is reached (ramp): below the upper edge, share of the height; "
        "negative: above the picture.",
    )
    airlight: Annotated[Numbers, within(0, 1)] = Field(
        default=numbers(0.55, 0.8), description="Brightness of the veil, share of the full sRGB scale."
    )
    airlight_colour: tuple[int, int, int] = Field(
        default=(255, 255, 255), description="Colour that the brightness multiplies, RGB 0..255."
    )

    def _depth(self, shape: tuple[int, int], rng: Stream, depth: NDArray[np.uint16] | None) -> NDArray[np.uint16]:
        """Return the distances, uint16, cm: H x W of a map, else H x 1."""
        height = shape[0]
        far = min(round(self.distance_m.draw(rng) * 100), 65535)
        near = min(round(self.near_m.draw(rng) * 100), far)
        horizon = math.floor(self.horizon.draw(rng) * height)
        if self.depth == "map" and depth is not None:
            if depth.shape != shape or depth.dtype != np.uint16:
                raise ValueError(f"the depth map must be uint16 {shape} in cm, not {depth.dtype} {depth.shape}")
            return np.where(depth == 0, np.uint16(far), depth)
        if self.depth != "ramp":
            return np.full((height, 1), far, dtype=np.uint16)
        return ramp(height, near, far, horizon)[:, None]

    def draw(
        self,
        shape: tuple[int, int],
        rng: Stream,
        depth: NDArray[np.uint16] | None = None,
        rain_rate: float | None = None,
    ) -> Fog:
        """Draw the veil of one picture.

        Parameters
        ----------
        shape : tuple of int
            Height and width, px.
        rng : Stream
            The numbers to draw from.
        depth : uint16 array, H x W, optional
            Depth map of the picture, cm, 0 = unknown; used where `depth` is "map".
        rain_rate : float, optional
            Rain rate that the simulator drew, mm/h; used unless `beta` is given.

        Raises
        ------
        ValueError
            If the depth map has another shape or dtype.
        """
        rate = self.rain_rate_mm_h.draw(rng.child("rate")) if rain_rate is None else rain_rate
        beta = extinction(rate) if self.beta is None else self.beta.draw(rng.child("beta"))
        beta = round(beta, 5)
        distances = self._depth(shape, rng.child("depth"), depth)
        level = round(self.airlight.draw(rng.child("airlight")) * 255)
        red, green, blue = ((level * part + 127) // 255 for part in self.airlight_colour)
        parameters: dict[str, Scalar] = {
            "veil_beta_per_km": beta,
            "veil_distance_m": int(distances.max()) / 100,
            "veil_airlight": level,
        }
        passed = _transmit(beta, distances)
        return Fog(_widen(passed, shape), (red, green, blue), _widen(distances, shape), parameters)
