"""Rain that is made as strong as another."""

from __future__ import annotations

import numpy as np
import pytest

from rainkit.errors import RecipeError
from rainkit.rain import SIMULATORS
from rainkit.rain.noise_blur import NoiseBlur
from rainkit.rain.particles import Particles
from rainkit.rain.streaks import Streaks
from rainkit.records import Pixels
from rainkit.study.matching import match_rain, measure_rain, scale_rain

SMALL = NoiseBlur.model_validate({"preset": "slacking-off-small", "opacity": 0.05})


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    return [np.full((48, 48, 3), level, np.uint8) for level in (40, 80, 120, 160)]


@pytest.mark.parametrize(("quantity", "unit"), [("severity", 0.1), ("brightness", 0.15)])
def test_a_match_is_one(pictures: list[Pixels], quantity: str, unit: float) -> None:
    rain = NoiseBlur.model_validate({"preset": "slacking-off-large"})
    matched, factor = match_rain(rain, SMALL, pictures, quantity)  # type: ignore[arg-type]
    wanted = measure_rain(SMALL, pictures, quantity)  # type: ignore[arg-type]
    assert measure_rain(matched, pictures, quantity) == pytest.approx(wanted, abs=unit)  # type: ignore[arg-type]
    assert abs(measure_rain(rain, pictures, quantity) - wanted) > 4 * unit  # type: ignore[arg-type]
    assert factor != 1.0


def test_strength_is_scaled_everywhere_and_within_limits() -> None:
    streaks = scale_rain(Streaks(), 10.0)
    assert isinstance(streaks, Streaks)
    assert all(layer.opacity.high == 1.0 for layer in streaks.layers)
    assert streaks.layers[0].width == Streaks().layers[0].width
    particles = scale_rain(Particles(), 0.01)
    assert isinstance(particles, Particles)
    assert particles.gain == 1.0
    choice = NoiseBlur.model_validate({"opacity": {"values": [0.1, 0.2]}})
    scaled = scale_rain(choice, 2.0)
    assert isinstance(scaled, NoiseBlur)
    assert scaled.opacity.values == (0.2, 0.4)


@pytest.mark.parametrize("kind", [kind for kind in SIMULATORS if kind != "albumentations"])
def test_every_simulator_can_be_scaled(kind: str, pictures: list[Pixels]) -> None:
    rain = SIMULATORS[kind]()
    fainter = scale_rain(rain, 0.3)
    assert measure_rain(fainter, pictures, "brightness") < measure_rain(rain, pictures, "brightness")


def test_what_cannot_be_matched_is_said(pictures: list[Pixels]) -> None:
    thin = NoiseBlur.model_validate({"quantity": 0.01, "opacity": 0.01})
    with pytest.raises(RecipeError, match="cannot be matched in severity"):
        match_rain(thin, SMALL, pictures, "severity")
