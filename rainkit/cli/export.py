"""`rainkit export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rainkit.cli.output import json_option, print_fields, print_json, progress
from rainkit.cli.settings import SEND, LocalPath


@click.command()
@click.argument("corpus")
@click.argument("folder", type=LocalPath(SEND, file_okay=False))
@click.option("--layout", default="input-target", show_default=True, metavar="NAME",
              help="input-target, rainy-gt, rain-norain or basicsr.")  # fmt: skip
@click.option("--split", "splits", multiple=True, help="Only this split; may be given several times.")
@json_option
def command(corpus: str, folder: Path, layout: str, splits: tuple[str, ...], as_json: bool) -> None:
    r"""Write the pairs of CORPUS as files into FOLDER, in a layout that training codes expect.

    \b
    input-target   SPLIT/input/KEY.png    SPLIT/target/KEY.png
    rainy-gt       SPLIT/rainy/KEY.png    SPLIT/gt/KEY.png
    rain-norain    SPLIT/rain-N.png       SPLIT/norain-N.png     SPLIT/names.csv
    basicsr        SPLIT/lq/KEY.png       SPLIT/gt/KEY.png       SPLIT/meta_info.txt

    \b
    Example:
      rainkit export corpora/quickstart-1.0.0 pairs --layout rainy-gt --split train
    """
    from rainkit.data import open_corpus
    from rainkit.data.export import export

    opened = open_corpus(corpus)
    total = sum(len(opened.rows(split)) for split in splits or opened.splits)
    with progress("Exporting", total, "pairs") as advance:
        exported = export(opened, folder, layout, splits, advance)
    if as_json:
        print_json(asdict(exported))
    else:
        print_fields({split: f"{count} pairs" for split, count in exported.pairs.items()})
        click.echo(exported.folder)
