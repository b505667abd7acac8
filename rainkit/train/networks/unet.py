"""A small U-Net: sees further than a residual chain of the same cost."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from rainkit.train.networks.derainer import silence


class UNetBody(nn.Module):
    """Encoder, bottom and decoder with skips; `levels` halvings by strided convolution, doublings by pixel shuffle."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(levels + 1)]
        pairs = list(itertools.pairwise(widths))
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.down = nn.ModuleList(_two_convolutions(fine, fine) for fine, _ in pairs)
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.bottom = _two_convolutions(widths[-1], widths[-1])
        self.grow = nn.ModuleList(
            nn.Sequential(nn.Conv2d(coarse, 4 * fine, 1), nn.PixelShuffle(2)) for fine, coarse in pairs
        )
        self.up = nn.ModuleList(_two_convolutions(2 * fine, fine) for fine, _ in pairs)
        self.tail = silence(nn.Conv2d(channels, 3, 3, padding=1))

    def forward(self, rainy: Tensor) -> Tensor:
        """Return the correction, of the shape of `rainy`."""
        features = self.head(rainy)
        skips = []
        for down, shrink in zip(self.down, self.shrink, strict=True):
            features = down(features)
            skips.append(features)
            features = shrink(features)
        features = self.bottom(features)
        for up, grow, skip in zip(reversed(self.up), reversed(self.grow), reversed(skips), strict=True):
            features = up(torch.cat([grow(features), skip], dim=1))
        correction: Tensor = self.tail(features)
        return correction


def _two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
    )
