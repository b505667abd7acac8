from __future__ import annotations

import cv2
import numpy as np
import pytest

from rainkit.complexity import canonical_view, native_view, patch_grid, view_size
from rainkit.complexity.views import AREA, _weights, box_means
from rainkit.images import luma

from .pictures import draw_noise, draw_scene


@pytest.mark.parametrize(
    "shape", [(321, 481), (1024, 683), (256, 257), (2000, 300), (4000, 20), (65600, 1), (767, 1021)]
)
def test_the_view_has_the_area_and_the_aspect(shape: tuple[int, int]) -> None:
    view = canonical_view(draw_noise(*shape))
    height, width = view.luma.shape
    assert height * width == pytest.approx(AREA, rel=0.02)
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.07)
    assert not view.small
    assert np.array_equal(view.luma, luma(view.rgb))


@pytest.mark.parametrize("shape", [(1, 1), (255, 257), (100, 200), (1, 65535)])
def test_a_smaller_picture_is_flagged_and_never_enlarged(shape: tuple[int, int]) -> None:
    pixels = draw_noise(*shape)
    view = canonical_view(pixels)
    assert view.small
    assert np.array_equal(view.rgb, pixels)


def test_the_view_of_a_picture_of_its_own_size_is_the_picture() -> None:
    pixels = draw_noise(256, 256)
    view = canonical_view(pixels)
    assert np.array_equal(view.rgb, pixels)
    assert not view.small


@pytest.mark.parametrize("size", [(700, 500), (1021, 767), (300, 250), (1600, 1200)])
def test_the_view_is_the_area_average(size: tuple[int, int]) -> None:
    pixels = cv2.resize(draw_scene(), size, interpolation=cv2.INTER_CUBIC)
    view = canonical_view(pixels).rgb
    theirs = cv2.resize(pixels, view.shape[1::-1], interpolation=cv2.INTER_AREA)
    difference = view.astype(int) - theirs
    assert abs(difference.mean()) < 0.3
    assert np.corrcoef(view.ravel(), theirs.ravel())[0, 1] > 0.98


def test_weights_are_areas() -> None:
    for size, target in ((7, 4), (511, 256), (300, 299), (5, 5), (3, 2)):
        table = _weights(size, target)
        assert (table[:, 1:].sum(axis=1) == 256).all()
        assert (table[:, 1:] >= 0).all()
        covered = np.zeros(size + 3)
        for first, *weights in table.tolist():
            covered[first : first + 3] += np.array(weights) * size / target / 256
        assert covered[:size] == pytest.approx(np.ones(size), abs=0.02)
        assert covered[size:].sum() == 0


def test_a_constant_picture_stays_constant() -> None:
    for level in (0, 1, 127, 254, 255):
        view = canonical_view(np.full((1447, 2043, 3), level, np.uint8))
        assert np.unique(view.rgb).tolist() == [level]


def test_a_grey_plane_is_a_grey_picture() -> None:
    plane = draw_noise(300, 400)[..., 0]
    grey = canonical_view(plane)
    assert np.array_equal(grey.luma, canonical_view(np.repeat(plane[..., None], 3, axis=2)).luma)


def test_view_size_rounds() -> None:
    assert view_size(1000, 1000) == (256, 256)
    assert view_size(10, 10) == (10, 10)
    assert view_size(1, 10**9) == (1, 8_095_431)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.uint16),
        np.zeros((5,), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a picture is uint8"):
        canonical_view(pixels)
    with pytest.raises(ValueError, match="a picture is uint8"):
        native_view(pixels)


def test_patch_grid() -> None:
    grid = patch_grid(300, 500, 128, 64)
    assert grid.dtype == np.int32
    assert len(grid) == 3 * 6
    assert (grid[:, 0] + grid[:, 2] <= 500).all()
    assert (grid[:, 1] + grid[:, 3] <= 300).all()
    assert grid[:7, 0].tolist() == [0, 64, 128, 192, 256, 320, 0]
    assert patch_grid(100, 500, 128).shape == (0, 4)
    assert patch_grid(128, 128, 128).tolist() == [[0, 0, 128, 128]]
    with pytest.raises(ValueError, match="at least 1 px"):
        patch_grid(10, 10, 4, 0)


@pytest.mark.parametrize(("down", "across"), [(1, 2), (2, 1), (3, 3), (7, 5), (20, 31)])
def test_boxes_are_means_to_half_a_level(down: int, across: int) -> None:
    pixels = draw_noise(65, 97)
    height, width = 65 // down, 97 // across
    cut = pixels[: height * down, : width * across].astype(np.float64)
    means = cut.reshape(height, down, width, across, 3).mean(axis=(1, 3))
    assert np.abs(box_means(pixels, down, across) - means).max() <= 0.5 + 1e-6


def test_a_very_long_picture_is_reduced_along_its_length() -> None:
    long = draw_noise(2, 400_000, span=2)
    long[:, 200_000:] += 200
    view = canonical_view(long).rgb
    assert view.shape == (1, 114_487, 3)
    assert view[:, : view.shape[1] // 2 - 1].max() <= 1
    assert view[:, view.shape[1] // 2 + 1 :].min() >= 200
