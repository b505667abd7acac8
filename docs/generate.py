"""Write docs/reference.md from the code: every command, component, field and preset. Run: python docs/generate.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from rainkit.cli import COMMANDS, group
from rainkit.rain import PRESETS
from rainkit.recipe.models import Recipe, Samples, Shards, Split
from rainkit.reference import TABLES, describe_component, describe_fields, describe_preset, first_paragraph

PAGE = Path(__file__).with_name("reference.md")
TITLES = {
    "sources": "Sources",
    "estimators": "Estimators",
    "strata": "Strata",
    "simulators": "Simulators",
    "engines": "Engines",
}


def cell(text: str) -> str:
    """Return text that stands in one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the lines of a table of fields."""
    yield "| field | type | default | unit | what it is |"
    yield "|---|---|---|---|---|"
    for row in rows:
        kind, default = cell(row["type"]), cell(row["default"])
        yield f"| `{row['field']}` | {kind} | `{default}` | {cell(row['unit'])} | {cell(row['about'])} |"
    yield ""


def commands() -> Iterator[str]:
    """Yield the section on the command line."""
    yield "## Commands\n"
    above = click.Context(group, info_name="rainkit", terminal_width=100, **group.context_settings)
    for name, line in COMMANDS.items():
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, parent=above, info_name=name)
        yield f"### rainkit {name}\n\n{line}\n\n```text\n{command.get_help(context)}\n```\n"


def blocks() -> Iterator[str]:
    """Yield the section on the blocks of a recipe."""
    yield "## The recipe\n"
    fields = Recipe.model_fields
    models = {
        "the whole file": Recipe, "backgrounds": fields["backgrounds"].annotation,
        "complexity": fields["complexity"].annotation, "a split": Split, "samples": Samples, "shards": Shards,
    }  # fmt: skip
    for name, model in models.items():
        yield f"### {name}\n\n{first_paragraph(model.__doc__)}\n"
        yield from table(describe_fields(model))


def components() -> Iterator[str]:
    """Yield a section for each table of components."""
    for name, models in TABLES.items():
        yield f"## {TITLES[name]}\n"
        for kind in models:
            described = describe_component(kind)
            yield f"### `{kind}`\n\n{described['about']}\n"
            if described["fields"]:
                yield from table(described["fields"])


def presets() -> Iterator[str]:
    """Yield the section on presets."""
    yield "## Presets\n"
    for name in PRESETS:
        yield f"### `{name}`\n\n{describe_preset(name)['about']}\n"
        yield from ["| field | value |", "|---|---|"]
        yield from (f"| `{row['field']}` | `{cell(row['default'])}` |" for row in describe_preset(name)["fields"])
        yield ""


def reference() -> str:
    """Return the whole page."""
    head = ["# Reference\n", "Written by `python docs/generate.py` from the code; `rainkit show` prints the same.\n"]
    lines = [*head, *commands(), *blocks(), *components(), *presets()]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
