"""What changes while a network is trained: weights, their running mean, the optimizer's moments, the step."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor

from rainkit.train.checkpoint import Checkpoint, load_weights, part_of
from rainkit.train.config import Machine, Training
from rainkit.train.networks.derainer import Derainer, move


class State:
    """A training at some step; made from its configuration alone, or from a checkpoint.

    There is no random state: first weights come from the seed, and every pair is a function of (seed, position).

    Parameters
    ----------
    config : Training
        What is trained.
    device : torch.device
        Where.
    machine : Machine
        For the memory layout.
    """

    def __init__(self, config: Training, device: torch.device, machine: Machine) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = config.network()
        self.network: Derainer = move(network, device, channels_last=machine.channels_last)
        self.average = deepcopy(self.network).requires_grad_(False) if config.ema else None
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = kind(self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        self.step = 0

    def update_average(self, decay: float) -> None:
        """Move the running mean towards the weights; faster in the first steps, when the mean is of nothing yet."""
        if self.average is None:
            return
        keep = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(weight, 1 - keep)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything as named tensors, for a checkpoint."""
        named = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if self.average is not None:
            named |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            named |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
        return named

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint of the same training.

        Raises
        ------
        IntegrityError
            If its weights are those of another network.
        """
        load_weights(self.network, checkpoint, "network.")
        if self.average is not None:
            load_weights(self.average, checkpoint, "average.")
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": _moments(checkpoint.tensors), "param_groups": groups})
        self.step = checkpoint.step

    def is_finite(self) -> bool:
        """Return whether every weight is a finite number."""
        return all(bool(torch.isfinite(weight).all()) for weight in self.network.parameters())


def _moments(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in part_of(tensors, "optimizer.").items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = tensor
    return moments
