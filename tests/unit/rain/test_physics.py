"""Check values of the physics: counts, implied rates and extinctions computed apart from the code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.rain import physics
from rainkit.rain.physics import DropSizes
from rainkit.seeds import Stream

CHECKS = {10: (894, 253, 11.6, 1.56), 50: (1801, 731, 54.6, 4.29), 100: (2354, 1080, 104.7, 6.63)}


@pytest.mark.parametrize("rate", CHECKS)
def test_marshall_palmer_meets_the_check_values(rate: int) -> None:
    sizes = DropSizes()
    half, one, implied, extinction = CHECKS[rate]
    assert sizes.drops_above(rate, 0.5) == pytest.approx(half, rel=1e-3)
    assert sizes.drops_above(rate, 1.0) == pytest.approx(one, rel=2e-3)
    assert sizes.implied_rain_rate(rate) == pytest.approx(implied, rel=6e-3)
    assert sizes.extinction(rate) == pytest.approx(extinction, rel=6e-3)


def test_fall_speed_is_that_of_gunn_and_kinzer() -> None:
    for diameter, measured in ((0.5, 2.06), (1.0, 4.03), (2.0, 6.49), (3.0, 8.06), (5.0, 9.09)):
        assert physics.fall_speed(diameter) == pytest.approx(measured, rel=0.05)
    assert physics.fall_speed(0.05) == 0.0


def test_gamma_form_keeps_water_and_mean_diameter_and_moves_the_rest() -> None:
    plain, gamma = DropSizes(), DropSizes(kind="gamma", shape=3.0)

    def water(sizes: DropSizes) -> float:
        return sizes.integrate(10, lambda d: d**3)

    assert water(gamma) == pytest.approx(water(plain), rel=0.01)
    weighted = [s.integrate(10, lambda d: d**4) / water(s) for s in (plain, gamma)]
    assert weighted[0] == pytest.approx(weighted[1], rel=0.02)
    assert gamma.drops_above(10, 4.0) < plain.drops_above(10, 4.0) / 2
    assert DropSizes(kind="gamma", shape=0.0).density(10, 1.3) == pytest.approx(plain.density(10, 1.3))


def test_only_the_gamma_form_has_a_shape() -> None:
    with pytest.raises(ValidationError, match="shape belongs to the gamma form"):
        DropSizes(shape=2.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="positive number of mm/h"):
        physics.slope(rate)


@pytest.mark.parametrize("sizes", [DropSizes(), DropSizes(kind="gamma", shape=2.5)])
def test_visible_and_cover_are_integrals_of_the_distribution(sizes: DropSizes) -> None:
    reach = 2.0
    count = sizes.integrate(20, lambda d: (reach * d) ** 3 / 3)
    hidden = sizes.integrate(20, lambda d: math.pi / 4 * 1e-6 * d * d * reach * d)
    assert sizes.visible(20, reach) == pytest.approx(count, rel=0.01)
    assert sizes.cover(20, reach) == pytest.approx(hidden, rel=0.01)


@pytest.mark.parametrize("mean", [0.2, 3.0, 40.0, 2500.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    draws = np.array([physics.poisson(mean, unit) for unit in Stream(1, mean.hex()).uniform(20000).tolist()])
    error = math.sqrt(mean / 20000)
    assert abs(draws.mean() - mean) < 4 * error
    assert draws.var() == pytest.approx(mean, rel=0.06)
    assert draws.min() >= 0


def test_poisson_inverts_the_sum_of_its_chances() -> None:
    chances = [math.exp(-2.5) * 2.5**n / math.factorial(n) for n in range(30)]
    units = (np.arange(4000) + 0.5) / 4000
    counts = np.bincount([physics.poisson(2.5, u) for u in units], minlength=30)[:30] / 4000
    assert np.abs(counts - chances).max() < 5e-4


def test_poisson_at_its_ends() -> None:
    assert physics.poisson(0.0, 0.5) == 0
    assert physics.poisson(-1.0, 0.5) == 0
    assert physics.poisson(1e5, math.nextafter(1.0, 0.0)) >= 1e5
    assert physics.poisson(5.0, 0.0) == 5  # from the mode outward


@pytest.mark.parametrize("shape", [4.0, 2.5, 7.25])
def test_gamma_quantiles_are_those_of_the_distribution(shape: float) -> None:
    table = physics.gamma_quantiles(shape) / 65536
    assert (np.diff(table) >= 0).all()
    assert table.mean() == pytest.approx(shape, rel=1e-3)
    assert table.var() == pytest.approx(shape, rel=5e-3)
    if shape == 4.0:  # the closed form of a whole shape
        for level in (0.1, 0.5, 0.9, 0.999):
            x = table[round(level * 65536)]
            below = 1 - math.exp(-x) * (1 + x + x * x / 2 + x**3 / 6)
            assert below == pytest.approx(level, abs=1e-4)
