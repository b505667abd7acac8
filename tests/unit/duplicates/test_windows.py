"""Windows of a picture, by which a crop finds it, and the agreement that decides."""

import numpy as np
import pytest

from rainkit.duplicates import (
    ALIKE_CROP,
    GRID,
    ORIENTATIONS,
    agreement,
    hash_windows,
    perceptual_hash,
    thumbnail,
    turn,
    window_of,
)
from rainkit.duplicates.windows import list_intervals
from rainkit.seeds import Stream

from .test_hashing import distance, scene

WHOLE = (0, 0, GRID, GRID)


def test_windows_are_hashed_as_the_definition_says() -> None:
    square = thumbnail(scene(1))
    hashes = hash_windows(square)
    count = len(list_intervals())
    assert hashes.shape == (count * count,)
    for number in (0, 37, count * count - 1):
        x, y, width, height = window_of(number)
        waves = [np.cos(np.pi * (2 * np.arange(n) + 1) * np.arange(8)[:, None] / (2 * n)) for n in (height, width)]
        low = waves[0] @ square[y : y + height, x : x + width].astype(np.float64) @ waves[1].T
        signs = [(8 * v + u, low[v, u] > 0) for v in range(8) for u in range(8) if (u, v) != (0, 0)]
        # Rounded cosines may turn the sign of a coefficient that is nearly zero.
        expected = sum(1 << bit for bit, positive in signs if positive)
        assert distance(int(hashes[number]), expected) <= 1


def test_the_last_window_is_the_whole_picture() -> None:
    assert window_of(len(list_intervals()) ** 2 - 1) == WHOLE
    picture = scene(2, 240, 320)
    assert distance(int(hash_windows(thumbnail(picture))[-1]), perceptual_hash(picture)) <= 2


@pytest.mark.parametrize("seed", range(8))
def test_a_crop_is_near_a_window_and_agrees_with_it(seed: int) -> None:
    picture, rng = scene(seed, 240, 320), Stream(seed, "crop")
    height, width = rng.integer(160, 220), rng.integer(210, 300)
    y, x = rng.integer(0, 240 - height + 1), rng.integer(0, 320 - width + 1)
    crop = picture[y : y + height, x : x + width]
    distances = np.bitwise_count(hash_windows(thumbnail(picture)) ^ np.uint64(perceptual_hash(crop)))
    assert distances.min() <= 10
    window = window_of(int(distances.argmin()))
    assert agreement(thumbnail(picture), thumbnail(crop), window) > ALIKE_CROP
    assert agreement(thumbnail(scene(seed + 100, 240, 320)), thumbnail(crop), window) < ALIKE_CROP


def test_a_picture_agrees_with_itself_and_not_with_its_mirror_image() -> None:
    square = thumbnail(scene(3))
    assert agreement(square, square, WHOLE) == pytest.approx(1.0, abs=1e-4)
    for orientation in list(ORIENTATIONS)[1:]:
        assert agreement(square, turn(square, orientation), WHOLE) < ALIKE_CROP


def test_pictures_without_detail_agree_with_nothing() -> None:
    flat = np.full((GRID, GRID), 90, dtype=np.uint8)
    ramp = np.tile(np.arange(GRID, dtype=np.uint8), (GRID, 1))
    assert agreement(flat, flat, WHOLE) == 0.0
    assert agreement(thumbnail(scene(4)), flat, WHOLE) == 0.0
    assert agreement(ramp, ramp, WHOLE) <= 1.0
