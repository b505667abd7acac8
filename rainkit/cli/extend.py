"""`rainkit extend`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rainkit.cli.build import print_built, produce
from rainkit.cli.output import json_option
from rainkit.cli.settings import LocalPath, engine_options, moved_sources, output_options, source_option


@click.command()
@click.argument("corpus", type=LocalPath())
@click.argument("recipe", type=LocalPath())
@output_options
@source_option
@engine_options
@json_option
def command(corpus: Path, recipe: Path, sources: tuple[str, ...], as_json: bool, **options: Any) -> None:
    r"""Build RECIPE as a new version of CORPUS that keeps every sample that CORPUS has.

    The recipe asks for more samples under a new version. Shards that both have are copied; a recipe that would change
    or lose a sample is refused.

    \b
    Example:
      rainkit extend corpora/my-rain-1.0.0 recipe.yaml -o corpora     # version: 1.1.0, more samples
    """
    from rainkit.delivery import default_stage
    from rainkit.errors import RainkitError, RecipeError
    from rainkit.recipe import load_recipe
    from rainkit.release.clearing import withdraw

    if not (corpus / "checksums.sha256").exists():
        raise RecipeError(f"{corpus}: no finished corpus there; name the folder NAME-VERSION of the corpus to extend")
    loaded = load_recipe(recipe, moved_sources(sources))
    output, stage = options["output"], options["stage"]
    place = Path(output) if "://" not in output else stage or default_stage(loaded, output)
    folder = place / f"{loaded.name}-{loaded.version}"
    new = not folder.exists()
    try:
        built = produce(loaded, older=corpus, **options)
    except RainkitError:
        if new and folder.exists():
            withdraw(folder, loaded)
        raise
    print_built(built, as_json)
