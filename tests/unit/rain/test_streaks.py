"""`streaks`: what is asked for is what can be measured in the drawn layers and vectors."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.rain import labels, raster
from rainkit.rain.streaks import Streaks
from rainkit.records import Rain
from rainkit.seeds import Stream


def draw(shape: tuple[int, int] = (600, 800), seed: int = 1, **fields: Any) -> Rain:
    """Draw one layer of streaks with these fields, and the simulator's own where they are its."""
    top = {name: fields.pop(name) for name in list(fields) if name in Streaks.model_fields}
    layer = {"tail": 0.0, "head": 0.0, "softness": 0.5, "spread": 0.0, "opacity": 0.5, **fields}
    return Streaks.model_validate({"layers": [layer], "fan": 0, "direction": 0, **top})(shape, Stream(seed, "draw"))


def column(rain: Rain, name: str) -> np.ndarray:
    """Return a column of the vectors."""
    assert rain.streaks is not None
    return rain.streaks[:, raster.column(name)].astype(np.int64)


@pytest.mark.parametrize("density", [200.0, 2000.0, 20000.0])
def test_density_is_streaks_in_a_million_pixels(density: float) -> None:
    counts = []
    for seed in range(12):
        rain = draw(density=density, length=20, width=1, seed=seed)
        x, y = (column(rain, f"{axis}0") + column(rain, f"{axis}1") for axis in "xy")
        counts.append(((x >= 0) & (x < 800 * 512) & (y >= 0) & (y < 600 * 512)).sum())
    assert np.mean(counts) == pytest.approx(density * 0.48, abs=4 * math.sqrt(density * 0.48 / 12))


def test_vectors_have_the_lengths_widths_and_directions_asked_for() -> None:
    rain = draw(density=9000, length=[20, 60], width=[1, 3], direction=25, spread=3)
    dx, dy = (column(rain, f"{axis}1") - column(rain, f"{axis}0") for axis in "xy")
    width = column(rain, "width") / 256
    lengths, angles = np.hypot(dx, dy) / 256 + width, np.degrees(np.arctan2(dx, dy))
    assert (lengths.min(), lengths.max()) == (pytest.approx(20, abs=0.1), pytest.approx(60, abs=0.1))
    assert lengths.mean() == pytest.approx(40, abs=0.6)
    assert (width.min(), width.max(), width.mean()) == pytest.approx((1, 3, 2), abs=0.03)
    assert (angles.mean(), angles.std()) == (pytest.approx(25, abs=0.2), pytest.approx(3, abs=0.1))


def test_fan_turns_the_rain_from_edge_to_edge() -> None:
    rain = draw(density=9000, length=40, width=1, fan=20)
    dx, dy = (column(rain, f"{axis}1") - column(rain, f"{axis}0") for axis in "xy")
    x = (column(rain, "x0") + column(rain, "x1")) / 512
    slope, middle = np.polyfit(x / 800 - 0.5, np.degrees(np.arctan2(dx, dy)), 1)
    assert (slope, middle) == (pytest.approx(20, rel=0.1), pytest.approx(0, abs=0.2))


@pytest.mark.parametrize("direction", [-60, -20, 0, 35, 90])
def test_drawn_streaks_have_the_length_width_direction_and_brightness_asked_for(direction: float) -> None:
    rain = draw(density=60, length=50, width=3, direction=direction, opacity=0.4)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats((rain.layer > 50).astype(np.uint8))
    found = []
    for i in range(1, count):
        x, y, wide, high, area = boxes[i]
        if x > 1 and y > 1 and x + wide < 799 and y + high < 599 and area < 250:
            found.append(cv2.minAreaRect(cv2.findNonZero((parts == i).astype(np.uint8))))
    assert len(found) > 8
    lengths = [max(size) + 1 for _, size, _ in found]
    widths = [min(size) + 1 for _, size, _ in found]
    assert np.median(lengths) == pytest.approx(50, abs=2.5)
    assert np.median(widths) == pytest.approx(3, abs=1.2)
    angles = [90 - angle if high < wide else -angle for _, (wide, high), angle in found]
    assert all(abs(math.sin(math.radians(angle - direction))) < 0.05 for angle in angles)
    assert rain.layer.max() >= 102
    assert np.percentile(rain.layer[rain.layer > 60], 50) == pytest.approx(102, abs=2)


def test_brightness_of_a_streak_does_not_depend_on_how_many_there_are() -> None:
    peaks = []
    for density in (30, 300, 3000):
        rain = draw(density=density, length=30, width=3, opacity=0.3)
        values = np.bincount(rain.layer[rain.layer > 40], minlength=256)
        peaks.append(int(values.argmax()))
    assert set(peaks) <= {76, 77}


def test_reference_height_scales_the_rain_with_the_picture() -> None:
    fields = {"density": 4000, "length": 30, "width": 1.6, "opacity": 0.4, "direction": 15, "reference_height": 300}
    small, large = draw((300, 400), **fields), draw((900, 1200), **fields)
    assert labels.coverage(large.layer, 20) == pytest.approx(labels.coverage(small.layer, 20), rel=0.15)
    assert large.layer.mean() == pytest.approx(small.layer.mean(), rel=0.1)
    travels = [np.hypot(column(r, "x1") - column(r, "x0"), column(r, "y1") - column(r, "y0")) for r in (small, large)]
    assert travels[1].mean() / travels[0].mean() == pytest.approx(3, rel=0.01)
    thousandths = draw((900, 1200), density=50, length=100, width=5, reference_height=1000)
    sweep = column(thousandths, "y1") - column(thousandths, "y0") + column(thousandths, "width")
    assert sweep / 256 == pytest.approx(90, abs=0.1)


def test_layer_is_redrawn_from_its_vectors() -> None:
    for fields in ({}, {"colour": (200, 210, 255)}, {"light": "linear", "colour": (255, 128, 3)}, {"compose": "alpha"}):
        rain = Streaks.model_validate(fields)((120, 90), Stream(2, "redraw"))
        assert rain.layer.any()
        assert (labels.redraw(rain) == rain.layer).all()


def test_parameters_have_the_same_keys_in_every_draw() -> None:
    model = Streaks.model_validate({"veil": {}})
    keys = {tuple(model((40, 50), Stream(seed)).parameters) for seed in range(5)}
    assert len(keys) == 1
    assert {"direction_deg", "near_streaks", "veil_beta_per_km"} <= set(keys.pop())


def test_rain_is_a_function_of_shape_and_stream() -> None:
    model = Streaks()
    first, again, other = (model((60, 70), Stream(*path)) for path in ((1, "a"), (1, "a"), (1, "b")))
    assert (first.layer == again.layer).all()
    assert dict(first.parameters) == dict(again.parameters)
    assert (first.layer != other.layer).any()


def test_slips_in_a_recipe_are_refused() -> None:
    with pytest.raises(ValidationError, match="name of its own"):
        Streaks.model_validate({"layers": [{}, {}]})
    with pytest.raises(ValidationError, match="lower end first"):
        Streaks.model_validate({"direction": [20, -20]})
    with pytest.raises(ValidationError):
        Streaks.model_validate({"layers": []})
    with pytest.raises(ValueError, match="at most 4000000"):
        draw((2000, 2000), density=1e6, length=20, width=1, scale=0.5)
