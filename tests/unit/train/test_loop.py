from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rainkit.data.torch import CorpusPairs
from rainkit.errors import BuildError, IntegrityError, RecipeError, TrainingError
from rainkit.train import loop
from rainkit.train.checkpoint import load_network, read_checkpoint
from rainkit.train.config import Machine, Training, choose_device
from rainkit.train.log import Progress
from rainkit.train.loop import train
from rainkit.train.networks import Residual, UNet

NET = Residual(channels=8, blocks=1)
CPU = Machine(device="cpu", threads=1)


def settings(**changes: Any) -> Training:
    return Training(**{"network": NET, "steps": 20, "batch": 4, "patch": 16, "seed": 1, **changes})


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


def kill_at(step: int) -> Any:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(run).tensors


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw", "weight_decay": 0.1, "ema": 0.9, "clip": None}])
def test_killed_and_resumed_ends_in_equal_bits(tmp_path: Path, pairs: CorpusPairs, changes: dict[str, Any]) -> None:
    config = settings(**changes)
    train(config, pairs, tmp_path / "whole", CPU)
    with pytest.raises(Killed):
        train(config, pairs, tmp_path / "cut", CPU, report=kill_at(13), report_every=1, save_every=5)
    assert read_checkpoint(tmp_path / "cut").step == 10
    train(config, pairs, tmp_path / "cut", CPU, resume=True, report_every=1, save_every=5)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 21))
    assert len(list((tmp_path / "cut").glob("step-*"))) == 4


def test_seed_decides_and_threads_of_reading_do_not(tmp_path: Path, pairs: CorpusPairs) -> None:
    config = settings(steps=6)
    for name in ("a", "b"):
        train(config, pairs, tmp_path / name, CPU)
    train(settings(steps=6, seed=2), pairs, tmp_path / "c", CPU)
    first, again, other = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["network.body.1.weight"], other["network.body.1.weight"])


def test_it_learns_and_reports(tmp_path: Path, pairs: CorpusPairs) -> None:
    seen: list[Progress] = []
    config = settings(network=Residual(channels=16, blocks=1), steps=300, learning_rate=3e-3)
    path = train(config, pairs, tmp_path, CPU, report=seen.append, report_every=75)
    assert path.name == "step-000300.json"
    assert [progress.step for progress in seen] == [75, 150, 225, 300]
    differences = [np.abs(rainy.astype(float) - clean) for rainy, clean in map(pairs.pair, range(300))]
    assert seen[-1].loss < 0.85 * np.mean(differences) / 255
    assert seen[-1].seconds_left == 0
    assert all(0 <= progress.waiting <= 1 and progress.steps_per_second > 0 for progress in seen)
    network, checkpoint = load_network(tmp_path)
    assert checkpoint.config == config
    assert not network.training


def test_running_mean_is_what_is_loaded(tmp_path: Path, pairs: CorpusPairs) -> None:
    train(settings(ema=0.9), pairs, tmp_path, CPU)
    network, checkpoint = load_network(tmp_path)
    mean = checkpoint.tensors["average.body.1.weight"]
    assert torch.equal(network.state_dict()["body.1.weight"], mean)
    assert not torch.equal(mean, checkpoint.tensors["network.body.1.weight"])


def test_two_trainings_in_one_folder_do_not_meet(tmp_path: Path, pairs: CorpusPairs) -> None:
    said: list[str] = []

    def train_again(progress: Progress) -> None:
        with pytest.raises(BuildError) as caught:
            train(settings(steps=2, seed=7), pairs, tmp_path, CPU)
        said.append(str(caught.value))

    train(settings(steps=2), pairs, tmp_path, CPU, report=train_again)
    assert said == [f"{tmp_path} is being trained by another process; wait for it, or choose another folder"]
    assert read_checkpoint(tmp_path).config.seed == 1


@pytest.mark.parametrize("name", ["save_every", "report_every"])
@pytest.mark.parametrize("steps", [0, -1])
def test_steps_between_checkpoints_are_at_least_one(tmp_path: Path, pairs: CorpusPairs, name: str, steps: int) -> None:
    with pytest.raises(RecipeError, match=f"{name} {steps}: .* at least 1"):
        train(settings(steps=2), pairs, tmp_path / "run", CPU, **{name: steps})
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, pairs: CorpusPairs) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"cannot write run in .*file: .*a part of the path is a file"):
        train(settings(steps=2), pairs, tmp_path / "file" / "run", CPU)


def test_rate_falls_along_a_cosine_and_reaches_the_optimizer(
    tmp_path: Path, pairs: CorpusPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(final_rate=1e-4)
    used: list[float] = []
    step = torch.optim.Adam.step

    def record(self: torch.optim.Adam) -> None:
        used.append(self.param_groups[0]["lr"])
        step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", record)
    assert config.rate(0) == pytest.approx(1e-3)
    assert config.rate(20) == pytest.approx(1e-4)
    train(config, pairs, tmp_path, CPU, report_every=10)
    rates = [json.loads(line)["learning_rate"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rates == [config.rate(9), config.rate(19)]
    assert used == [config.rate(number) for number in range(20)]


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good(
    tmp_path: Path, pairs: CorpusPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.functional.l1_loss
    calls = 0

    def poisoned(*arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return real(*arguments) * (float("nan") if calls == 8 else 1.0)

    monkeypatch.setattr(loop.functional, "l1_loss", poisoned)
    with pytest.raises(TrainingError, match=r"at step 8; lower the learning rate .*/step-000005\.json"):
        train(settings(), pairs, tmp_path, CPU, save_every=5)
    assert read_checkpoint(tmp_path).step == 5
    assert all(torch.isfinite(tensor).all() for tensor in weights(tmp_path).values())


def test_an_exhausted_gpu_is_one_message(tmp_path: Path, pairs: CorpusPairs, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop, "_step", exhausted)
    with pytest.raises(TrainingError, match=r"batch of 4 x 16 px; use a smaller batch.*no checkpoint yet"):
        train(settings(), pairs, tmp_path, CPU)


def test_a_folder_with_a_training_is_not_overwritten(tmp_path: Path, pairs: CorpusPairs) -> None:
    train(settings(steps=2), pairs, tmp_path, CPU)
    with pytest.raises(RecipeError, match=r"already holds a training \(step-000002.json\): resume it"):
        train(settings(steps=2), pairs, tmp_path, CPU)
    assert train(settings(steps=2), pairs, tmp_path, CPU, resume=True).name == "step-000002.json"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": 3}, "steps 2 -> 3"),
        ({"network": UNet(channels=4, levels=1)}, "network"),
        ({"seed": 9}, "seed 1 -> 9"),
    ],
)
def test_resuming_another_training_names_what_differs(
    tmp_path: Path, pairs: CorpusPairs, change: dict[str, Any], named: str
) -> None:
    train(settings(steps=2), pairs, tmp_path, CPU)
    with pytest.raises(RecipeError, match=f"cannot resume another training.*{named}"):
        train(settings(**{"steps": 2, **change}), pairs, tmp_path, CPU, resume=True)


def test_resuming_on_other_pairs_is_refused(tmp_path: Path, pairs: CorpusPairs) -> None:
    train(settings(steps=2), pairs, tmp_path, CPU)
    pairs.digest = "0" * 64
    with pytest.raises(RecipeError, match=r"training pairs .* -> 000000000000"):
        train(settings(steps=2), pairs, tmp_path, CPU, resume=True)


def test_resuming_from_an_altered_checkpoint_is_refused(tmp_path: Path, pairs: CorpusPairs) -> None:
    path = train(settings(steps=2), pairs, tmp_path, CPU).with_suffix(".safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="altered"):
        train(settings(steps=2), pairs, tmp_path, CPU, resume=True)


def test_what_the_message_on_an_altered_checkpoint_says_to_do_does_it(tmp_path: Path, pairs: CorpusPairs) -> None:
    config = settings(steps=6)
    path = train(config, pairs, tmp_path, CPU, save_every=4)
    whole = weights(tmp_path)
    weights_file = path.with_suffix(".safetensors")
    weights_file.write_bytes(weights_file.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=f"step-000004.json beside it is whole.*remove {path.name} and") as caught:
        train(config, pairs, tmp_path, CPU, resume=True)
    assert weights_file.name in str(caught.value)
    path.unlink()
    weights_file.unlink()
    train(config, pairs, tmp_path, CPU, resume=True)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in weights(tmp_path).items())


@pytest.mark.parametrize(
    ("change", "machine", "named"),
    [
        ({"precision": "bfloat16"}, Machine(device="cpu"), "precision bfloat16: for a GPU only"),
        ({}, Machine(device="cpu", compile=True), "compile: for a GPU only"),
    ],
)
def test_options_of_a_gpu_are_refused_on_a_cpu(change: dict[str, Any], machine: Machine, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        choose_device(settings(**change), machine)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(RecipeError, match="sees no GPU"):
        choose_device(settings(), Machine(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_deterministic_gpu_resumes_to_equal_bits(tmp_path: Path, pairs: CorpusPairs) -> None:
    machine = Machine(device="cuda", channels_last=True, deterministic=True)
    config = settings(precision="bfloat16")
    train(config, pairs, tmp_path / "whole", machine)
    with pytest.raises(Killed):
        train(config, pairs, tmp_path / "cut", machine, report=kill_at(13), report_every=1, save_every=5)
    train(config, pairs, tmp_path / "cut", machine, resume=True, save_every=5)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
