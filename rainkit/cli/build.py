"""`rainkit build`."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from rainkit.cli.output import json_option, print_json, progress
from rainkit.cli.settings import LocalPath, engine_options, moved_sources, output_options, source_option

if TYPE_CHECKING:
    from rainkit.pipeline import Built
    from rainkit.recipe import Recipe
    from rainkit.records import Advance


class Stages:
    """Shows one progress bar after the other."""

    UNITS: ClassVar = {"survey": "pictures", "draw": "samples", "commit": "shards", "upload": "files"}
    TITLES: ClassVar = {"survey": "Measuring", "draw": "Drawing", "commit": "Committing", "upload": "Sending"}

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
@output_options
@source_option
@engine_options
@json_option
def command(recipe: Path, sources: tuple[str, ...], as_json: bool, **options: Any) -> None:
    r"""Build the corpus of a recipe, or continue a build that was cut off.

    The path of the corpus is the last line on stdout. Workers, engine, order and interruptions cannot change a byte.
    For an address the corpus is built in a folder of this machine, then sent as `rainkit release` does.

    \b
    Example:
      rainkit build recipe.yaml -o corpora --source photos=/data/div2k/train --workers 2
      rainkit build recipe.yaml -o s3://bucket/corpora
    """
    from rainkit.recipe import load_recipe

    print_built(produce(load_recipe(recipe, moved_sources(sources)), **options), as_json)


def produce(recipe: Recipe, output: str, stage: Path | None, older: Path | None = None, **engine: Any) -> Built:
    """Build the corpus of a recipe into a folder, or at an address."""
    from rainkit.cli.settings import make_engine
    from rainkit.delivery import build_at, default_stage
    from rainkit.pipeline import build

    runner, cache = make_engine(**engine)
    with Stages() as report:
        if "://" not in output:
            return build(recipe, Path(output), runner, cache, report, older=older)
        place = stage or default_stage(recipe, output)
        click.echo(f"stage of {output}: {place}", err=True)
        built = build_at(recipe, output, place, runner, cache=cache, report=report, older=older)
    if stage is None:
        shutil.rmtree(place, ignore_errors=True)
    return built


def print_built(built: Built, as_json: bool) -> None:
    """Say what was built: the summary on stderr, the path of the corpus last on stdout."""
    if as_json:
        print_json({**asdict(built), "folder": str(built.folder) if built.folder.exists() else None})
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
    click.echo(built.address or built.folder)
