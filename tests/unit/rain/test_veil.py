"""The veil: an exact table, distances, and the extinction of rain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.rain.veil import Veil, ramp, transmission_table
from rainkit.recipe import Recipe, component_versions
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


def test_ramp_grows_by_a_smooth_power_up_to_the_horizon() -> None:
    fog = Veil(beta=10, near_m=2, distance_m=200, horizon=0.25).draw((400, 5), Stream(1))
    assert (fog.depth == fog.depth[:, :1]).all()
    rows = fog.depth[:, 0].astype(int)
    assert (rows[:100] == 20000).all()
    for row in (100, 137, 250, 399):
        u = (399.5 - row) / 300
        assert rows[row] == round(200 * 100 ** (3 * u**2 - 2 * u**3))
    assert rows[250] == pytest.approx(math.sqrt(200 * 20000), rel=0.02), "halfway up, the geometric mean"
    assert rows[-1] == 200


def test_a_horizon_may_lie_beyond_the_picture_and_the_ends_may_be_equal() -> None:
    assert ramp(4, 100, 65535, 4).tolist()[:3] == [65535] * 3
    above = ramp(100, 100, 65535, -100).astype(int)
    assert (np.diff(above) <= 0).all()
    assert above[0] == pytest.approx(100 * math.sqrt(655.35), rel=0.05)
    assert (ramp(7, 1500, 1500, 2) == 1500).all()
    fog = Veil(near_m=50, distance_m=20).draw((30, 2), Stream(1))
    assert (fog.depth == 2000).all(), "nothing is farther than the greatest distance"


@pytest.mark.parametrize("rate", [2.0, 10.0, 30.0, 60.0, 120.0])
def test_a_default_veil_has_no_edge(rate: float) -> None:
    passed = [
        Veil().draw((500, 1), Stream(2, seed), rain_rate=rate).transmission[:, 0].astype(int) for seed in range(60)
    ]
    for rows in passed:
        assert np.diff(rows).min() >= 0
        assert np.diff(rows).max() <= 4, "a step that reads as an edge between neighbouring rows"
        fall = rows[-1] - rows[0]
        assert (rows[100:] - rows[:-100]).max() <= 0.6 * fall + 3, (
            "most of the veil begins within a fifth of the picture"
        )


@pytest.mark.parametrize("horizon", [-0.2, 0.0, 0.3, 0.5])
def test_a_ramp_is_level_where_it_begins_and_ends(horizon: float) -> None:
    # A slope that sets in at once is seen as a line though no row differs much from the next.
    rows = np.log(ramp(1001, 1000, 20000, int(horizon * 1000)).astype(float))
    slopes = np.concatenate([[0], (rows[:-20:20] - rows[20::20])[max(int(horizon * 50), 0) :], [0]])
    begins = 1 if horizon < 0 else 0  # what begins above the picture is on its way at the upper edge
    assert np.abs(np.diff(slopes))[begins:].max() < slopes.max() / 5


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


def test_corpora_with_a_veil_depend_on_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    head = {"rainkit": 1, "name": "a", "version": "1.0.0", "seed": 1, "samples": {"patch": 64}}
    sources = {"p": {"kind": "procedural", "count": 4}}
    rain = {"fog": {"kind": "particles", "veil": {}}, "dry": {"kind": "particles"}}

    def versions(name: str) -> dict[str, int]:
        splits = {"train": {"share": 1.0, "samples": 4, "rain": name}}
        recipe = Recipe.model_validate({**head, "sources": sources, "rain": {name: rain[name]}, "splits": splits})
        return component_versions(recipe)

    assert "rain/veil" not in versions("dry")
    monkeypatch.setattr(Veil, "version", 99)
    assert versions("fog")["rain/veil"] == 99
