"""The block of NAFNet (Chen et al. 2022, arXiv 2204.04676, figure 3): gates instead of activations."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rainkit.train.networks.derainer import silence


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        last = functional.layer_norm(features.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6)
        return last.permute(0, 3, 1, 2)


class NAFBlock(nn.Module):
    """Depthwise convolution and a feed-forward part, each normalised, gated and added with a learned scale."""

    def __init__(self, channels: int, attention: bool) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.spread = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.weigh = nn.Conv2d(channels, channels, 1) if attention else None
        self.mix = nn.Conv2d(channels, channels, 1)
        self.inner_norm = ChannelNorm(channels)
        self.inner_widen = nn.Conv2d(channels, 2 * channels, 1)
        self.inner_mix = nn.Conv2d(channels, channels, 1)
        # The original starts both scales at zero; with few steps a start at one tenth trains sooner.
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))
        self.inner_scale = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        spread = _gate(self.spread(self.widen(self.norm(features))))
        if self.weigh is not None:
            spread = spread * self.weigh(spread.mean(dim=(2, 3), keepdim=True))
        features = features + self.scale * self.mix(spread)
        inner = self.inner_mix(_gate(self.inner_widen(self.inner_norm(features))))
        result: Tensor = features + self.inner_scale * inner
        return result


class NAFNetBody(nn.Sequential):
    """Head, `blocks` NAFNet blocks and tail at 1/shuffle resolution."""

    def __init__(self, channels: int, blocks: int, shuffle: int, attention: bool) -> None:
        colours = 3 * shuffle * shuffle
        super().__init__(
            nn.PixelUnshuffle(shuffle),
            nn.Conv2d(colours, channels, 3, padding=1),
            *(NAFBlock(channels, attention) for _ in range(blocks)),
            silence(nn.Conv2d(channels, colours, 3, padding=1)),
            nn.PixelShuffle(shuffle),
        )


def _gate(features: Tensor) -> Tensor:
    left, right = features.chunk(2, dim=1)
    return left * right
