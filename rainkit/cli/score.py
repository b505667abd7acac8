"""`rainkit score`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rainkit.cli.output import json_option, print_json, print_table
from rainkit.cli.settings import SEND, LocalPath, engine_options


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=LocalPath(path_type=str))
@click.option("-o", "--output", type=LocalPath(SEND, file_okay=False),
              help="Folder for scores.parquet, scores.csv, scores.json and the page index.html.")  # fmt: skip
@click.option("-e", "--estimators", metavar="KIND,...",
              help="Estimators to measure; all where not given. `rainkit show estimators` lists them.")  # fmt: skip
@click.option("--format", "formats", multiple=True, type=click.Choice(("parquet", "csv", "json")),
              help="Table to write; may be given several times; all where not given.")  # fmt: skip
@click.option("--guards/--no-guards", default=True, show_default=True,
              help="Measure what fools estimators: borders, enlargement, earlier compression, noise.")  # fmt: skip
@click.option("--member", metavar="NAME", help='What to read of each sample of foreign shards, such as "clean.png".')
@click.option("--page/--no-page", default=True, show_default=True, help="Write the page of figures.")
@engine_options
@json_option
def command(paths: tuple[str, ...], output: Path | None, as_json: bool, **options: Any) -> None:
    r"""Measure the complexity of any pictures, and compare sets.

    PATH is a folder, a tar file or a folder of WebDataset shards, a Parquet file of pictures, or a corpus, whose clean
    pictures are scored. NAME=PATH gives it a name in tables and figures. Several PATHs are compared side by side.

    \b
    Example:
      rainkit score /data/div2k urban=/data/urban100 -o scores
    """
    from rainkit.cli.build import Stages
    from rainkit.cli.settings import make_engine
    from rainkit.pictures import open_pictures
    from rainkit.scoring import choose_instruments, score_pictures

    instruments = choose_instruments([kind for kind in (options["estimators"] or "").split(",") if kind])
    sets = {name: open_pictures(place, member=options["member"]) for name, place in _name_sets(paths).items()}
    engine, cache = make_engine(options["workers"], options["kind"], options["no_cache"])
    with Stages() as report:
        scores = score_pictures(sets, instruments, guards=options["guards"], engine=engine, cache=cache, report=report)
    written = _write(scores, sets, output, options) if output is not None else []
    for name, path, reason in scores.unreadable[:20]:
        click.echo(f"not read: {name}: {path}: {reason}", err=True)
    if len(scores.unreadable) > 20:
        click.echo(f"... and {len(scores.unreadable) - 20:,} more were not read", err=True)
    if as_json:
        print_json({**scores.document(), "files": [str(path) for path in written]})
        return
    _print(scores)
    for file in written:
        click.echo(file)


def _name_sets(paths: tuple[str, ...]) -> dict[str, Path]:
    """Return the places by name: as given, or the last parts of the path that tell them apart."""
    from rainkit.errors import RecipeError

    named: dict[str, Path] = {}
    for text in paths:
        name, sign, place = text.partition("=")
        if not sign or Path(text).exists():
            parts, depth, place = Path(text).resolve().parts, 1, text
            name = parts[-1]
            while name in named and depth < len(parts):
                depth += 1
                name = "/".join(parts[-depth:])
        if name in named:
            raise RecipeError(f"two sets are called {name}; give one another name: NAME=PATH")
        named[name] = Path(place)
    return named


def _write(scores: Any, sets: Any, output: Path, options: dict[str, Any]) -> list[Path]:
    from rainkit.files import write_bytes
    from rainkit.scoring.scores import FORMATS
    from rainkit.workspace import make_folder

    make_folder(output)
    written: list[Path] = scores.write(output, options["formats"] or FORMATS)
    if options["page"]:
        from rainkit.report.scores import render_page

        write_bytes(output / "index.html", render_page(scores, sets).encode())
        written.append(output / "index.html")
    return written


def _print(scores: Any) -> None:
    from rainkit.report.scores import show_number

    rows: dict[str, dict[str, Any]] = {}
    for row in scores.summary():
        rows.setdefault(row["score"], {})[row["set"]] = row

    def show(row: dict[str, Any] | None) -> str:
        if row is None:
            return "-"
        return f"{show_number(row['median'])}  ({show_number(row['p25'])} to {show_number(row['p75'])})"

    cells = [
        (name, next(iter(found.values()))["unit"], *(show(found.get(one)) for one in scores.sets))
        for name, found in rows.items()
    ]
    titles = [f"{name}, {int((scores.members == number).sum()):,}" for number, name in enumerate(scores.sets)]
    print_table("median (middle half)", ["score", "unit", *titles], cells, right=titles)
