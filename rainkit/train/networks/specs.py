"""The sizes of the networks; no torch here, so that recipes and help cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rainkit.records import Component

if TYPE_CHECKING:
    from rainkit.train.networks.derainer import Derainer

_SHUFFLE = "Pixels are rearranged into 1/shuffle resolution first and back at the end: cheaper, and sees further."


class Residual(Component):
    """Plain residual network: convolutions and ReLU, no normalisation, as in the paper's ResNet (arXiv 2305.15134)."""

    kind: Literal["residual"] = "residual"
    channels: int = Field(24, ge=1, le=1024, description="Features of each layer.")
    blocks: int = Field(4, ge=1, le=256, description="Residual blocks of two 3 x 3 convolutions.")
    shuffle: Literal[1, 2, 4] = Field(2, description=_SHUFFLE)

    def __call__(self) -> Derainer:
        """Return the module with fresh weights, drawn from torch's generator."""
        from rainkit.train.networks.derainer import Derainer  # noqa: PLC0415 - torch is loaded when a network is built
        from rainkit.train.networks.residual import ResidualBody  # noqa: PLC0415

        reach = self.shuffle * (2 * self.blocks + 2) + self.shuffle - 1
        return Derainer(ResidualBody(self.channels, self.blocks, self.shuffle), stride=self.shuffle, reach=reach)


class UNet(Component):
    """Small U-Net: two convolutions a level, resolution halved and features doubled at each (Ronneberger 2015)."""

    kind: Literal["unet"] = "unet"
    channels: int = Field(24, ge=1, le=512, description="Features of the finest level.")
    levels: int = Field(3, ge=1, le=5, description="How often the resolution is halved.")

    def __call__(self) -> Derainer:
        """Return the module with fresh weights, drawn from torch's generator."""
        from rainkit.train.networks.derainer import Derainer  # noqa: PLC0415 - torch is loaded when a network is built
        from rainkit.train.networks.unet import UNetBody  # noqa: PLC0415

        stride = 2**self.levels
        # Two convolutions on the way down and two on the way up at each level, two at the bottom, head and tail.
        reach = 2 + sum(4 * 2**level for level in range(self.levels)) + 2 * stride + stride - 1
        return Derainer(UNetBody(self.channels, self.levels), stride=stride, reach=reach)


class NAFNet(Component):
    """Stack of the blocks of NAFNet (Chen et al. 2022, arXiv 2204.04676) at one resolution.

    Pooling over the whole picture, part of the original's channel attention, is an option: without it a result depends
    on a neighbourhood alone, so patches in training and pictures in testing are treated alike and tiles are exact.
    """

    kind: Literal["nafnet"] = "nafnet"
    channels: int = Field(32, ge=1, le=1024, description="Features of each layer.")
    blocks: int = Field(8, ge=1, le=256, description="NAFNet blocks.")
    shuffle: Literal[1, 2, 4] = Field(2, description=_SHUFFLE)
    attention: bool = Field(False, description="Weigh channels by their mean over the whole picture.")

    def __call__(self) -> Derainer:
        """Return the module with fresh weights, drawn from torch's generator."""
        from rainkit.train.networks.derainer import Derainer  # noqa: PLC0415 - torch is loaded when a network is built
        from rainkit.train.networks.nafnet import NAFNetBody  # noqa: PLC0415

        reach = None if self.attention else self.shuffle * (self.blocks + 2) + self.shuffle - 1
        body = NAFNetBody(self.channels, self.blocks, self.shuffle, self.attention)
        return Derainer(body, stride=self.shuffle, reach=reach)
