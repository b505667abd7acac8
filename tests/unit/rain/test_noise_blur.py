"""`noise_blur`: the public units mean what they say, and its brightness is its own."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest

from rainkit.rain.noise_blur import NoiseBlur
from rainkit.seeds import Stream


def draw(shape: tuple[int, int] = (480, 640), seed: int = 1, **fields: Any) -> np.ndarray:
    """Draw a layer with these fields; ends are hard and all streaks alike unless they say otherwise."""
    plain = {"quantity": 4, "length": 40, "width": 5, "direction": 0, "opacity": 0.4, "variation": 0, "taper": 0}
    return NoiseBlur.model_validate({**plain, **fields})(shape, Stream(seed, "draw")).layer


def single(layer: np.ndarray) -> list[tuple[float, float, float]]:
    """Return length, width and direction of the streaks that stand alone, within the frame, at half their height."""
    count, parts, boxes, _ = cv2.connectedComponentsWithStats((layer > 51).astype(np.uint8))
    found = []
    for i in range(1, count):
        x, y, wide, high, _ = boxes[i]
        inside = x > 2 and y > 2 and x + wide < layer.shape[1] - 2 and y + high < layer.shape[0] - 2
        if inside and layer[parts == i].max() <= 104:
            _, (a, b), angle = cv2.minAreaRect(cv2.findNonZero((parts == i).astype(np.uint8)))
            found.append((max(a, b) + 1, min(a, b) + 1, 90 - angle if b < a else -angle))
    return found


@pytest.mark.parametrize("direction", [-90, -70, -45, -20, 0, 10, 44, 46, 80])
@pytest.mark.parametrize("length", [20, 60])
def test_streaks_have_the_length_and_direction_asked_for(direction: int, length: int) -> None:
    found = single(draw(direction=direction, length=length, width=3, quantity=3))
    assert len(found) > 10
    assert np.median([size for size, _, _ in found]) == pytest.approx(length, abs=2.5)
    for _, _, angle in found:
        assert abs(math.sin(math.radians(angle - direction))) < 0.08


@pytest.mark.parametrize("direction", [0, 30, 45, 75])
@pytest.mark.parametrize("width", [5, 7, 15])
def test_profile_across_is_opencvs_gaussian(direction: int, width: int) -> None:
    def light(size: int) -> float:
        return float(draw((1000, 1000), direction=direction, width=size, quantity=4, opacity=0.2).astype(float).sum())

    def sigma(size: int) -> float:
        return 0.3 * ((size - 1) * 0.5 - 1) + 0.8

    assert light(width) / light(3) == pytest.approx(sigma(width) / sigma(3), rel=0.04)


@pytest.mark.parametrize("direction", [0, 20, 70])
@pytest.mark.parametrize("quantity", [1, 30, 300])
def test_quantity_is_seeds_over_25600(quantity: int, direction: int) -> None:
    layer = draw((900, 900), quantity=quantity, direction=direction, opacity=0.02, width=1, length=10)
    # A streak of length 10 is 10 pixels of the profile's sum; opacity 0.02 keeps overlaps from saturating.
    seeds = layer.astype(float).sum() / (5 * 10 * 0.5 * math.sqrt(2 * math.pi))
    expected = quantity / 25600 * 900 * 900
    assert seeds == pytest.approx(expected, rel=0.06 + 4 / math.sqrt(expected))


def test_brightness_of_a_streak_does_not_depend_on_how_many_there_are() -> None:
    for quantity in (1, 10, 60):
        values = np.bincount(draw((800, 800), quantity=quantity)[:, :].ravel(), minlength=256)
        assert abs(int(values[90:110].argmax()) + 90 - 102) <= 1


def test_overlap_adds_up_and_saturates() -> None:
    assert draw(quantity=3000).max() == 255
    assert draw(quantity=25600, length=60).min() == 255


def test_an_empty_draw_is_an_empty_layer() -> None:
    assert not draw(quantity=0).any()
    assert not draw((1, 1), quantity=1e-3).any()


def test_variation_and_taper() -> None:
    assert draw(quantity=10, variation=1.0).mean() == pytest.approx(draw(quantity=10).mean() / 2, rel=0.1)
    hard, soft = draw(quantity=10, length=60), draw(quantity=10, length=60, taper=0.5)
    assert soft.mean() == pytest.approx(hard.mean() / 2, rel=0.1)  # a triangle has half the area of its box
    assert np.abs(np.diff(soft.astype(int), axis=0)).max() < np.abs(np.diff(hard.astype(int), axis=0)).max() / 4


def test_bundles_spread_the_directions() -> None:
    found = single(draw(spread=15, bundles=5, quantity=3))
    angles = sorted({round(((angle + 90) % 180 - 90) / 6) * 6 for _, _, angle in found})
    assert angles == [-12, -6, 0, 6, 12]


def test_bundles_share_the_quantity() -> None:
    one = [draw(quantity=40, seed=seed).mean() for seed in range(12)]
    five = [draw(quantity=40, bundles=5, spread=10, seed=seed).mean() for seed in range(12)]
    assert np.mean(five) == pytest.approx(np.mean(one), rel=0.06)


@pytest.mark.parametrize("length", [1, 2, 33, 300, 1024])
def test_any_length_can_be_drawn(length: int) -> None:
    layer = draw((33, 47), length=length, quantity=5000)
    assert layer.shape == (33, 47)
    assert layer.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (17, 31), (16, 16)])
@pytest.mark.parametrize("direction", [-90, -45, 0, 45, 89])
def test_any_shape_can_be_drawn(shape: tuple[int, int], direction: int) -> None:
    layer = draw(shape, direction=direction, quantity=3000, length=60, width=9)
    assert layer.shape == shape
    assert layer.flags.c_contiguous
    assert layer.any()


def test_streaks_enter_over_every_edge_alike() -> None:
    layers = [draw((64, 64), seed=seed, direction=30, quantity=100).astype(float) for seed in range(40)]
    mean = np.mean(layers, axis=0)
    edges = [mean[:8].mean(), mean[-8:].mean(), mean[:, :8].mean(), mean[:, -8:].mean()]
    assert edges == pytest.approx([mean.mean()] * 4, rel=0.12)
