"""Physics of rain: how many drops there are, of what size, how fast they fall, how much light they take away.

Units are those of the field: diameters in millimetres, rain rates in millimetres per hour, drops per cubic metre and
millimetre of diameter, speeds in metres per second, extinction per kilometre. Everything here is scalar and uses
Python's `math`, whose results reach pixels only after they are rounded to integers.

References
----------
.. [1] J. S. Marshall, W. McK. Palmer, "The distribution of raindrops with size", Journal of Meteorology 5, 1948.
.. [2] D. Atlas, R. C. Srivastava, R. S. Sekhon, "Doppler radar characteristics of precipitation at vertical
   incidence", Reviews of Geophysics 11, 1973: fall speed fitted to the measurements of Gunn and Kinzer (1949).
.. [3] C. W. Ulbrich, "Natural variations in the analytical form of the raindrop size distribution", Journal of
   Climate and Applied Meteorology 22, 1983: the gamma form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rainkit.records import Component
from rainkit.seeds import Stream

INTERCEPT = 8000.0
"""N0 of Marshall and Palmer [1]_, drops per m3 per mm."""
SMALLEST, LARGEST = 0.1, 7.0
"""Diameters in mm between which drops exist; larger ones break up."""
QUANTILE_BITS = 16
_GRID = 4096
_NEGLIGIBLE = 1e-18


def slope(rain_rate: float) -> float:
    """Return the slope L of Marshall and Palmer's distribution in 1/mm: 4.1 R^-0.21 [1]_.

    Parameters
    ----------
    rain_rate : float
        Millimetres per hour, above 0.

    Raises
    ------
    ValueError
        If the rate is not positive and finite.
    """
    if not 0 < rain_rate < math.inf:
        raise ValueError(f"a rain rate is a positive number of mm/h, not {rain_rate}")
    return float(4.1 * rain_rate**-0.21)


def fall_speed(diameter: float) -> float:
    """Return the terminal speed of a drop in m/s: 9.65 - 10.3 exp(-0.6 D), at least 0 [2]_; D in mm."""
    return max(0.0, 9.65 - 10.3 * math.exp(-0.6 * diameter))


@functools.lru_cache(maxsize=256)
def _parameters(rain_rate: float, mu: float) -> tuple[float, float, float, float]:
    """Return L, N0, Gamma(4 + mu) and L^(4 + mu) of the distribution of a rain rate; see `DropSizes`."""
    steep, shape = slope(rain_rate) * (4.0 + mu) / 4.0, 4.0 + mu
    water = INTERCEPT * math.gamma(4.0) / slope(rain_rate) ** 4
    intercept = float(water * steep**shape / math.gamma(shape))
    return steep, intercept, math.gamma(shape), steep**shape


class DropSizes(Component):
    """Drop size distribution N(D) = N0 D^mu exp(-L D), drops per m3 per mm; `marshall_palmer` has mu = 0.

    The gamma form keeps the water content and the mass-weighted diameter of Marshall and Palmer's rain of the same
    rate and moves drops from the ends of the distribution to its middle (mu > 0) or the other way (mu < 0).
    """

    kind: Literal["marshall_palmer", "gamma"] = Field(
        "marshall_palmer", description="Form of the distribution: exponential (Marshall-Palmer) or gamma (Ulbrich)."
    )
    shape: float = Field(
        0.0,
        ge=-1,
        le=12,
        description="Exponent mu of the gamma form; 0 is Marshall and Palmer's.",
        json_schema_extra={"unit": "1"},
    )

    @model_validator(mode="after")
    def _only_gamma_has_shape(self) -> DropSizes:
        if self.kind == "marshall_palmer" and self.shape != 0:
            raise ValueError("shape belongs to the gamma form: write kind: gamma, or leave shape out")
        return self

    def slope(self, rain_rate: float) -> float:
        """Return L in 1/mm: the mass-weighted diameter (4 + mu) / L is Marshall and Palmer's 4 / L."""
        return _parameters(rain_rate, self.shape)[0]

    def intercept(self, rain_rate: float) -> float:
        """Return N0 in drops per m3 per mm^(1 + mu), from the water content, which is Marshall and Palmer's."""
        return _parameters(rain_rate, self.shape)[1]

    def density(self, rain_rate: float, diameter: float) -> float:
        """Return N(D) in drops per m3 per mm; 0 outside `SMALLEST` to `LARGEST`."""
        if not SMALLEST <= diameter <= LARGEST:
            return 0.0
        exponential = math.exp(-self.slope(rain_rate) * diameter)
        return float(self.intercept(rain_rate) * diameter**self.shape * exponential)

    def integrate(self, rain_rate: float, weight: Callable[[float], float], low: float = SMALLEST) -> float:
        """Return the integral of weight(D) N(D) from `low` to `LARGEST` mm, by Simpson's rule with 2000 steps."""
        low = max(low, SMALLEST)
        steps = 2000
        width = (LARGEST - low) / steps
        points = (low + i * width for i in range(steps + 1))
        values = [weight(d) * self.density(rain_rate, min(d, LARGEST)) for d in points]
        return width / 3.0 * (math.fsum(values) * 2 + math.fsum(values[1::2]) * 2 - values[0] - values[-1])

    def drops_above(self, rain_rate: float, diameter: float) -> float:
        """Return how many drops per m3 are larger than `diameter` mm."""
        return self.integrate(rain_rate, lambda _: 1.0, diameter)

    def implied_rain_rate(self, rain_rate: float) -> float:
        """Return the rate in mm/h that the falling drops amount to; near `rain_rate`, as the fits are not one set."""
        return 3.6e-3 * math.pi / 6 * self.integrate(rain_rate, lambda d: d**3 * fall_speed(d))

    def extinction(self, rain_rate: float) -> float:
        """Return the extinction of all drops per km: twice their cross-section, as they are far larger than light."""
        return 1e-3 * 2 * math.pi / 4 * self.integrate(rain_rate, lambda d: d * d)

    def visible(self, rain_rate: float, reach: float) -> float:
        """Return how many drops are seen per unit of the plane at distance 1: N0 / 3 k^3 Gamma(4 + mu) / L^(4 + mu).

        A drop of diameter D is seen up to z = k D, so its share of the volume grows with D^3; the diameters of the
        drops in view therefore follow the gamma distribution of shape 4 + mu and rate L.

        Parameters
        ----------
        rain_rate : float
            Millimetres per hour.
        reach : float
            k, metres of distance per millimetre of diameter.
        """
        _, intercept, whole, power = _parameters(rain_rate, self.shape)
        return float(intercept / 3 * reach**3 * whole / power)

    def cover(self, rain_rate: float, reach: float) -> float:
        """Return the share of the view that the drops in sight hide at one instant: pi / 4 k times the third moment."""
        _, intercept, whole, power = _parameters(rain_rate, self.shape)
        third_moment = intercept * whole / power
        return float(math.pi / 4 * 1e-6 * reach * third_moment)


def poisson(mean: float, unit: float) -> int:
    """Return the Poisson number that belongs to a uniform one: inversion outwards from the mode, in Python's `math`.

    Parameters
    ----------
    mean : float
        Mean, 0 or more.
    unit : float
        In [0, 1).

    Notes
    -----
    The number of steps is about the square root of the mean. Two libraries whose logarithms differ in the last bit
    disagree only when `unit` falls within 1e-12 of an edge.
    """
    if mean <= 0:
        return 0
    mode = int(mean)
    chance = math.exp(mode * math.log(mean) - mean - math.lgamma(mode + 1))
    rest = unit - chance
    low = high = mode
    below = above = chance
    while rest >= 0 and below + above > _NEGLIGIBLE:
        below *= low / mean
        low = max(low - 1, 0)
        rest -= below
        if rest < 0:
            return low
        high += 1
        above *= mean / high
        rest -= above
    return high if rest < 0 else mode


def draw_poisson(rng: Stream, mean: float) -> int:
    """Return a number from the Poisson distribution of the given mean."""
    return poisson(mean, rng.number())


def gamma_quantiles(shape: float) -> NDArray[np.int64]:
    """Return quantiles of the gamma distribution with unit rate as a table that random bits index.

    Parameters
    ----------
    shape : float
        Above 0.

    Returns
    -------
    int64 array, 65536
        Quantile at (i + 1/2) / 65536, in units of 2^-16.
    """
    top = shape + 12.0 * math.sqrt(shape) + 12.0
    grid = [top * i / _GRID for i in range(_GRID + 1)]
    cumulative = np.array([_gamma_cumulative(shape, x) for x in grid])
    levels = (np.arange(1 << QUANTILE_BITS, dtype=np.float64) + 0.5) / (1 << QUANTILE_BITS)
    table: NDArray[np.int64] = np.rint(np.interp(levels, cumulative, np.array(grid)) * 65536.0).astype(np.int64)
    return table


def _gamma_cumulative(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function by its series (Abramowitz and Stegun 6.5.29)."""
    if x <= 0:
        return 0.0
    term = total = 1.0
    n = 0
    while term > 1e-16 * total:
        n += 1
        term *= x / (shape + n)
        total += term
    return min(1.0, total * math.exp(shape * math.log(x) - x - math.lgamma(shape + 1)))
