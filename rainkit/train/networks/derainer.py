"""What all networks share: the global skip, pictures of any size, and what a network costs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Derainer(nn.Module):
    """Input plus the correction that `body` makes of it.

    Parameters
    ----------
    body : Module
        Maps N x 3 x H x W to the same shape, for H and W that `stride` divides.
    stride : int
        Coarsest grid of the body, px; other sizes are padded by repeating the last row and column.
    reach : int or None
        Largest distance in px, along x or y, between a result pixel and an input pixel that it depends on; None for
        the whole picture.
    """

    def __init__(self, body: nn.Module, stride: int, reach: int | None) -> None:
        super().__init__()
        self.body = body
        self.stride = stride
        self.reach = reach

    def forward(self, rainy: Tensor) -> Tensor:
        """Return the derained pictures, float N x 3 x H x W on the scale of the input (0..1), not clipped."""
        height, width = rainy.shape[-2:]
        below, right = -height % self.stride, -width % self.stride
        padded = functional.pad(rainy, (0, right, 0, below), mode="replicate") if below or right else rainy
        correction: Tensor = self.body(padded)
        return rainy + correction[..., :height, :width]


def silence(layer: nn.Conv2d) -> nn.Conv2d:
    """Set a layer to zero, so that a network starts as the identity; return it."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def count_flops(network: nn.Module, height: int, width: int) -> int:
    """Return the floating-point operations of one forward pass over one picture (a multiply-add counts two).

    Convolutions and matrix products only, as `torch.utils.flop_counter` counts them; nothing is computed.
    """
    from copy import deepcopy  # noqa: PLC0415

    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - slow to import

    shadow = deepcopy(network).to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 3, height, width, device="meta"))
    return int(counter.get_total_flops())


def move(network: Derainer, device: torch.device | str, *, channels_last: bool = False) -> Derainer:
    """Return a network on a device, in the memory layout that it is faster in.

    On a CPU that is channels last: without, a step of the presets takes 1 to 1.5 times as long, a whole picture 1.2 to
    1.8 times (`benchmarks/layouts.py`). Results differ from the other layout in the last bits of float32.

    Parameters
    ----------
    network : Derainer
        Moved in place.
    device : torch.device or str
        Where to.
    channels_last : bool
        Whether a GPU gets that layout too.
    """
    last = channels_last or torch.device(device).type == "cpu"
    layout = torch.channels_last if last else torch.contiguous_format
    moved: Derainer = network.to(device).to(memory_format=layout)  # type: ignore[call-overload]
    return moved
