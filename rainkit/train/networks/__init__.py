"""Networks that a corpus is judged with: a frozen model holds the sizes, its call builds the module.

Torch is loaded by the call. Every network returns its input plus a correction (a global skip that starts as the
identity), takes pictures of any size, and knows its `reach`: how far away an input pixel can lie that a result pixel
depends on, which is what makes tiles exact.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rainkit.records import Component
from rainkit.train.networks.specs import NAFNet, Residual, UNet

NETWORKS: dict[str, type[Component]] = {"residual": Residual, "unet": UNet, "nafnet": NAFNet}
"""Kind to model."""

AnyNetwork = Annotated[Residual | UNet | NAFNet, Field(discriminator="kind")]
"""Type of a `network:` block."""

PRESETS: dict[str, Residual | UNet | NAFNet] = {
    "tiny": Residual(channels=24, blocks=4, shuffle=2),
    "base": Residual(channels=48, blocks=8, shuffle=2),
    # The paper trains a plain ResNet; its exact width and depth are remembered as SRResNet's and were not verified.
    "paper": Residual(channels=64, blocks=16, shuffle=1),
    "unet": UNet(channels=24, levels=3),
    "nafnet": NAFNet(channels=32, blocks=8, shuffle=2),
}
"""Name to network; `tiny` makes about 20 steps/s at 8 x 64 px on one CPU thread."""

__all__ = ["NETWORKS", "PRESETS", "AnyNetwork", "NAFNet", "Residual", "UNet"]
