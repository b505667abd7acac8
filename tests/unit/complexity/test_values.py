"""Values against definitions written the slow way, and against other people's implementations."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

from rainkit.complexity import ESTIMATORS, structural_scales
from rainkit.complexity.coefficients import QUANTISATION
from rainkit.complexity.instrument import entropies
from rainkit.images import luma
from rainkit.records import Pixels

from .pictures import draw_noise, draw_scene

SCENE = draw_scene()
GREY = luma(SCENE)
WHOLE = np.array([[0, 0, 256, 256]], np.int32)


def entropy(values: NDArray[np.generic]) -> float:
    counts = np.unique(values, return_counts=True)[1] / values.size
    return float(-(counts * np.log2(counts)).sum())


def sobel(plane: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wide = plane.astype(np.float64)
    return ndimage.sobel(wide, 1)[1:-1, 1:-1], ndimage.sobel(wide, 0)[1:-1, 1:-1]


def halve(plane: Pixels) -> Pixels:
    quads = plane[: len(plane) // 2 * 2, : plane.shape[1] // 2 * 2].astype(int)
    return ((quads[::2, ::2] + quads[1::2, ::2] + quads[::2, 1::2] + quads[1::2, 1::2] + 2) // 4).astype(np.uint8)


def gradient_entropy(plane: Pixels) -> float:
    across, down = sobel(plane)
    return entropy((np.abs(across) + np.abs(down)).astype(int) // 8)


def value(kind: str, view: Pixels) -> float:
    return ESTIMATORS[kind]()(view)


def blocks(plane: Pixels, size: int) -> NDArray[np.float64]:
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    cut = plane[: rows * size, : columns * size].astype(np.float64) - 128
    return cut.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)


def test_gradient_entropy_at_one_and_three_scales() -> None:
    planes = [GREY, halve(GREY), halve(halve(GREY))]
    assert value("gradient_entropy", GREY) == pytest.approx(gradient_entropy(GREY), abs=2e-6)
    mean = sum(gradient_entropy(plane) for plane in planes) / 3
    assert value("gradient_entropy_3", GREY) == pytest.approx(mean, abs=2e-6)


def test_gradient_entropy_ranks_as_with_the_euclidean_norm() -> None:
    parts = [GREY[y : y + 64, x : x + 64] for y in range(0, 256, 64) for x in range(0, 256, 64)]
    ours = [value("gradient_entropy", part) for part in parts]
    theirs = [entropy(np.hypot(*sobel(part)).astype(int) // 8) for part in parts]
    assert np.corrcoef(np.argsort(np.argsort(ours)), np.argsort(np.argsort(theirs)))[0, 1] > 0.9


def test_delentropy() -> None:
    wide = GREY.astype(int)
    across, down = wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]
    joint = (across + 257) // 5 * 1000 + (down + 257) // 5
    assert value("delentropy", GREY) == pytest.approx(entropy(joint) / 2, abs=2e-6)


def test_grey_entropy_equals_scikit_image() -> None:
    measure = pytest.importorskip("skimage.measure")
    for plane in (GREY, draw_noise(97, 61)[..., 1], np.full((9, 9), 3, np.uint8)):
        assert value("grey_entropy", plane) == pytest.approx(measure.shannon_entropy(plane), abs=2e-6)


def test_spatial_information_equals_siti_tools() -> None:
    siti = pytest.importorskip("siti_tools.siti")
    for plane in (GREY, draw_noise(97, 61)[..., 1], np.eye(40, dtype=np.uint8) * 255):
        theirs = float(siti.SiTiCalculator.si(plane.astype(np.float64)))
        assert value("spatial_information", plane) == pytest.approx(theirs, rel=1e-5)


def test_spatial_information_is_the_deviation_of_the_gradient() -> None:
    assert value("spatial_information", GREY) == pytest.approx(np.hypot(*sobel(GREY)).std(), rel=1e-5)


def test_structural_complexity_is_the_sum_of_what_each_coarsening_changes() -> None:
    plane = draw_noise(75, 101)[..., 0]
    plane[20:50, 10:70] //= 3
    fine, expected = plane[:64, :96].astype(np.float64), []
    for _ in range(4):
        coarse = fine.reshape(len(fine) // 2, 2, -1, 2).mean(axis=(1, 3))
        spread = np.kron(coarse, np.ones((2, 2)))
        expected.append(abs((fine * spread).mean() - ((fine**2).mean() + (spread**2).mean()) / 2))
        fine = coarse
    scales = structural_scales(plane)[0]
    assert scales[:4] == pytest.approx(expected, rel=1e-9)
    assert value("structural_complexity", plane) == pytest.approx(sum(expected), abs=2e-6)


@pytest.mark.parametrize("scales", [1, 3, 4, 6])
def test_all_scales_together_are_half_the_variance(scales: int) -> None:
    plane = GREY[:192, :128]
    assert structural_scales(plane, scales=scales)[0].sum() == pytest.approx(plane.var() / 2, rel=1e-12)
    assert value("structural_complexity_full", plane) == pytest.approx(plane.var() / 2, abs=2e-6)


def test_rms_contrast() -> None:
    assert value("rms_contrast", GREY) == pytest.approx(GREY.std() / 255, abs=2e-6)


def test_colours() -> None:
    cells = SCENE.astype(int) // 16
    assert value("colour_count", SCENE) == len(np.unique(cells.reshape(-1, 3), axis=0))
    red, green, blue = SCENE.astype(np.float64).transpose(2, 0, 1)
    rg, yb = red - green, (red + green) / 2 - blue
    expected = math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())
    assert value("colourfulness", SCENE) == pytest.approx(expected, abs=2e-6)


def test_significant_coefficients_against_a_float_transform() -> None:
    steps = (QUANTISATION * 50 + 50) // 100
    sizes = np.abs(fft.dctn(blocks(GREY, 8), axes=(1, 2), norm="ortho"))
    kept = (sizes >= steps / 2 - 0.02).sum() - (sizes[:, 0, 0] >= steps[0, 0] / 2 - 0.02).sum()
    assert value("dct_significance", GREY) == pytest.approx(kept / (len(sizes) * 63), abs=3e-4)


def test_significant_coefficients_are_those_that_a_jpeg_keeps() -> None:
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "JPEG", quality=75)
    table = Image.open(io.BytesIO(stream.getvalue())).quantization[0]
    assert table == ((QUANTISATION * 50 + 50) // 100).ravel().tolist()


def test_the_twins_without_a_codec_rank_patches_as_the_codec_does() -> None:
    rects = np.array([[x, y, 64, 64] for y in range(0, 193, 32) for x in range(0, 193, 32)], np.int32)
    columns = {
        kind: np.argsort(np.argsort(ESTIMATORS[kind]().many(GREY, rects)))
        for kind in ("jpeg_ratio", "dct_significance", "hadamard_significance")
    }
    assert np.corrcoef(columns["jpeg_ratio"], columns["dct_significance"])[0, 1] > 0.9
    assert np.corrcoef(columns["jpeg_ratio"], columns["hadamard_significance"])[0, 1] > 0.9


def test_jpeg_ratio_counts_the_scan_alone() -> None:
    flat = np.full((64, 64), 128, np.uint8)
    assert value("jpeg_ratio", flat) < 0.15  # the tables alone would make it 0.6
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "JPEG", quality=75)
    data = stream.getvalue()
    assert value("jpeg_ratio", GREY) == pytest.approx(8 * (len(data) - 331) / GREY.size, rel=0.02)


@pytest.mark.parametrize(("kind", "tolerance"), [("frequency_energy", 2e-3), ("spectral_entropy", 2e-3)])
def test_spectrum_against_a_float_transform(kind: str, tolerance: float) -> None:
    energy = (fft.dctn(blocks(GREY, 16), axes=(1, 2), norm="ortho") ** 2).sum(axis=0)
    energy[0, 0] = 0
    radius = np.hypot(*np.indices((16, 16))) / 32
    share = energy.ravel() / energy.sum()
    expected = {
        "frequency_energy": energy[radius >= 1 / 8].sum() / energy.sum(),
        "spectral_entropy": -(share[share > 0] * np.log2(share[share > 0])).sum() / math.log2(255),
    }
    assert value(kind, GREY) == pytest.approx(expected[kind], abs=tolerance)


def test_spectral_slope_finds_the_exponent_of_white_noise_and_of_a_random_walk() -> None:
    noise = draw_noise(512, 512)[..., 0]
    assert value("spectral_slope", noise) == pytest.approx(0.0, abs=0.1)
    assert value("frequency_energy", noise) == pytest.approx(1 - math.pi / 4 * 16 / 256, abs=0.02)
    assert value("spectral_entropy", noise) > 0.99


def test_entropies_of_plain_histograms() -> None:
    counts = np.array([[4, 4, 0, 0], [1, 1, 1, 1], [9, 0, 0, 0], [0, 0, 0, 0]], np.int64)
    assert entropies(counts) == pytest.approx([1.0, 2.0, 0.0, 0.0], abs=1e-9)


def test_entropies_of_large_counts_agree_with_the_table_of_small_ones() -> None:
    small = np.array([[1000, 3000, 17]], np.int64)
    assert entropies(small * 1000) == pytest.approx(entropies(small), abs=1e-6)
