"""The training loop, read top to bottom on one page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rainkit.data.torch import BatchStream, PairSequence, iterate
from rainkit.errors import RecipeError, TrainingError
from rainkit.locking import LOCK, hold_lock
from rainkit.train.checkpoint import check_same, checkpoint_name, find_checkpoint, read_checkpoint, write_checkpoint
from rainkit.train.config import Machine, Training, choose_device
from rainkit.train.log import Diary, Odometer, Progress
from rainkit.train.state import State
from rainkit.workspace import make_folder


def train(
    config: Training,
    pairs: PairSequence,
    run: Path,
    machine: Machine | None = None,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    report_every: int = 50,
    save_every: int = 500,
    tensorboard: bool = False,
) -> Path:
    """Train a network and return the path of its last checkpoint.

    A run that was killed and resumed ends in the same weights, bit for bit, as one that was not: on one machine, with
    one number of threads, on a GPU with `deterministic`.

    Parameters
    ----------
    config : Training
        What is trained.
    pairs : PairSequence
        Training pairs by number: `rainkit.data.torch.CorpusPairs`, or rain drawn on the fly.
    run : Path
        Folder for checkpoints and `log.jsonl`; made if it does not exist, and locked meanwhile.
    machine : Machine, optional
        Where it runs.
    resume : bool
        Continue from the newest checkpoint in `run`; begin where there is none.
    report : callable, optional
        Called with a `Progress` every `report_every` steps and at the end.
    report_every, save_every : int
        Steps between reports (which go to the log) and between checkpoints, from 1 on.
    tensorboard : bool
        Write TensorBoard's event files too.

    Raises
    ------
    RecipeError
        If the folder holds another training, or the options do not fit the device.
    BuildError
        If another process trains in the folder, or it cannot be written.
    TrainingError
        If the loss is no number any more, or the GPU has not enough memory; the last checkpoint is intact.
    IntegrityError
        If the checkpoint to resume from was altered.
    """
    machine = machine or Machine()
    for name, steps in (("report_every", report_every), ("save_every", save_every)):
        if steps < 1:
            raise RecipeError(f"{name} {steps}: steps between two of them, at least 1")
    device = choose_device(config, machine)
    make_folder(run)
    with hold_lock(run / LOCK, f"{run} is being trained by another process; wait for it, or choose another folder"):
        state = _begin(config, pairs, run, device, machine, resume=resume)
        forward = torch.compile(state.network) if machine.compile else state.network
        stream = BatchStream(pairs, config.batch, config.steps, start=state.step)
        meter = Odometer(config.steps, state.step, report_every)
        batches = contextlib.closing(iterate(stream, machine.workers, pin=device.type == "cuda"))
        with Diary(run, state.step, tensorboard) as diary, _memory_guard(config, run), batches as ready:
            for rainy, clean in meter.watch.waiting(ready):
                batch = rainy.to(device, non_blocking=True), clean.to(device, non_blocking=True)
                meter.add(_step(config, state, forward, *batch))
                save = state.step % save_every == 0 or state.step == config.steps
                if device.type == "cpu" or save or meter.is_due():
                    _require_finite(float(meter.losses), state, config, run)
                if meter.is_due():
                    progress = meter.report(config.rate(state.step - 1))
                    diary.write(progress)
                    report(progress)
                if save:
                    write_checkpoint(run, state.step, config, pairs.digest, state.tensors())
    return run / checkpoint_name(config.steps)


def _step(config: Training, state: State, forward: Callable[[Tensor], Tensor], rainy: Tensor, clean: Tensor) -> Tensor:
    """Make one optimizer step on a batch of bytes and return its loss."""
    for group in state.optimizer.param_groups:
        group["lr"] = config.rate(state.step)
    with torch.autocast(rainy.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        derained = forward(rainy.float().div_(255.0))
    loss = functional.l1_loss(derained.float(), clean.float().div_(255.0))
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if config.clip:
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip)
    state.optimizer.step()
    state.step += 1
    if config.ema:
        state.update_average(config.ema)
    return loss.detach()


def _begin(
    config: Training, pairs: PairSequence, run: Path, device: torch.device, machine: Machine, *, resume: bool
) -> State:
    found = find_checkpoint(run)
    if found and not resume:
        raise RecipeError(f"{run} already holds a training ({found.name}): resume it, or choose another folder")
    state = State(config, device, machine)
    if found:
        checkpoint = read_checkpoint(found)
        check_same(checkpoint, config, pairs.digest)
        state.restore(checkpoint)
    return state


def _require_finite(losses: float, state: State, config: Training, run: Path) -> None:
    """Raise before a weight that is no number can reach a checkpoint."""
    if losses - losses == 0 and state.is_finite():
        return
    raise TrainingError(
        f"loss or weights stopped being numbers at step {state.step}; lower the learning rate "
        f"(now {config.learning_rate:g}) or the gradient clip (now {config.clip}); {_last_good(run)}"
    )


@contextlib.contextmanager
def _memory_guard(config: Training, run: Path) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = f"{config.patch} px" if config.patch else "whole pictures"
        raise TrainingError(
            f"the GPU ran out of memory with a batch of {config.batch} x {size}; use a smaller batch, patch or "
            f"network, or precision bfloat16; {_last_good(run)}"
        ) from error


def _last_good(run: Path) -> str:
    found = find_checkpoint(run)
    return f"the last good checkpoint is {found}" if found else "there was no checkpoint yet"
