"""`rainkit evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_json, print_table, progress
from rainkit.cli.settings import SEND, LocalPath

if TYPE_CHECKING:
    import pyarrow as pa

    from rainkit.records import Pixels
    from rainkit.train.evaluate import Case, Cases, Method


@click.command()
@click.argument("checkpoint", type=LocalPath())
@click.option("--corpus", help="Folder or address of a corpus.")
@click.option(
    "--split", "splits", multiple=True, help="Split of the corpus; may be given several times. All without it."
)
@click.option("--pairs", nargs=2, type=LocalPath(), metavar="INPUT TARGET",
              help="Folders of rainy and clean pictures.")  # fmt: skip
@click.option("--pairs-in", "root", type=LocalPath(),
              help="Folder with input/ target/, rainy/ gt/, lq/ gt/ or alike, or rain-N beside norain-N.")  # fmt: skip
@click.option("--pictures", type=LocalPath(), help="Folder of rainy pictures without truth.")
@click.option("-o", "--output", type=LocalPath(SEND, file_okay=False),
              help="Folder for samples.parquet, summary.json, sheet.png and results.")  # fmt: skip
@click.option("--save-results", is_flag=True, help="Write every result as PNG into the output folder.")
@click.option("--by", default="split", show_default=True, help="Columns that make groups: split, stratum, rain.")
@click.option("--threshold", default=3, show_default=True, type=click.IntRange(0, 254),
              help="Of the rain mask, in 8-bit levels.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Judge so many samples only, evenly spaced.")
@click.option("--tile", default=512, show_default=True, type=click.IntRange(min=1),
              help="Side of the tiles of large pictures, px.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--no-rain-free", is_flag=True, help="Leave out what clean input suffers; half the work.")
@json_option
def command(
    *,
    checkpoint: Path, output: Path | None, save_results: bool, by: str, threshold: int, limit: int | None, tile: int,
    device: str, no_rain_free: bool, as_json: bool, **places: Any,
) -> None:  # fmt: skip
    r"""Judge a network on a corpus, on pairs of pictures, or run it on rainy pictures.

    Baselines stand beside every result: the input itself, a median filter, a guided-filter split. Intervals are 95 %,
    by bootstrap over backgrounds.

    \b
    Example:
      rainkit evaluate runs/tiny --pairs rain100/input rain100/target -o results/rain100
    """
    from rainkit.files import require_writable
    from rainkit.train.bootstrap import nest, summarise
    from rainkit.train.evaluate import evaluate, settings_of
    from rainkit.workspace import make_folder

    groups_by = _columns(by)
    cases = _choose_cases(places).spread(limit)
    if output is None and (save_results or places["pictures"]):
        raise click.UsageError("results need a folder: add -o FOLDER")
    methods, facts = _load_methods(checkpoint, device, tile)
    if output:  # before an hour of judging
        make_folder(output)
        require_writable(output / "samples.parquet")
    if places["pictures"]:  # nothing to compare with
        methods = {"network": methods["network"]}
    keep = Keeper(output if save_results or places["pictures"] else None)
    with progress("Judging", len(cases), "pictures") as advance:

        def done(case: Case, results: Mapping[str, Pixels]) -> None:
            keep(case, results)
            advance(1, case.key)

        table = evaluate(cases, methods, threshold=threshold, rain_free=not no_rain_free, done=done)
    summary = {**facts, "settings": settings_of(table), "groups": nest(summarise(table, groups_by))}
    if output:
        _write(output, table, summary, cases, methods["network"])
    if as_json:
        print_json(summary)
        return
    _print_groups(summary["groups"], threshold)
    if output:
        click.echo(output)


@dataclass
class Keeper:
    """Writes the network's result of each case as PNG, where a folder is given."""

    folder: Path | None
    names: set[str] = field(default_factory=set)

    def __call__(self, case: Case, results: Mapping[str, Pixels]) -> None:
        from rainkit.files import write_bytes
        from rainkit.images import encode_png
        from rainkit.workspace import make_folder

        if self.folder is None:
            return
        folder = self.folder / "results"
        make_folder(folder)
        name = case.key
        while name in self.names:  # 1.png and 1.jpg in one folder
            name += "_"
        self.names.add(name)
        write_bytes(folder / f"{name}.png", encode_png(results["network"]))


def _columns(by: str) -> list[str]:
    """Return the columns that `--by` names, the method first."""
    names = [name.strip() for name in by.split(",") if name.strip()]
    unknown = [name for name in names if name not in {"split", "stratum", "rain", "background_id"}]
    if unknown:
        raise click.UsageError(f"--by {', '.join(unknown)}: groups are made of split, stratum, rain, background_id")
    return ["method", *names]


def _choose_cases(places: Mapping[str, Any]) -> Cases:
    """Return the cases of the one place that is given."""
    import numpy as np

    from rainkit.data.corpus import open_corpus
    from rainkit.data.torch import select_rows
    from rainkit.train.evaluate import corpus_cases, pair_cases, picture_cases
    from rainkit.train.pairs import find_layout, find_pairs

    given = [name for name in ("corpus", "pairs", "root", "pictures") if places[name]]
    if len(given) != 1:
        raise click.UsageError("say what to judge on: one of --corpus, --pairs, --pairs-in, --pictures")
    if places["splits"] and not places["corpus"]:
        raise click.UsageError("--split is of a corpus: name it with --corpus, or leave --split out")
    if places["corpus"]:
        corpus = open_corpus(places["corpus"])
        parts = [select_rows(corpus, split) for split in places["splits"] or [None]]
        return corpus_cases(corpus, np.unique(np.concatenate(parts)).tolist())
    if places["pictures"]:
        return picture_cases(places["pictures"])
    return pair_cases(find_layout(places["root"]) if places["root"] else find_pairs(*places["pairs"]))


def _load_methods(checkpoint: Path, device: str, tile: int) -> tuple[dict[str, Method], dict[str, Any]]:
    """Return the baselines and the network as methods, and what the checkpoint is."""
    from rainkit.train.baselines import BASELINES
    from rainkit.train.checkpoint import load_network
    from rainkit.train.config import Machine, Training, choose_device
    from rainkit.train.networks.derainer import count_parameters
    from rainkit.train.tiles import restore

    place = choose_device(Training(), Machine(device=device))
    network, found = load_network(checkpoint, place)
    methods = {**BASELINES, "network": lambda rainy: restore(network, rainy, tile, place)}
    facts = {
        "checkpoint": str(found.path), "step": found.step, "pairs": found.pairs,
        "network": found.config.network.model_dump(), "parameters": count_parameters(network),
    }  # fmt: skip
    return methods, facts


def _print_groups(groups: Sequence[dict[str, Any]], threshold: int) -> None:
    """Print one table a group, metrics down and methods across."""
    from rainkit.train.metrics import METRICS, RATIOS

    titles: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for group in groups:
        head = tuple((name, value) for name, value in group.items() if name not in {"method", "metrics"})
        titles.setdefault(head, {})[group["method"]] = group["metrics"]
    for head, methods in titles.items():
        first = next(iter(methods.values()))["psnr_y"]
        title = ", ".join(f"{name} {value}" for name, value in head if value not in {None, ""})
        counts = f"{first['samples']} samples, {first['backgrounds']} backgrounds, rain mask above {threshold} levels"
        rows = [
            [name, metric.unit, {"higher": "up", "lower": "down"}.get(metric.better, ""),
             *(_cell(found.get(name)) for found in methods.values())]
            for name, metric in (METRICS | RATIOS).items() if any(name in found for found in methods.values())
        ]  # fmt: skip
        click.echo(f"{title}: {counts}" if title else counts)
        print_table("", ["metric", "unit", "better", *methods], rows, right=tuple(methods))


def _cell(value: dict[str, Any] | None) -> str:
    if value is None or value["mean"] is None:
        return "-"
    if value["low"] is None:
        return f"{value['mean']:.3f}"
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _write(output: Path, table: pa.Table, summary: dict[str, Any], cases: Cases, network: Method) -> None:
    """Write the table of samples, the summary, and a sheet of the best, the median and the worst case."""
    import json

    from rainkit.files import write_bytes
    from rainkit.images import encode_png
    from rainkit.report.sheet import SheetRow, draw_sheet
    from rainkit.train.evaluate import pick_cases, write_results

    write_results(output / "samples.parquet", table)
    write_bytes(output / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    rows, own = [], [row for row in table.select(["method", "gain_psnr_y"]).to_pylist() if row["method"] == "network"]
    gains = [row["gain_psnr_y"] for row in own]
    for name, number in pick_cases(table, "network").items():
        case = cases.load(number)
        caption = f"{name}: {case.key}, {gains[number]:+.2f} dB PSNR-Y"
        rows.append(SheetRow(caption, case.rainy, network(case.rainy), case.clean))
    if rows:
        write_bytes(output / "sheet.png", encode_png(draw_sheet(rows, panel=320)))
