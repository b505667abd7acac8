"""The veil: an exact table, distances, and the extinction of rain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.rain.veil import Veil, transmission_table
from rainkit.seeds import Stream


@pytest.mark.parametrize("beta", [0.05, 1.56, 4.29, 42.0, 1000.0])
def test_transmission_is_the_rounded_exponential(beta: float) -> None:
    table = transmission_table(beta)
    exact = [255 * math.exp(-beta * d / 1e5) for d in range(65536)]
    away = np.abs(table - np.array(exact))
    assert away.max() <= 0.5 + 1e-5
    assert (np.diff(table.astype(int)) <= 0).all()
    assert table[0] == 255


def test_no_extinction_lets_everything_pass() -> None:
    assert (transmission_table(0.0) == 255).all()


def test_plane_has_one_distance() -> None:
    fog = Veil(beta=30, depth="plane", distance_m=20, airlight=0.5).draw((9, 7), Stream(1))
    assert (fog.depth == 2000).all()
    assert (fog.transmission == round(255 * math.exp(-0.6))).all()
    assert fog.airlight == (128, 128, 128)
    assert fog.parameters == {"veil_beta_per_km": 30.0, "veil_distance_m": 20.0, "veil_airlight": 128}


def test_ramp_is_ground_under_a_horizon() -> None:
    fog = Veil(beta=10, near_m=2, distance_m=200, horizon=0.25).draw((400, 5), Stream(1))
    rows = fog.depth[:, 0].astype(int)
    assert (fog.depth == fog.depth[:, :1]).all()
    assert (rows[:100] == 20000).all()
    assert (np.diff(rows) <= 0).all()
    assert rows[250] == 400  # halfway to the horizon is twice as far
    assert rows[-1] == pytest.approx(200, abs=1)


def test_map_is_used_and_its_holes_filled() -> None:
    depth = np.array([[0, 500], [1000, 65535]], np.uint16)
    fog = Veil(beta=100, depth="map", distance_m=7).draw((2, 2), Stream(1), depth)
    assert fog.depth.tolist() == [[700, 500], [1000, 65535]]
    assert fog.transmission.tolist() == [[round(255 * math.exp(-d / 1000)) for d in row] for row in fog.depth.tolist()]
    assert (Veil(beta=100, depth="map", distance_m=7).draw((2, 2), Stream(1)).depth == 700).all()
    assert depth[0, 0] == 0
    with pytest.raises(ValueError, match="uint16"):
        Veil(depth="map").draw((2, 3), Stream(1), depth)


def test_extinction_follows_the_rain_rate_unless_given() -> None:
    drawn = [Veil().draw((4, 4), Stream(1), rain_rate=rate).parameters["veil_beta_per_km"] for rate in (10.0, 50.0)]
    assert drawn == [pytest.approx(0.312 * 10**0.67, abs=1e-5), pytest.approx(0.312 * 50**0.67, abs=1e-5)]
    assert Veil(beta=3).draw((4, 4), Stream(1), rain_rate=10.0).parameters["veil_beta_per_km"] == 3
    low, high = (0.312 * rate**0.67 for rate in (10, 50))
    assert low < Veil().draw((4, 4), Stream(1)).parameters["veil_beta_per_km"] < high


def test_airlight_has_a_colour() -> None:
    assert Veil(airlight=1.0, airlight_colour=(255, 128, 0)).draw((4, 4), Stream(1)).airlight == (255, 128, 0)


def test_impossible_veils_are_refused() -> None:
    for fields in ({"beta": -1}, {"distance_m": [10, 700]}, {"depth": "sphere"}, {"airlight": 1.2}, {"fog": 1}):
        with pytest.raises(ValidationError):
            Veil(**fields)
