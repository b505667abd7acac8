"""What is trained, and on what it runs: the first can change a weight and is kept with it, the second only speed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rainkit.errors import RecipeError
from rainkit.train.networks import NETWORKS, PRESETS, AnyNetwork

if TYPE_CHECKING:
    import torch

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _unit(name: str) -> dict[str, Any]:
    return {"unit": name}


class Training(BaseModel):
    """Everything that decides the weights; the loss is L1 on pictures scaled to 0..1."""

    model_config = _FROZEN

    network: AnyNetwork = Field(PRESETS["tiny"], description="Network and its size.")
    steps: int = Field(1500, ge=1, description="Optimizer steps; fixed, because seconds differ between machines.")
    batch: int = Field(8, ge=1, description="Pairs a step.")
    patch: int | None = Field(
        64, ge=8, description="Side of the random crop; null for whole pictures.", json_schema_extra=_unit("px")
    )
    optimizer: Literal["adam", "adamw"] = Field("adam", description="Adam, or AdamW (decoupled weight decay).")
    # Rates that no training needs overflow in the optimizer before a loss could stop being a number.
    learning_rate: float = Field(
        1e-3, gt=0, le=1000, description="At the first step; falls along a cosine to `final_rate`."
    )
    final_rate: float = Field(0.0, ge=0, le=1000, description="Learning rate that the cosine ends in.")
    weight_decay: float = Field(0.0, ge=0, le=1000, description="Of the optimizer.")
    clip: float | None = Field(1.0, gt=0, description="Largest norm of the gradient; null for none.")
    ema: float | None = Field(None, gt=0, lt=1, description="Decay of a running mean of the weights; null for none.")
    flip: bool = Field(True, description="Mirror half of the pairs, left to right.")
    seed: int = Field(0, ge=-(2**63), lt=2**64, description="Of first weights, order, crops and flips.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16 runs the network under autocast; on a GPU only."
    )

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Examples
        --------
        >>> Training(steps=10).rate(0), round(Training(steps=10).rate(5), 6)
        (0.001, 0.0005)
        """
        fall = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
        return self.final_rate + (self.learning_rate - self.final_rate) * fall


class Machine(BaseModel):
    """Where a training runs; none of this may change what is learned beyond the last bits."""

    model_config = _FROZEN

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    threads: int | None = Field(None, ge=1, description="Threads of torch on the CPU; null leaves its own choice.")
    workers: int = Field(0, ge=0, description="Processes that read; 0 reads ahead in a thread.")
    channels_last: bool = Field(False, description="Memory layout, on a GPU; a CPU always has it, being faster.")
    compile: bool = Field(False, description="torch.compile; on a GPU only.")
    deterministic: bool = Field(False, description="Only algorithms that repeat bit for bit; slower on a GPU.")


def parse_training(preset: str, changes: Mapping[str, Any]) -> Training:
    """Return a training of a preset network with some settings changed.

    Parameters
    ----------
    preset : str
        Key of `networks.PRESETS`.
    changes : mapping of str to value
        Fields of `Training`; those of the network as `network.channels` and so on.

    Raises
    ------
    RecipeError
        If the preset or a field does not exist or a value does not fit; every problem is named.
    """
    if preset not in PRESETS:
        raise RecipeError(f"network {preset}: not a preset; there are {', '.join(PRESETS)}")
    fixed = [name for name in ("network", "network.kind") if name in changes]
    if fixed:
        raise RecipeError(
            f"{fixed[0]}: no setting; a network is chosen by the name of its preset ({', '.join(PRESETS)}), and its "
            "settings change its sizes, such as network.channels"
        )
    network = PRESETS[preset].model_dump()
    network |= {name.removeprefix("network."): value for name, value in changes.items() if name.startswith("network.")}
    fields = {name: value for name, value in changes.items() if not name.startswith("network.")}
    try:
        return Training.model_validate({**fields, "network": network})
    except ValidationError as error:
        raise RecipeError(f"the training cannot be used: {_explain(error, preset)}") from error


def _explain(error: ValidationError, preset: str) -> str:
    """Return every problem of a training's settings, and what settings there are where one was misspelt."""
    network = PRESETS[preset].model_dump()
    known = [field for field in Training.model_fields if field != "network"]
    known += [f"network.{field}" for field in network if field != "kind"]
    texts, misspelt = [], False
    for problem in error.errors():
        # The discriminator of the network appears in the path of its fields; users do not write it.
        place = ".".join(str(part) for part in problem["loc"] if part not in NETWORKS)
        words = problem["msg"]
        if problem["type"] == "extra_forbidden":
            group, dot, name = place.rpartition(".")  # the group would make every name of it look alike
            close = difflib.get_close_matches(name, network if dot else Training.model_fields, n=1)
            words, misspelt = f"no such setting{f', did you mean {group + dot + close[0]!r}?' if close else ''}", True
        texts.append(f"{place}: {words}")
    return "; ".join(texts) + (f"; settings are {', '.join(known)}" if misspelt else "")


def choose_device(config: Training, machine: Machine) -> torch.device:
    """Return the device, after torch was set up as `machine` asks.

    Raises
    ------
    RecipeError
        If there is no GPU where one is asked for, or the options are of a GPU and the device is none.
    """
    import os  # noqa: PLC0415

    import torch  # noqa: PLC0415 - seconds to import

    if machine.device == "cuda" and not torch.cuda.is_available():
        raise RecipeError("device cuda: torch sees no GPU here; use device cpu, or install a torch built for CUDA")
    cuda = machine.device != "cpu" and torch.cuda.is_available()
    asked = {"precision bfloat16": config.precision == "bfloat16", "compile": machine.compile}
    refused = [name for name, wanted in asked.items() if wanted and not cuda]
    if refused:
        raise RecipeError(f"{' and '.join(refused)}: for a GPU only (slower on a CPU), and the device is the CPU")
    if machine.threads:
        torch.set_num_threads(machine.threads)
    if cuda:
        torch.backends.cudnn.benchmark = not machine.deterministic
    if machine.deterministic:
        # cuBLAS reads this when its first handle is made.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(machine.deterministic)
    return torch.device("cuda" if cuda else "cpu")
