"""The perceptual hash and its orientations."""

import cv2
import numpy as np
import pytest

from rainkit.duplicates import ORIENTATIONS, hash_rectangles, orient, perceptual_hash, turn
from rainkit.images import luma
from rainkit.records import Pixels
from rainkit.seeds import Stream


def scene(seed: int, height: int = 96, width: int = 128) -> Pixels:
    """Return a random picture with much broad and little fine detail, as photographs have."""
    total = np.zeros((height, width, 3), dtype=np.int64)
    for octave in range(5):
        rows, columns = 3 << octave, 4 << octave
        noise = Stream(seed, "scene", octave).integers(0, 256, rows * columns * 3).reshape(rows, columns, 3)
        total += (
            cv2.resize(noise.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR).astype(np.int64)
            >> octave
        )
    return (total // 2).astype(np.uint8)


def distance(first: int, second: int) -> int:
    return (first ^ second).bit_count()


def test_the_hash_is_what_the_definition_says() -> None:
    picture = scene(1, 32, 32)
    grey = luma(picture).astype(np.float64)
    waves = np.cos(np.pi * (2 * np.arange(32) + 1) * np.arange(8)[:, None] / 64)
    signs = waves @ grey @ waves.T > 0
    expected = sum(1 << (8 * v + u) for v in range(8) for u in range(8) if signs[v, u] and (u, v) != (0, 0))
    assert perceptual_hash(picture) == expected


def test_the_hash_is_frozen() -> None:
    # A change of this number is a change of every stored hash: raise the version of the manifest's column.
    assert f"{perceptual_hash(scene(2)):016x}" == "ea2795e112fcbe22"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_turned_picture_has_the_turned_hash(orientation: str) -> None:
    picture = luma(scene(3, 64, 64))
    turned = perceptual_hash(turn(picture, orientation))
    assert int(orient(np.array([perceptual_hash(picture)], dtype=np.uint64), orientation)[0]) == turned


def test_orientations_turn_as_their_names_say() -> None:
    picture = luma(scene(4, 40, 60))
    assert (turn(picture, "turned 90") == np.rot90(picture, -1)).all()
    assert (turn(picture, "turned 180") == np.rot90(picture, 2)).all()
    assert (turn(picture, "turned 270") == np.rot90(picture, 1)).all()
    assert (turn(picture, "mirrored") == picture[:, ::-1]).all()
    assert (turn(picture, "upside down") == picture[::-1]).all()
    assert (turn(picture, "transposed") == picture.T).all()
    assert (turn(picture, "transverse") == np.rot90(picture, 2).T).all()


def test_versions_of_a_picture_are_near_and_other_pictures_far() -> None:
    picture = scene(5, 240, 320)
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR)
    lighter = cv2.add(picture, np.full_like(picture, 20))
    for version in (half, jpeg, lighter):
        assert distance(perceptual_hash(picture), perceptual_hash(version)) <= 6
    others = [distance(perceptual_hash(picture), perceptual_hash(scene(seed))) for seed in range(20, 40)]
    assert min(others) > 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (7, 5), (7, 5, 3)])
def test_any_shape_has_a_hash(shape: tuple[int, ...]) -> None:
    assert 0 <= perceptual_hash(np.full(shape, 77, dtype=np.uint8)) < 2**64


def test_constant_pictures_share_the_hash_zero() -> None:
    assert {perceptual_hash(np.full((50, 60, 3), level, dtype=np.uint8)) for level in (0, 128, 255)} == {0}


def test_rectangles_are_hashed_as_pictures_of_their_own() -> None:
    picture = scene(6)
    rectangles = np.array([[0, 0, 128, 96], [10, 20, 64, 50]])
    hashes = hash_rectangles(picture, rectangles)
    assert hashes.tolist() == [perceptual_hash(picture), perceptual_hash(picture[20:70, 10:74])]
    assert hash_rectangles(picture, rectangles[:0]).size == 0
