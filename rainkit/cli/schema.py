"""`rainkit schema`."""

from __future__ import annotations

import click

from rainkit.cli.output import print_json


@click.command()
def command() -> None:
    r"""Print the JSON Schema of a recipe, which editors complete and check from.

    \b
    Example:
      rainkit schema > recipe.schema.json
      # then begin the recipe with:
      # yaml-language-server: $schema=recipe.schema.json
    """
    from rainkit.recipe import json_schema

    print_json(json_schema())
