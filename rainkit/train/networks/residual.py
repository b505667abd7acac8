"""The paper's kind of network: a chain of residual blocks."""

from __future__ import annotations

from torch import Tensor, nn

from rainkit.train.networks.derainer import silence


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner: Tensor = self.second(self.first(features).relu_())
        return features + inner


class ResidualBody(nn.Sequential):
    """Head, `blocks` residual blocks and tail at 1/shuffle resolution."""

    def __init__(self, channels: int, blocks: int, shuffle: int) -> None:
        colours = 3 * shuffle * shuffle
        super().__init__(
            nn.PixelUnshuffle(shuffle),
            nn.Conv2d(colours, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            *(ResidualBlock(channels) for _ in range(blocks)),
            silence(nn.Conv2d(channels, colours, 3, padding=1)),
            nn.PixelShuffle(shuffle),
        )
