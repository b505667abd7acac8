"""`rainkit build`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from rainkit.cli.output import json_option, print_json, progress
from rainkit.cli.settings import RELEASE, LocalPath, engine_options, moved_sources, source_option

if TYPE_CHECKING:
    from rainkit.pipeline import Built
    from rainkit.records import Advance


class Stages:
    """Shows one progress bar after the other."""

    UNITS: ClassVar = {"survey": "pictures", "draw": "samples", "commit": "shards"}
    TITLES: ClassVar = {"survey": "Measuring", "draw": "Drawing", "commit": "Committing"}

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __call__(self, stage: str, steps: int) -> Advance:
        self._stack.close()
        return self._stack.enter_context(progress(self.TITLES.get(stage, stage), steps, self.UNITS.get(stage, "")))

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@click.command()
@click.argument("recipe", type=LocalPath())
@click.option("-o", "--output", default=Path("corpora"), type=LocalPath(RELEASE), show_default=True,
              help="Folder that the corpus is put in, as NAME-VERSION.")  # fmt: skip
@source_option
@engine_options
@json_option
def command(recipe: Path, output: Path, sources: tuple[str, ...], as_json: bool, **engine: Any) -> None:
    r"""Build the corpus of a recipe, or continue a build that was cut off.

    The path of the corpus is the last line on stdout. Workers, engine, order and interruptions cannot change a byte.

    \b
    Example:
      rainkit build recipe.yaml -o corpora --source photos=/data/div2k/train --workers 2
    """
    from rainkit.cli.settings import make_engine
    from rainkit.pipeline import build
    from rainkit.recipe import load_recipe

    loaded = load_recipe(recipe, moved_sources(sources))
    runner, cache = make_engine(**engine)
    with Stages() as report:
        built = build(loaded, output, runner, cache, report)
    print_built(built, as_json)


def print_built(built: Built, as_json: bool) -> None:
    """Say what was built: the summary on stderr, the path of the corpus last on stdout."""
    if as_json:
        print_json({**asdict(built), "folder": str(built.folder)})
        return
    if built.already:
        click.echo(f"{built.folder.name} is complete; nothing to do", err=True)
    else:
        resumed = f", {built.resumed} of them from an earlier run" if built.resumed else ""
        click.echo(
            f"{built.samples:,} samples in {built.shards} shards{resumed}, {built.bytes / 1e6:,.1f} MB; "
            f"refused: {', '.join(f'{count} {reason}' for reason, count in built.refused.items()) or 'none'}",
            err=True,
        )
    click.echo(built.folder)
