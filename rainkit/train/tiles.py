"""A network on one picture of any size: whole, or in tiles that give the same result.

A tile is computed with a margin as wide as the network's reach and the margin is thrown away, so each pixel sees all
that it would see in the whole picture. Tiles begin on the network's grid, else pixel shuffles would fall differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rainkit.data.torch import to_tensor
from rainkit.errors import RecipeError, TrainingError
from rainkit.records import Pixels
from rainkit.train.networks.derainer import Derainer

TILE = 512
"""Side of a tile in px, margin included."""
MARGIN_WITHOUT_REACH = 64
"""Margin in px of a network that looks at the whole picture: its tiles are not exact."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle that is kept (`top` to `bottom`, `left` to `right`), and how far to look around it."""

    top: int
    bottom: int
    left: int
    right: int
    margin: int

    def outer(self) -> tuple[slice, slice]:
        """Return the rectangle with its margin; what lies outside the picture at the far side slices away."""
        rows = slice(max(0, self.top - self.margin), self.bottom + self.margin)
        return rows, slice(max(0, self.left - self.margin), self.right + self.margin)

    def inner(self) -> tuple[slice, slice]:
        """Return the rectangle within the result of `outer`."""
        top, left = min(self.top, self.margin), min(self.left, self.margin)
        return slice(top, top + self.bottom - self.top), slice(left, left + self.right - self.left)


def lay_tiles(height: int, width: int, tile: int, reach: int, stride: int) -> Iterator[Tile]:
    """Yield tiles that cover a picture once.

    Parameters
    ----------
    height, width : int
        Of the picture, px.
    tile : int
        Largest side of a tile with its margin, px.
    reach, stride : int
        Of the network, px.

    Raises
    ------
    RecipeError
        If a tile has no room for its margin.
    """
    margin = -(-reach // stride) * stride
    core = (tile - 2 * margin) // stride * stride
    if core < stride:
        raise RecipeError(
            f"tile {tile} px: this network looks {reach} px far, so it needs at least {2 * margin + stride}"
        )
    for top in range(0, height, core):
        for left in range(0, width, core):
            yield Tile(top, min(top + core, height), left, min(left + core, width), margin)


def restore(network: Derainer, rainy: Pixels, tile: int | None = TILE, device: torch.device | str = "cpu") -> Pixels:
    """Return what a network makes of a rainy picture, clipped and rounded to 8 bit.

    Parameters
    ----------
    network : Derainer
        On `device`, in evaluation mode.
    rainy : uint8 array, H x W x 3
        Any size.
    tile : int or None
        Pictures with a longer side are done in tiles of this side, px; None never does.
    device : torch.device or str
        Where.

    Raises
    ------
    TrainingError
        If the device has not enough memory.
    """
    height, width = rainy.shape[:2]
    if tile is None or max(height, width) <= tile:
        return _run(network, rainy, device)
    reach = MARGIN_WITHOUT_REACH if network.reach is None else network.reach
    result = np.empty_like(rainy)
    for part in lay_tiles(height, width, tile, reach, network.stride):
        result[part.top : part.bottom, part.left : part.right] = _run(network, rainy[part.outer()], device)[
            part.inner()
        ]
    return result


def _run(network: Derainer, rainy: Pixels, device: torch.device | str) -> Pixels:
    try:
        with torch.inference_mode():
            derained: Tensor = network(to_tensor(rainy)[None].to(device).float().div_(255.0))[0]
            bytes_ = derained.clamp_(0.0, 1.0).mul_(255.0).round_().to(torch.uint8).cpu()
    except torch.OutOfMemoryError as error:
        height, width = rainy.shape[:2]
        raise TrainingError(f"the GPU ran out of memory on {width} x {height} px; choose a smaller tile") from error
    return np.ascontiguousarray(bytes_.numpy().transpose(1, 2, 0))
