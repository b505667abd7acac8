"""`rainkit leaks`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rainkit.cli.output import json_option, print_json, print_table
from rainkit.cli.settings import LocalPath

SHOWN = 50
"""Pairs in the table; `--json` has all of them."""


@click.command()
@click.argument("first", metavar="A", type=LocalPath())
@click.argument("second", metavar="[B]", required=False, type=LocalPath())
@click.option("--distance", type=click.IntRange(0, 20), default=10, show_default=True,
              help="Bits of 64 that the hashes of near pictures may differ by.")  # fmt: skip
@click.option("--crops/--no-crops", default=True, show_default=True, help="Whether to look for crops.")
@click.option("-w", "--workers", type=int, help="Tasks at a time; one per processor where not given.")
@click.option("--engine", metavar="KIND", help="How tasks are run: serial, processes, ray.")
@json_option
def command(first: Path, second: Path | None, as_json: bool, **options: Any) -> None:
    r"""Find pictures that A and B share; without B, pictures that A holds more than once.

    A and B are folders, WebDataset shards, Parquet files of pictures, corpora, or manifests with hashes. Copies are
    found that are mirrored, turned, cropped (to 60 % of a side or more), resized, encoded again, noisy, or rained on.

    Exit status: 0 if there is no pair, 1 if there are some, so that the command can guard a training run.

    \b
    Example:
      rainkit leaks /data/train /data/rain100h/norain
    """
    from rainkit.cli.build import Stages
    from rainkit.engines import choose_engine
    from rainkit.leaks import find_leaks
    from rainkit.pictures import open_pictures

    sets = [open_pictures(path, hashes=True) for path in (first, second) if path is not None]
    runner = choose_engine(options["engine"], options["workers"])
    with Stages() as report:
        found = find_leaks(*sets, distance=options["distance"], crops=options["crops"], engine=runner, report=report)
    if as_json:
        print_json({"a": str(first), "b": str(second) if second else None, **found.document()})
    else:
        _print(first, second, found)
    click.get_current_context().exit(1 if found.leaks else 0)


def _print(first: Path, second: Path | None, found: Any) -> None:
    if found.leaks:
        rows = [
            (leak.first, leak.second, leak.describe(), leak.distance,
             "-" if leak.agreement is None else f"{leak.agreement:.2f}")
            for leak in found.leaks[:SHOWN]
        ]  # fmt: skip
        titles = ["A", "B" if second else "A again", "how", "bits", "agreement"]
        print_table("", titles, rows, right=["bits", "agreement"])
    if len(found.leaks) > SHOWN:
        click.echo(f"... and {len(found.leaks) - SHOWN:,} more pairs; --json lists all of them")
    for name, reason in found.unreadable[:SHOWN]:
        click.echo(f"not read: {name}: {reason}", err=True)
    ours, theirs = found.shared
    pairs = f"{len(found.leaks):,} pair{'' if len(found.leaks) == 1 else 's'}"
    if second is None:
        click.echo(f"{pairs} within {first} ({found.first:,} pictures)")
        return
    click.echo(
        f"{pairs}: {ours:,} of {found.first:,} pictures of {first} and {theirs:,} of {found.second:,} of {second}"
    )
