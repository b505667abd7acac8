"""Presets: each is a simulator, says where it comes from, and yields to what a recipe writes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from rainkit.rain import PRESETS, SIMULATORS, AnySimulator, simulator
from rainkit.rain.noise_blur import NoiseBlur
from rainkit.rain.streaks import Streaks
from rainkit.seeds import Stream


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_simulator_with_provenance(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert preset.kind in SIMULATORS
    assert preset.source
    assert preset.note
    assert preset.confidence in {"published", "read", "remembered", "matched", "own"}
    assert name.endswith("-like") == (preset.confidence == "matched")


@pytest.mark.parametrize("name", PRESETS)
def test_a_resolved_preset_stands_alone(name: str) -> None:
    model = simulator(name)
    plain = model.model_dump(mode="json")
    again = TypeAdapter(AnySimulator).validate_python(plain)
    assert again == model
    without = TypeAdapter(AnySimulator).validate_python({**plain, "preset": None})
    assert without.model_dump(exclude={"preset"}) == model.model_dump(exclude={"preset"})


@pytest.mark.parametrize("name", ["drizzle", "shower", "downpour", "storm"])
def test_the_veil_of_a_preset_has_no_edge(name: str) -> None:
    model = simulator(name)
    for rate in (model.rain_rate_mm_h.low, model.rain_rate_mm_h.high):
        for seed in range(40):
            passed = model.veil.draw((500, 1), Stream(seed, name), rain_rate=rate).transmission[:, 0].astype(int)
            assert abs(np.diff(passed)).max() <= 4


def test_fields_that_are_written_win() -> None:
    model = NoiseBlur(preset="slacking-off-small", length=12)
    assert (model.length.low, model.width.low, model.quantity.high) == (12, 5, 300)


def test_a_preset_of_another_kind_or_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="belongs to kind noise_blur, not streaks"):
        Streaks(preset="slacking-off-small")
    with pytest.raises(ValidationError, match="no preset named 'rain'"):
        Streaks(preset="rain")


def test_published_ranges() -> None:
    small, large = simulator("slacking-off-small"), simulator("slacking-off-large")
    assert (small.quantity.low, small.quantity.high, small.width.low) == (200, 300, 5)
    assert (large.direction.low, large.direction.high, large.width.values) == (-70, 70, (1, 3, 5, 7, 9))
    assert simulator("slacking-off-medium-2024").quantity.low == pytest.approx(128)
    assert len(simulator("rain1400-like").direction.values) * len(simulator("rain1400-like").quantity.values) == 14
    assert (
        len(simulator("outdoor-rain-like").direction.values) * len(simulator("outdoor-rain-like").quantity.values) == 15
    )
