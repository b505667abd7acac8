from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from rainkit import images
from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.train import metrics


def picture(name: str, height: int = 40, width: int = 52) -> Pixels:
    values = Stream(3, name).integers(0, 256, height * width * 3).reshape(height, width, 3)
    smooth = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * 2
    return np.clip(values // 3 + smooth, 0, 255).astype(np.uint8)


def rained(clean: Pixels, amount: int = 40) -> tuple[Pixels, np.ndarray]:
    layer = (Stream(4, "rain").integers(0, 10, clean.shape[0] * clean.shape[1]) < 2).reshape(clean.shape[:2]) * amount
    return np.clip(clean.astype(int) + layer[:, :, None], 0, 255).astype(np.uint8), layer


def test_psnr_is_that_of_scikit_image() -> None:
    first, second = picture("a"), picture("b")
    assert metrics.psnr(first, second) == pytest.approx(peak_signal_noise_ratio(first, second), abs=1e-9)
    assert metrics.psnr(first, first) == math.inf


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_scikit_image(channels: int) -> None:
    first, second = picture("a"), picture("a") // 2 + picture("b") // 2
    if channels == 1:
        first, second = metrics.luma_limited(first), metrics.luma_limited(second)
    theirs = structural_similarity(
        first, second, data_range=255, channel_axis=2 if channels == 3 else None, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert metrics.ssim(first, second) == pytest.approx(theirs, abs=1e-10)


def test_y_spans_16_to_235_and_is_not_rounded() -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [10, 20, 30]]], np.uint8)
    grey = (10 * 65.481 + 20 * 128.553 + 30 * 24.966) / 255 + 16
    assert metrics.luma_limited(ends)[0] == pytest.approx([16.0, 235.0, 81.481, grey])


def test_limited_range_scores_about_1_32_db_over_full_range() -> None:
    clean = picture("a") // 2 + 60
    rainy = clean + 8
    full = metrics.psnr(rainy.mean(axis=2), clean.mean(axis=2))
    limited = metrics.psnr(metrics.luma_limited(rainy), metrics.luma_limited(clean))
    assert limited - full == pytest.approx(20 * math.log10(255 / 219), abs=1e-6)


def test_perfect_result_removes_all_and_identity_nothing() -> None:
    clean = picture("a") // 2
    rainy, layer = rained(clean)
    perfect, idle = metrics.measure(rainy, clean, clean), metrics.measure(rainy, clean, rainy)
    assert perfect["removal"] == pytest.approx(1.0)
    assert perfect["psnr_rgb"] == metrics.PSNR_CAP
    assert perfect["e_r"] == pytest.approx(40.0)
    assert perfect["rain_error"] == perfect["e_b"] == 0
    assert perfect["coverage"] == pytest.approx(np.mean(layer > 0))
    assert idle["removal"] == idle["e_r"] == idle["gain_psnr_y"] == 0
    assert idle["rain_error"] == pytest.approx(40.0)
    assert list(perfect) == [name for name in metrics.METRICS if not name.startswith("rain_free")]


def test_subtracting_brightness_is_no_removal() -> None:
    clean = picture("a") // 2
    rainy, layer = rained(clean)
    dimmed = np.clip(rainy.astype(int) - round(layer.mean()), 0, 255).astype(np.uint8)
    mean_kept = np.clip(clean.astype(int) + round(layer.mean()), 0, 255).astype(np.uint8)
    assert abs(metrics.mean_free_removal(rainy, clean, dimmed)) < 0.01
    assert metrics.mean_free_removal(rainy, clean, mean_kept) == pytest.approx(1.0)
    assert metrics.mean_free_error(np.asarray(clean + 9, np.uint8), clean) == pytest.approx(0.0, abs=1e-9)


def test_halving_the_rain_is_half_the_removal() -> None:
    clean = picture("a") // 2
    rainy, layer = rained(clean)
    half = (clean + layer[:, :, None] // 2).astype(np.uint8)
    assert metrics.mean_free_removal(rainy, clean, half) == pytest.approx(0.5)


def test_threshold_moves_the_mask() -> None:
    clean = np.zeros((12, 12, 3), np.uint8)
    rainy = clean.copy()
    rainy[0, 0], rainy[1, 1, 2] = 3, 4
    assert metrics.rain_mask(rainy, clean, 3).sum() == 1
    assert metrics.rain_mask(rainy, clean, 2).sum() == 2
    assert math.isnan(metrics.measure(clean, clean, clean)["e_r"])
    assert math.isnan(metrics.measure(clean, clean, clean)["removal"])


def test_damage_without_rain_and_its_quotient() -> None:
    clean = picture("a") // 2 + 20
    noisy = (clean + (np.indices(clean.shape).sum(axis=0) % 2) * 10).astype(np.uint8)
    damage = metrics.measure_rain_free(clean, noisy)
    assert damage["rain_free_error"] == pytest.approx(5.0)
    assert metrics.removal_per_damage(0.1, damage["rain_free_error"]) == pytest.approx(20.0)
    assert math.isnan(metrics.removal_per_damage(0.0, 0.0))


def test_pictures_of_other_size_or_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="different size"):
        metrics.measure(picture("a"), picture("a")[:-1], picture("a"))
    with pytest.raises(ValueError, match="11 x 11"):
        metrics.ssim(picture("a", 10, 30), picture("b", 10, 30))


def test_the_page_on_metrics_names_every_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in metrics.METRICS | metrics.RATIOS if f"`{name}`" not in page] == []


@pytest.mark.skipif("RAINKIT_DATA" not in os.environ, reason="RAINKIT_DATA does not say where the public pairs lie")
@pytest.mark.parametrize(("folder", "expected"), [("additive", 22.29), ("veil", 15.57)])
def test_public_pairs_score_what_others_measured(folder: str, expected: float) -> None:
    root = Path(os.environ["RAINKIT_DATA"]) / "pairs" / folder
    scores = []
    for path in sorted((root / "input").iterdir()):
        rainy, clean = (images.decode((root / side / path.name).read_bytes()) for side in ("input", "target"))
        scores.append(metrics.psnr(metrics.luma_limited(rainy), metrics.luma_limited(clean)))
    assert np.mean(scores) == pytest.approx(expected, abs=0.005)
