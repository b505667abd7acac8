"""Rain on one picture."""

from __future__ import annotations

import numpy as np
import pytest

from rainkit.errors import RecipeError
from rainkit.rain import draw, simulator
from rainkit.rain.compose import compose
from rainkit.seeds import Stream


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """Return a picture of every value."""
    return Stream(1, "picture").integers(0, 256, height * width * 3).reshape(height, width, 3).astype(np.uint8)


def test_three_lines_are_enough() -> None:
    image = picture()
    drawn = draw(image, "slacking-off-small", seed=1)
    assert drawn.rainy.shape == image.shape
    assert (drawn.rainy == compose(image, drawn.rain)).all()
    assert drawn.mask.any()
    assert 0 < drawn.coverage < 1
    assert 5 < drawn.psnr < 40
    assert drawn.clean is image


def test_seed_key_and_simulator_decide() -> None:
    image = picture()
    first = draw(image, "streaks", 1).rainy
    assert (draw(image, simulator("streaks"), 1).rainy == first).all()
    assert (draw(image, "streaks", 2).rainy != first).any()
    assert (draw(image, "streaks", 1, key="b").rainy != first).any()


def test_a_depth_map_reaches_the_veil() -> None:
    depth = np.full((48, 64), 5000, np.uint16)
    depth[:, 32:] = 100
    drawn = draw(picture(), simulator("streaks", veil={"depth": "map", "beta": 20}), 1, depth=depth)
    assert drawn.rain.transmission is not None
    assert len(set(drawn.rain.transmission[:, :32].ravel())) == 1
    assert drawn.rain.transmission[0, 63] > drawn.rain.transmission[0, 0]


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'slacking-off-small'"):
        draw(picture(), "slacking-of-small", 1)
    with pytest.raises(RecipeError, match="there are streaks"):
        draw(picture(), "zzz", 1)


def test_only_rgb_bytes_are_rained_on() -> None:
    for wrong in (picture().astype(np.float32), picture()[..., 0], picture()[..., :2]):
        with pytest.raises(ValueError, match="uint8 H x W x 3"):
            draw(wrong, "streaks", 1)
