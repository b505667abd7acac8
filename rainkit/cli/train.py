"""`rainkit train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_fields, print_json, progress

if TYPE_CHECKING:
    from rainkit.data.torch import CorpusPairs
    from rainkit.train.config import Training
    from rainkit.train.log import Progress


@click.command()
@click.argument("corpora", metavar="CORPUS...", nargs=-1, required=True)
@click.option("-o", "--output", "run", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the run: checkpoints and log.jsonl.")  # fmt: skip
@click.option("--weight", "weights", type=float, multiple=True, help="Share of each corpus, in their order.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option("--network", default="tiny", show_default=True, help="Preset: tiny, base, paper, unet, nafnet.")
@click.option("--steps", type=int, help="Optimizer steps  [default: 1500]")
@click.option("--batch", type=int, help="Pairs a step  [default: 8]")
@click.option("--patch", type=int, help="Side of the random crop in px  [default: 64]")
@click.option("--seed", type=int, help="Of weights, order and crops  [default: 0]")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE",
              help="Any other setting, such as learning_rate=5e-4, ema=0.999 or network.channels=32.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint of the run.")
@click.option("--save-every", default=500, show_default=True, help="Steps between checkpoints.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--threads", type=int, help="Threads of torch on the CPU.")
@click.option("--workers", default=0, show_default=True, help="Processes that read; 0 reads ahead in a thread.")
@click.option("--channels-last", is_flag=True, help="Memory layout that GPUs convolve faster in.")
@click.option("--compile", is_flag=True, help="torch.compile; on a GPU only.")
@click.option("--deterministic", is_flag=True, help="Only algorithms that repeat bit for bit.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's event files too.")
@json_option
def command(
    *,
    corpora: tuple[str, ...], run: Path, weights: tuple[float, ...], split: str, network: str, changes: tuple[str, ...],
    resume: bool, save_every: int, tensorboard: bool, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    r"""Train a small network on one or several corpora.

    The path of the last checkpoint is the last line on stdout. A run that was cut off continues with --resume and ends
    in the same weights.

    \b
    Example:
      rainkit train corpora/quickstart-1.0.0 -o runs/tiny --steps 1500
    """
    from rainkit.train.loop import train

    config, machine = _read_options(network, changes, options)
    pairs = _open_pairs(corpora, weights, split, config)
    costs = _describe(config)
    if not as_json:
        click.echo(f"{network}: {costs['parameters']:,} weights, {costs['gflop_per_step']:,.2f} GFLOP a step", err=True)
    latest: list[Progress] = []
    with progress("Training", config.steps, "steps") as advance:

        def report(news: Progress) -> None:
            advance(news.step - (latest[-1].step if latest else 0), f"loss {news.loss:.4f}, waited {news.waiting:.0%}")
            latest.append(news)

        path = train(
            config, pairs, run, machine, resume=resume, report=report, save_every=save_every, tensorboard=tensorboard
        )
    result = {"checkpoint": str(path), "pairs": pairs.digest, **costs, **(asdict(latest[-1]) if latest else {})}
    if as_json:
        print_json(result)
        return
    if latest:
        last = latest[-1]
        print_fields(
            {"loss": f"{last.loss:.5f}", "steps/s": f"{last.steps_per_second:.1f}", "waited": f"{last.waiting:.1%}"}
        )
    click.echo(path)


def _read_options(network: str, changes: tuple[str, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    """Return the training and the machine that the options ask for."""
    import yaml

    from rainkit.errors import RecipeError
    from rainkit.train.config import Machine, parse_training

    fields: dict[str, Any] = {name: options.pop(name) for name in ("steps", "batch", "patch", "seed")}
    fields = {name: value for name, value in fields.items() if value is not None}
    for text in changes:
        name, sign, value = text.partition("=")
        if not sign:
            raise RecipeError(f"--set {text}: write NAME=VALUE, such as learning_rate=5e-4")
        parsed = yaml.safe_load(value)
        # YAML 1.1 reads 5e-4 as text.
        fields[name] = float(parsed) if isinstance(parsed, str) and _is_number(parsed) else parsed
    return parse_training(network, fields), Machine(**options)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _open_pairs(corpora: tuple[str, ...], weights: tuple[float, ...], split: str, config: Training) -> CorpusPairs:
    from rainkit.data.corpus import open_corpus
    from rainkit.data.torch import CorpusPairs, Pool, select_rows
    from rainkit.errors import RecipeError

    if weights and len(weights) != len(corpora):
        raise RecipeError(f"{len(weights)} --weight for {len(corpora)} corpora: give one each, or none")
    opened = [open_corpus(address) for address in corpora]
    pools = [
        Pool(corpus, select_rows(corpus, split), weight)
        for corpus, weight in zip(opened, weights or [1.0] * len(opened), strict=True)
    ]
    return CorpusPairs(pools, config.patch, flip=config.flip, seed=config.seed)


def _describe(config: Training) -> dict[str, Any]:
    """Return what the network costs: weights, and operations of a training step (forward once, backward twice that)."""
    from rainkit.train.networks.derainer import count_flops, count_parameters

    network = config.network()
    side = config.patch or 256
    flops = 3 * config.batch * count_flops(network, side, side)
    return {"parameters": count_parameters(network), "gflop_per_step": flops / 1e9}
