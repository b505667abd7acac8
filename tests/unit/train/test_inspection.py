"""What pixels of a pair say, on pairs whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.train.inspection import SHIFT, WINDOW, inspect_pair, tabulate


def texture(height: int = 64, width: int = 80) -> Pixels:
    tiles = Stream(1, "texture").integers(40, 200, height // 4 * (width // 4) * 3).reshape(height // 4, width // 4, 3)
    return tiles.repeat(4, 0).repeat(4, 1).astype(np.uint8)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (1, 0), (-2, 1), (3, -3)])
def test_a_displacement_is_found(dx: int, dy: int) -> None:
    clean = texture()
    found = inspect_pair(np.roll(clean, (dy, dx), (0, 1)), clean)
    assert (found.shift_x, found.shift_y) == (dx, dy)
    assert found.best_agreement > 0.85
    assert (found.agreement < found.best_agreement) == (bool(dx) or bool(dy))


def test_equal_pictures() -> None:
    clean = texture()
    found = inspect_pair(clean, clean)
    assert found.agreement == pytest.approx(1.0)
    assert (found.darker, found.coverage, found.floor, found.brightening) == (0, 0, 0, 0)
    assert found.psnr == np.inf


def test_light_is_measured() -> None:
    clean = np.full((32, 32, 3), 100, np.uint8)
    rainy = clean.copy()
    rainy[:, :8] += 40
    found = inspect_pair(rainy, clean)
    assert found.coverage == 0.25
    assert found.brightening == 10
    assert found.floor == 0
    assert found.darker == 0
    assert found.contrast == 0
    assert inspect_pair(clean, rainy).darker == 0.25
    assert inspect_pair(rainy + 5, clean).floor == 5


def test_black_pixels_say_nothing_of_the_floor() -> None:
    clean = np.zeros((32, 32, 3), np.uint8)
    assert inspect_pair(clean + 9, clean).floor == 0


def test_only_the_middle_of_large_pictures_is_compared() -> None:
    clean = np.tile(texture(64, 64), (6, 6, 1))
    rainy = clean.copy()
    edge = (clean.shape[0] - WINDOW) // 2
    rainy[:edge] = np.roll(clean, SHIFT, axis=1)[:edge]
    found = inspect_pair(rainy, clean)
    assert found.agreement == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(64, 64, 3), (12, 80, 3)])
def test_pairs_of_two_sizes_or_too_small_are_refused(shape: tuple[int, ...]) -> None:
    other = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="one size"):
        inspect_pair(other, other if shape[0] < 16 else texture())


def test_a_table_joins_labels_and_facts() -> None:
    clean = texture()
    table = tabulate([({"key": "a", "rain": "small"}, inspect_pair(clean, clean))])
    assert table["key"].to_pylist() == ["a"]
    assert {"agreement", "brightening", "coverage"} <= set(table.column_names)
