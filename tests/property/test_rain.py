"""For every simulator, composition, light and preset, on pictures of any size: what is shipped is what was done."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainkit.rain import COMPOSITIONS, PRESETS, SIMULATORS, draw, draw_streaks, labels, simulator
from rainkit.rain.compose import compose
from rainkit.records import Pixels, Rain
from rainkit.seeds import Stream

OWN = [kind for kind in SIMULATORS if kind not in {"albumentations", "mixture"}]
DRAWN = [kind for kind in OWN if "compose" in SIMULATORS[kind].model_fields]
SIZES = st.tuples(st.integers(16, 160), st.integers(16, 160))
SETTINGS = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def picture(shape: tuple[int, int], seed: int) -> Pixels:
    """Return a picture of soft shapes and hard edges, of every value."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    phase = Stream(seed, "picture").integers(0, 256, 3)
    parts = [(rows * 5 + phase[0]) % 256, (columns * 3 + rows + phase[1]) % 256, (rows * columns // 9 + phase[2]) % 256]
    return np.stack(parts, axis=-1).astype(np.uint8)


def shipped(rain: Rain) -> Rain:
    """Return the labels as a corpus gives them back: copies, nothing else of the simulator."""
    passed = None if rain.transmission is None else rain.transmission.copy()
    return Rain(rain.layer.copy(), rain.compose, {}, rain.colour, passed, rain.airlight, light=rain.light)


def check(model: Any, shape: tuple[int, int], seed: int) -> None:
    """Assert all that holds for a draw."""
    clean = picture(shape, seed % 7)
    kept = clean.copy()
    drawn, again = draw(clean, model, seed), model(shape, Stream(seed, ""))
    rain, rainy = drawn.rain, drawn.rainy
    assert (clean == kept).all()
    assert rainy.dtype == np.uint8
    assert rainy.shape == clean.shape
    assert (rainy == compose(clean, shipped(again))).all()
    assert dict(rain.parameters) == dict(again.parameters)
    for name in ("layer", "transmission", "depth", "streaks"):
        one, other = getattr(rain, name), getattr(again, name)
        assert (one is None) == (other is None)
        assert one is None or (one == other).all()
    assert rain.layer.shape[:2] == shape
    if rain.streaks is not None:
        assert (labels.redraw(rain) == rain.layer).all()
        assert (
            rain.layer.ndim == 3
            or (draw_streaks(shape, rain.streaks, rain.light) == rain.layer).all()
            or rain.compose == "alpha"
        )
    if rain.transmission is None and rain.compose == "add" and rain.light == "srgb":
        layer = rain.layer if rain.layer.ndim == 3 else rain.layer[..., None]
        assert (rainy == np.minimum(clean.astype(int) + layer, 255)).all()
    dry = rain.layer == 0 if rain.layer.ndim == 2 else (rain.layer == 0).all(axis=2)
    if rain.transmission is None:
        assert (rainy[dry] == clean[dry]).all()


@pytest.mark.parametrize("veil", [None, {}])
@pytest.mark.parametrize("light", ["srgb", "linear"])
@pytest.mark.parametrize("composition", COMPOSITIONS)
@pytest.mark.parametrize("kind", DRAWN)
@SETTINGS
@given(data=st.data())
def test_rainy_is_composed_from_the_labels(kind: str, composition: str, light: str, veil: Any, data: Any) -> None:
    shape, seed = data.draw(SIZES), data.draw(st.integers(0, 2**63))
    colour = data.draw(st.sampled_from([(255, 255, 255), (255, 240, 200)]))
    check(simulator(kind, compose=composition, light=light, veil=veil, colour=colour), shape, seed)


@pytest.mark.parametrize("name", [*OWN, *PRESETS])
@SETTINGS
@given(shape=SIZES, seed=st.integers(0, 2**63))
def test_presets_ship_what_they_did(name: str, shape: tuple[int, int], seed: int) -> None:
    check(simulator(name), shape, seed)


@SETTINGS
@given(shape=SIZES, seed=st.integers(0, 2**63))
def test_mixtures_ship_what_they_did(shape: tuple[int, int], seed: int) -> None:
    parts = [{"name": "a", "rain": {"kind": "streaks"}}, {"name": "b", "rain": {"kind": "noise_blur"}}]
    check(simulator("mixture", parts=parts), shape, seed)


@pytest.mark.parametrize("shape", [(16, 2048), (2047, 33), (1025, 1279), (2048, 2048)])
@pytest.mark.parametrize("name", ["streaks", "slacking-off-large", "particles", "outdoor-rain-like"])
def test_large_and_odd_pictures(name: str, shape: tuple[int, int]) -> None:
    check(simulator(name), shape, 11)
