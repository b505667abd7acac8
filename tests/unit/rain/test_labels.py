"""Labels: mask, coverage, PSNR."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rainkit.rain import labels
from rainkit.records import Rain
from rainkit.seeds import Stream


def test_mask_holds_the_threshold_itself() -> None:
    layer = np.array([[0, 2, 3, 255]], np.uint8)
    assert labels.mask(layer).tolist() == [[0, 0, 255, 255]]
    assert labels.mask(layer, 255).tolist() == [[0, 0, 0, 255]]
    assert labels.mask(layer, 1).tolist() == [[0, 255, 255, 255]]
    assert labels.coverage(layer) == 0.5


def test_any_channel_makes_rain() -> None:
    layer = np.array([[[0, 0, 9], [1, 2, 0], [3, 0, 0]]], np.uint8)
    assert labels.mask(layer).tolist() == [[255, 0, 255]]
    assert labels.coverage(layer) == pytest.approx(2 / 3)


def test_psnr_is_that_of_all_channels() -> None:
    rng = Stream(3)
    first, second = (rng.integers(0, 256, 4800).reshape(40, 40, 3).astype(np.uint8) for _ in range(2))
    error = ((first.astype(float) - second.astype(float)) ** 2).mean()
    assert labels.psnr(first, second) == pytest.approx(10 * math.log10(65025 / error), abs=1e-12)
    assert labels.psnr(first, first) == 100.0


@pytest.mark.parametrize("size", [7, 64, 1999])
def test_squared_error_is_exact(size: int) -> None:
    rng = Stream(size)
    first, second = (rng.integers(0, 256, size * size * 3).reshape(size, size, 3).astype(np.uint8) for _ in range(2))
    assert labels.squared_error(first, second) == int(((first.astype(np.int64) - second) ** 2).sum())
    assert labels.squared_error(first * 0, first * 0 + 255) == 65025 * first.size


def test_only_vectors_can_be_redrawn() -> None:
    with pytest.raises(ValueError, match="vectors"):
        labels.redraw(Rain(np.zeros((4, 4), np.uint8), "add", {}))
