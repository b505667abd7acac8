"""`rainkit init`."""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path

import click

from rainkit.cli.settings import SEND, LocalPath
from rainkit.errors import RecipeError


@click.command()
@click.argument("folder", default=Path(), type=LocalPath(SEND, file_okay=False))
def command(folder: Path) -> None:
    r"""Write a commented recipe that builds as it is into FOLDER (default: here).

    \b
    Example:
      rainkit init my-rain && rainkit build my-rain/recipe.yaml
    """
    from rainkit.files import write_bytes
    from rainkit.workspace import make_folder

    path = folder / "recipe.yaml"
    if path.exists():
        raise RecipeError(f"{path} is there already and was left alone; choose another folder")
    make_folder(folder)
    template = resources.files("rainkit.recipe").joinpath("starter.yaml").read_text(encoding="utf-8")
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    write_bytes(path, template.format(date=today).encode())
    click.echo(path)
    click.echo(f"next: rainkit plan {path}; rainkit build {path}", err=True)
