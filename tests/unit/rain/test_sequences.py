"""Rain over time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from rainkit.errors import RecipeError
from rainkit.rain import frame, frames, labels, physics, raster, simulator
from rainkit.rain.particles import Particles
from rainkit.rain.streaks import Streaks
from rainkit.records import Rain
from rainkit.seeds import Stream

SHAPE = (160, 220)
MOVING: dict[str, dict[str, Any]] = {
    "particles": {"rain_rate_mm_h": 30, "veil": {}},
    "streaks": {},
    "mixture": {},
}


@pytest.mark.parametrize("kind", MOVING)
def test_a_frame_alone_equals_the_frame_in_order(kind: str) -> None:
    rain = simulator(kind, **MOVING[kind])
    clip = list(frames(rain, SHAPE, Stream(3, "clip"), 25, 6))
    for t in (5, 0, 3):
        alone = frame(rain, SHAPE, Stream(3, "clip"), 25, t)
        assert (alone.layer == clip[t].layer).all()
        assert alone.parameters == clip[t].parameters
        assert (labels.redraw(alone) == alone.layer).all()
    assert (clip[0].layer == rain(SHAPE, Stream(3, "clip")).layer).all()
    assert all((first.layer != second.layer).any() for first, second in itertools.pairwise(clip))
    assert {tuple(r.parameters) for r in clip} == {tuple(clip[0].parameters)}


def column(rain: Rain, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    assert rain.streaks is not None
    return rain.streaks[:, raster.column(name)].astype(np.int64)


def test_drops_move_by_their_speed_over_the_frame_rate() -> None:
    rain = Particles(rain_rate_mm_h=40, wind=1.5, turbulence=0.0, exposure_ms=4)
    fps = 120
    view = rain.camera.view(SHAPE)
    first, second = frames(rain, SHAPE, Stream(1), fps, 2)
    found = 0
    keys = [
        {(d, z): n for n, (d, z) in enumerate(zip(column(r, "diameter"), column(r, "depth"), strict=True))}
        for r in (first, second)
    ]
    for key in keys[0].keys() & keys[1].keys():
        a, b = keys[0][key], keys[1][key]
        dy = (column(second, "y0")[b] - column(first, "y0")[a]) / 256
        if dy < 0:
            continue  # came in again at the top
        speed, depth = physics.fall_speed(key[0] / 1000), key[1] / 1000
        assert dy == pytest.approx(view.focal_px * speed / depth / fps, rel=0.01, abs=0.05)
        dx = (column(second, "x0")[b] - column(first, "x0")[a]) / 256
        assert dx == pytest.approx(view.focal_px * 1.5 / depth / fps, rel=0.01, abs=0.05)
        found += 1
    assert found > 100


@pytest.mark.parametrize("t", [-7, 40, 12345])
@pytest.mark.parametrize("pitch", [0.0, 12.0])
def test_rain_is_as_dense_at_any_time(t: int, pitch: float) -> None:
    rain = Particles(rain_rate_mm_h=200, smallest=0.6, wind=3.0, camera={"pitch": pitch})
    stream = Stream(2)
    now, then = rain(SHAPE, stream), frame(rain, SHAPE, stream, 30, t)
    assert now.streaks is not None
    assert then.streaks is not None
    assert len(now.streaks) > 1500
    assert len(then.streaks) == pytest.approx(len(now.streaks), abs=5 * math.sqrt(len(now.streaks)))
    for name, size in (("x0", SHAPE[1]), ("y0", SHAPE[0])):
        if name == "y0" and pitch:
            continue  # the limit of width is kept where a path crosses the middle: the upper half shows thinner ones
        places = column(then, name) / 256 / size
        inside = places[(places > 0) & (places < 1)]
        counts = np.histogram(inside, bins=4, range=(0, 1))[0]
        assert counts == pytest.approx(np.full(4, len(inside) / 4), rel=0.18)


def test_streaks_move_along_themselves_and_come_in_elsewhere() -> None:
    rain = Streaks(direction=0, fan=0)
    still, moved = rain(SHAPE, Stream(4)), frame(rain, SHAPE, Stream(4), 25, 1, shutter=0.5)
    length = column(still, "y1") - column(still, "y0")
    down = column(moved, "y0") - column(still, "y0")
    stayed = down >= 0
    assert 0.5 < stayed.mean() < 1
    assert (down[stayed] == 2 * length[stayed]).all()
    again = ~stayed & (length > 0)
    assert (np.abs(column(moved, "x0") - column(still, "x0"))[again] > 3 * 256).mean() > 0.8
    for name in ("width", "softness", "opacity"):
        assert (column(moved, name) == column(still, name)).all()
    light = [frame(rain, SHAPE, Stream(4), 25, t).layer.mean() for t in (0, 10, 100, 1000)]
    assert max(light) < 1.5 * min(light)


def test_rain_that_cannot_move_is_refused() -> None:
    with pytest.raises(RecipeError, match="noise_blur cannot move"):
        frame(simulator("noise_blur"), SHAPE, Stream(1), 25, 0)
    with pytest.raises(ValueError, match="fps must be above 0"):
        frame(simulator("particles"), SHAPE, Stream(1), 0, 0)
    with pytest.raises(ValueError, match="shutter"):
        frame(simulator("streaks"), SHAPE, Stream(1), 25, 0, shutter=1.5)
