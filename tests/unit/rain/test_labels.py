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


def test_ssim_is_that_of_the_metrics() -> None:
    from rainkit.train.metrics import ssim

    clean = np.add.outer(np.arange(97) * 2, np.arange(61))[..., None].repeat(3, axis=2).astype(np.uint8)
    noise = Stream(5).integers(0, 60, clean.size).reshape(clean.shape)
    for rainy in (np.minimum(clean + noise, 255).astype(np.uint8), clean // 2, 255 - clean):
        assert labels.ssim(clean, rainy) == pytest.approx(ssim(clean, rainy), abs=5e-5)
    assert labels.ssim(clean, clean) == 1.0
    assert labels._TAPS.sum() == 2**18
    with pytest.raises(ValueError, match="11 x 11"):
        labels.ssim(clean[:10], clean[:10])


def test_ssim_is_golden() -> None:
    """The label stands in manifests, which are compared to the byte."""
    pixels = Stream(6).integers(0, 256, 2 * 40 * 50 * 3).reshape(2, 40, 50, 3).astype(np.uint8)
    assert labels.ssim(pixels[0], pixels[1]) == 0.009564417219759586


def test_the_mean_of_a_layer_is_exact() -> None:
    layer = Stream(8).integers(0, 256, 301 * 77 * 3).reshape(301, 77, 3).astype(np.uint8)
    assert labels.mean(layer) == int(layer.sum(dtype=np.int64)) / layer.size
    assert labels.mean(layer[..., 0].copy()) == int(layer[..., 0].sum(dtype=np.int64)) / layer[..., 0].size


def test_only_vectors_can_be_redrawn() -> None:
    with pytest.raises(ValueError, match="vectors"):
        labels.redraw(Rain(np.zeros((4, 4), np.uint8), "add", {}))
