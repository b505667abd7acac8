"""`rainkit show`."""

from __future__ import annotations

from typing import Any

import click

from rainkit.cli.output import json_option, print_json, print_table
from rainkit.errors import RecipeError


@click.command()
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    r"""List components and presets; with NAME, the fields, units and defaults of one.

    NAME is a component's kind, a preset, or one of sources, estimators, strata, simulators, presets, engines.

    \b
    Example:
      rainkit show
      rainkit show noise_blur
      rainkit show slacking-off-small
    """
    from rainkit.recipe import suggest
    from rainkit.reference import describe_component, describe_preset, list_components, list_presets

    tables = {**list_components(), "presets": list_presets()}
    if name is None or name in tables:
        chosen = tables if name is None else {name: tables[name]}
        if as_json:
            print_json(chosen)
            return
        for title, rows in chosen.items():
            print_table(title, ["kind", "what it is"], list(rows.items()))
        return
    known = {kind for rows in tables.values() for kind in rows}
    if name not in known:
        raise RecipeError(f"no component or preset named {name!r}{suggest(name, known | set(tables))}")
    if name in tables["presets"]:
        _print_fields(describe_preset(name), as_json)
        return
    _print_fields(describe_component(name), as_json)


def _print_fields(described: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(described)
        return
    click.echo(described["about"])
    print_table(
        "",
        ["field", "type", "default", "unit", "what it is"],
        [[row[key] for key in ("field", "type", "default", "unit", "about")] for row in described["fields"]],
    )
