from __future__ import annotations

import numpy as np
import pytest
import torch

from rainkit.errors import RecipeError
from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.train.networks import NAFNet, Residual, UNet
from rainkit.train.networks.derainer import Derainer
from rainkit.train.tiles import lay_tiles, restore

NETWORKS = {
    "residual": Residual(channels=4, blocks=2),
    "full": Residual(channels=4, blocks=1, shuffle=1),
    "quarter": Residual(channels=4, blocks=1, shuffle=4),
    "unet": UNet(channels=3, levels=2),
    "nafnet": NAFNet(channels=4, blocks=2),
}


def lively(spec: Residual | UNet | NAFNet) -> Derainer:
    torch.manual_seed(5)
    network = spec()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)
    return network.eval()


def picture(height: int, width: int) -> Pixels:
    return Stream(9, "picture").integers(0, 256, height * width * 3).reshape(height, width, 3).astype(np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("size", "tile"), [((150, 211), 96), ((97, 260), 99)])
def test_tiles_equal_the_whole_picture(name: str, size: tuple[int, int], tile: int) -> None:
    network, rainy = lively(NETWORKS[name]), picture(*size)
    whole, tiled = restore(network, rainy, None), restore(network, rainy, tile)
    # Convolutions of another size may sum in another order; a rounding can then fall the other way, and no more.
    difference = np.abs(whole.astype(int) - tiled)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < 1e-3 * difference.size
    assert np.count_nonzero(whole != rainy) > 0.5 * rainy.size


def test_a_margin_narrower_than_the_reach_would_show() -> None:
    network, rainy = lively(NETWORKS["residual"]), picture(150, 211)
    whole = restore(network, rainy, None)
    network.reach = 2
    assert np.abs(whole.astype(int) - restore(network, rainy, 96)).max() > 1


@pytest.mark.parametrize("shape", [(1, 1), (40, 95), (300, 129)])
def test_tiles_cover_every_pixel_once_and_stay_in_size(shape: tuple[int, int]) -> None:
    seen = np.zeros(shape, int)
    canvas = np.empty(shape)
    for tile in lay_tiles(*shape, tile=64, reach=9, stride=4):
        outer = canvas[tile.outer()]
        assert max(outer.shape) <= 64
        assert outer[tile.inner()].shape == (tile.bottom - tile.top, tile.right - tile.left)
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert (seen == 1).all()


def test_small_pictures_are_done_whole_and_tiles_need_room() -> None:
    network = lively(NETWORKS["residual"])
    assert restore(network, picture(9, 7), 16).shape == (9, 7, 3)
    with pytest.raises(RecipeError, match=r"looks 13 px far, so it needs at least 30"):
        restore(network, picture(9, 40), 20)


def test_results_are_clipped_and_rounded() -> None:
    network = Residual(channels=2, blocks=1, shuffle=1)()
    tail = network.body[-2]
    with torch.no_grad():
        tail.bias.copy_(torch.tensor([2.0, -2.0, 0.6 / 255]))
    result = restore(network, np.full((4, 4, 3), 100, np.uint8))
    assert result[0, 0].tolist() == [255, 0, 101]
