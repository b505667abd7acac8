"""Checkpoints: weights in safetensors, everything else in JSON beside them; written whole or not at all.

`step-000500.safetensors` comes first and `step-000500.json` commits it. The JSON holds the SHA-256 of the weights, and
the header of the weights holds the JSON's facts, so neither file can be altered or exchanged unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as unpack
from safetensors.torch import save as pack
from torch import Tensor

from rainkit import __version__
from rainkit.errors import IntegrityError, RecipeError, SourceError
from rainkit.files import write_bytes
from rainkit.train.config import Training
from rainkit.train.networks.derainer import Derainer, move

FORMAT = 1
"""Raised when an older reader could not understand a checkpoint."""
KEEP = 2
"""How many checkpoints of a run stay on disk: the newest, and the last good one before it."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    path : Path
        Its JSON file.
    step : int
        Steps done.
    config : Training
        What was trained.
    pairs : str
        Digest of the training pairs.
    tensors : dict of str to Tensor
        `network.*`, `average.*` where there is a running mean, `optimizer.N.*`.
    """

    path: Path
    step: int
    config: Training
    pairs: str
    tensors: dict[str, Tensor]


def write_checkpoint(run: Path, step: int, config: Training, pairs: str, tensors: Mapping[str, Tensor]) -> Path:
    """Write a checkpoint into a run's folder, drop all but the newest `KEEP`, and return the path of its JSON.

    Raises
    ------
    BuildError
        If the disk refuses; earlier checkpoints are untouched.
    """
    facts = {
        "format": FORMAT,
        "rainkit": __version__,
        "torch": torch.__version__,
        "step": step,
        "pairs": pairs,
        "config": config.model_dump(mode="json"),
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = pack(plain, metadata={"rainkit": json.dumps(facts, sort_keys=True)})
    path = run / checkpoint_name(step)
    weights = path.with_suffix(".safetensors")
    write_bytes(weights, data)
    record = facts | {"weights": {"file": weights.name, "sha256": hashlib.sha256(data).hexdigest()}}
    write_bytes(path, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
    for old in sorted(run.glob("step-*.json"), key=_step_of)[:-KEEP]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def checkpoint_name(step: int) -> str:
    """Return the name of a checkpoint's JSON."""
    return f"step-{step:06d}.json"


def find_checkpoint(place: Path) -> Path | None:
    """Return the JSON of the newest checkpoint in a folder, or of the one that `place` names; None if there is none.

    Examples
    --------
    >>> find_checkpoint(Path("no-such-run")) is None
    True
    """
    if place.is_dir():
        return max(place.glob("step-*.json"), key=_step_of, default=None)
    path = place.with_suffix(".json")
    return path if path.is_file() else None


def read_checkpoint(place: Path) -> Checkpoint:
    """Return the checkpoint at a path (either file, or the folder of a run), every byte checked.

    Raises
    ------
    SourceError
        If there is none.
    IntegrityError
        If a file was altered, exchanged or lost, or was written by a newer rainkit; the message names an older
        checkpoint beside it that is whole.
    """
    path = find_checkpoint(place)
    if path is None:
        raise SourceError(f"{place}: no checkpoint there (step-NNNNNN.json with its .safetensors); train first")
    try:
        return _read(path)
    except IntegrityError as error:
        raise IntegrityError(f"{error}; {_advise(path)}") from error


def _read(path: Path) -> Checkpoint:
    try:
        record = json.loads(path.read_bytes())
        weights = record.pop("weights")
        data = (path.parent / weights["file"]).read_bytes()
        if record["format"] > FORMAT:
            raise IntegrityError(f"{path}: written by rainkit {record['rainkit']}, which is newer: update rainkit")
        if hashlib.sha256(data).hexdigest() != weights["sha256"] or _header(data) != record:
            raise IntegrityError(f"{path}: the checkpoint was altered since it was written")
        config = Training.model_validate(record["config"])
        return Checkpoint(path, record["step"], config, record["pairs"], unpack(data))
    except FileNotFoundError as error:
        raise IntegrityError(f"{path}: its weights {Path(error.filename).name} are missing beside it") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{path}: not a checkpoint of rainkit, or a damaged one ({type(error).__name__})"
        ) from error


def _advise(path: Path) -> str:
    """Return what to do about a checkpoint that cannot be read: the newest before it that is whole, if there is one."""
    older = [other for other in path.parent.glob("step-*.json") if _step_of(other) < _step_of(path)]
    for other in sorted(older, key=_step_of, reverse=True):
        try:
            _read(other)
        except IntegrityError:
            continue
        return (
            f"{other.name} beside it is whole: name that one, or remove {path.name} and "
            f"{path.with_suffix('.safetensors').name} to resume from it"
        )
    return "no older one beside it is whole: train again, into another folder"


def load_network(place: Path, device: torch.device | str = "cpu") -> tuple[Derainer, Checkpoint]:
    """Return the trained network of a checkpoint, the running mean where there is one, ready to use.

    Raises
    ------
    SourceError, IntegrityError
        As `read_checkpoint`; also if the weights are those of another network.
    """
    checkpoint = read_checkpoint(place)
    prefix = "average." if any(name.startswith("average.") for name in checkpoint.tensors) else "network."
    network = checkpoint.config.network()
    load_weights(network, checkpoint, prefix)
    return move(network, device).eval(), checkpoint


def load_weights(network: Derainer, checkpoint: Checkpoint, prefix: str) -> None:
    """Copy the tensors under a prefix into a network.

    Raises
    ------
    IntegrityError
        If names or shapes are not those of the network.
    """
    found = part_of(checkpoint.tensors, prefix)
    wanted = network.state_dict()
    wrong = sorted(
        name for name in found.keys() | wanted.keys()
        if name not in found or name not in wanted or found[name].shape != wanted[name].shape
    )  # fmt: skip
    if wrong:
        raise IntegrityError(
            f"{checkpoint.path}: holds the weights of another network; {len(wrong)} tensors differ, first {wrong[0]}"
        )
    network.load_state_dict(found)


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors under a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def check_same(checkpoint: Checkpoint, config: Training, pairs: str) -> None:
    """Raise unless a checkpoint belongs to this training: same configuration, same pairs.

    Raises
    ------
    RecipeError
        Naming every field that differs.
    """
    theirs, ours = checkpoint.config.model_dump(), config.model_dump()
    differing = [f"{name} {theirs[name]} -> {ours[name]}" for name in ours if theirs[name] != ours[name]]
    if checkpoint.pairs != pairs:
        differing.append(f"training pairs {checkpoint.pairs[:12]} -> {pairs[:12]}")
    if differing:
        raise RecipeError(
            f"{checkpoint.path}: cannot resume another training ({'; '.join(differing)}); "
            "train with the settings it was begun with, or into a new folder"
        )


def _step_of(path: Path) -> int:
    digits = path.stem.removeprefix("step-")
    return int(digits) if digits.isdecimal() else -1


def _header(data: bytes) -> dict[str, Any]:
    """Return the facts in the header of safetensors: 8 bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["rainkit"])
    return header
