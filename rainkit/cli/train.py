"""`rainkit train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_fields, print_json, progress
from rainkit.cli.settings import SEND, LocalPath, moved_sources, source_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rainkit.data.pairs import CorpusPairs, Pool
    from rainkit.train.config import Training
    from rainkit.train.log import Progress


@click.command()
@click.argument("corpora", metavar="CORPUS...", nargs=-1, required=True)
@click.option("-o", "--output", "run", required=True, type=LocalPath(SEND, file_okay=False),
              help="Folder of the run: checkpoints and log.jsonl.")  # fmt: skip
@click.option("--weight", "weights", type=float, multiple=True, help="Share of each corpus, in their order.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option("--live", is_flag=True,
              help="Draw rain while training: the samples of the corpus once, then new ones, none twice.")  # fmt: skip
@source_option
@click.option("--live-cache", default=1024, show_default=True, type=click.IntRange(min=0), metavar="MIB",
              help="Memory for decoded backgrounds, with --live.")  # fmt: skip
@click.option("--network", default="tiny", show_default=True, help="Preset: tiny, base, paper, unet, nafnet.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps  [default: 1500]")
@click.option("--batch", type=click.IntRange(min=1), help="Pairs a step  [default: 8]")
@click.option("--patch", type=click.IntRange(min=8), help="Side of the random crop in px  [default: 64]")
@click.option("--seed", type=int, help="Of weights, order and crops  [default: 0]")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE",
              help="Any other setting, such as learning_rate=5e-4, ema=0.999 or network.channels=32.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint of the run.")
@click.option("--save-every", default=500, show_default=True, type=click.IntRange(min=1),
              help="Steps between checkpoints.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch on the CPU.")
@click.option("--workers", default=0, show_default=True, type=click.IntRange(min=0),
              help="Processes that read; 0 reads ahead in a thread.")  # fmt: skip
@click.option("--channels-last", is_flag=True, help="Memory layout that GPUs convolve faster in.")
@click.option("--compile", is_flag=True, help="torch.compile; on a GPU only.")
@click.option("--deterministic", is_flag=True, help="Only algorithms that repeat bit for bit.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's event files too.")
@json_option
def command(
    *,
    corpora: tuple[str, ...], run: Path, weights: tuple[float, ...], split: str, live: bool, sources: tuple[str, ...],
    live_cache: int, network: str, changes: tuple[str, ...], resume: bool, save_every: int, tensorboard: bool,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    r"""Train a small network on one or several corpora.

    The path of the last checkpoint is the last line on stdout. A run that was cut off continues with --resume and ends
    in the same weights.

    With --live no shard is read: a release of the manifest will do, with --source for backgrounds that are files.

    \b
    Example:
      rainkit train corpora/quickstart-1.0.0 -o runs/tiny --steps 1500
      rainkit train manifests/my-rain-1.0.0 --live --source photos=/data/div2k -o runs/live --steps 20000
    """
    from rainkit.train.loop import train

    config, machine = _read_options(network, changes, options)
    places = moved_sources(sources)
    _check_options(corpora, weights, places, live)
    room = live_cache << 20
    pools = _open_live(corpora, split, places, room, machine.workers) if live else _open_pools(corpora, split)
    pairs = _mix(pools, weights, config)
    costs = _describe(config)
    if not as_json:
        click.echo(f"{network}: {costs['parameters']:,} weights, {costs['gflop_per_step']:,.2f} GFLOP a step", err=True)
    if live and not as_json:
        click.echo(f"live: {sum(len(pool.rows) for pool in pools):,} samples of the manifest, then new ones", err=True)
    latest: list[Progress] = []
    with progress("Training", config.steps, "steps") as advance:

        def report(news: Progress) -> None:
            advance(news.step - (latest[-1].step if latest else 0), f"loss {news.loss:.4f}, waited {news.waiting:.0%}")
            latest.append(news)

        path = train(
            config, pairs, run, machine, resume=resume, report=report, save_every=save_every, tensorboard=tensorboard
        )
    if as_json:
        last_news = asdict(latest[-1]) if latest else {}
        print_json({"checkpoint": str(path), "pairs": pairs.digest, "live": live, **costs, **last_news})
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
        if not sign or not name:
            raise RecipeError(f"--set {text}: write NAME=VALUE, such as learning_rate=5e-4")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {text}: {value!r} is no value; write NAME=VALUE, such as clip=null") from error
        # YAML 1.1 reads 5e-4 as text.
        fields[name] = float(parsed) if isinstance(parsed, str) and _is_number(parsed) else parsed
    return parse_training(network, fields), Machine(**options)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_options(
    corpora: tuple[str, ...], weights: tuple[float, ...], sources: Mapping[str, str], live: bool
) -> None:
    from rainkit.errors import RecipeError

    if weights and len(weights) != len(corpora):
        raise RecipeError(f"{len(weights)} --weight for {len(corpora)} corpora: give one each, or none")
    if sources and not live:
        raise RecipeError("--source says where backgrounds of live rain lie: add --live, or leave it out")


def _open_pools(corpora: tuple[str, ...], split: str) -> list[Pool]:
    """Return the pairs of corpora on disk or at an address."""
    from rainkit.data.corpus import open_corpus
    from rainkit.data.pairs import Pool, select_rows

    opened = [open_corpus(address) for address in corpora]
    return [Pool(corpus, select_rows(corpus, split)) for corpus in opened]


def _open_live(
    corpora: tuple[str, ...], split: str, sources: Mapping[str, str], cache_bytes: int, workers: int
) -> list[Pool]:
    """Return the endless pairs of corpora whose rain is drawn here."""
    from rainkit.cli.build import Stages
    from rainkit.cli.settings import make_engine
    from rainkit.data.corpus import open_corpus
    from rainkit.engines import available_cpus
    from rainkit.live import open_live

    recipes = [open_corpus(address).recipe for address in corpora]
    named = [{*recipe.get("sources", ()), *recipe.get("rain", ())} for recipe in recipes]
    # A name that no corpus has goes to the first of them, which says what it has.
    stray = sources.keys() - set().union(*named)
    engine, cache = make_engine(None, None, no_cache=False)
    pools = []
    for address, names in zip(corpora, named, strict=True):
        placed = {name: place for name, place in sources.items() if name in names | stray}
        with Stages() as report:
            live = open_live(
                address, split, sources=placed, cache_bytes=cache_bytes, engine=engine, cache=cache, report=report
            )
        if workers:
            live.hold(available_cpus())  # once, before they are forked, and not in each of them
        pools.append(live.pool())
    return pools


def _mix(pools: list[Pool], weights: tuple[float, ...], config: Training) -> CorpusPairs:
    from dataclasses import replace

    from rainkit.data.pairs import CorpusPairs

    weighted = [replace(pool, weight=weight) for pool, weight in zip(pools, weights or [1.0] * len(pools), strict=True)]
    return CorpusPairs(weighted, config.patch, flip=config.flip, seed=config.seed)


def _describe(config: Training) -> dict[str, Any]:
    """Return what the network costs: weights, and operations of a training step (forward once, backward twice that)."""
    from rainkit.train.networks.derainer import count_flops, count_parameters

    network = config.network()
    side = config.patch or 256
    flops = 3 * config.batch * count_flops(network, side, side)
    return {"parameters": count_parameters(network), "gflop_per_step": flops / 1e9}
