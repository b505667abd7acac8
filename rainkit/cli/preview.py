"""`rainkit preview`."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rainkit.cli.output import json_option, print_json, print_table
from rainkit.cli.settings import SEND, LocalPath, moved_sources, source_option
from rainkit.errors import RecipeError, SourceError

PICTURES = 2
"""Pictures of a recipe, or drawn ones, that a sheet shows where none is given."""


def _parse_size(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in value.lower().split("x"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not WIDTHxHEIGHT, such as 480x320") from error
    if not (16 <= width <= 4096 and 16 <= height <= 4096):
        raise click.BadParameter(f"{value!r}: width and height lie between 16 and 4096")
    return width, height


@click.command()
@click.argument("name", required=False, type=LocalPath(path_type=str))
@click.option("--image", "images", multiple=True, type=LocalPath(), help="Rain on this picture; repeat.")
@click.option("-o", "--output", type=LocalPath(SEND), default=Path("preview.png"), show_default=True)
@click.option("--seed", default=1, show_default=True, help="Seed of the rain.")
@click.option("--size", default="480x320", show_default=True, callback=_parse_size, help="Of each picture, px.")
@source_option
@json_option
def command(  # noqa: PLR0917 - click passes them by name
    name: str | None,
    images: tuple[Path, ...],
    output: Path,
    seed: int,
    size: tuple[int, int],
    sources: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""Draw a contact sheet (PNG): rainy pictures, layer and mask of each rain.

    NAME is a recipe, a preset or a kind of simulator; without it, every preset is drawn. Pictures are those of
    --image, or the recipe's first, or drawn ones.

    \b
    Example:
      rainkit preview
      rainkit preview recipe.yaml
      rainkit preview downpour --image street.jpg -o downpour.png
    """
    from rainkit.files import write_bytes
    from rainkit.images import encode_png
    from rainkit.rain.sheet import draw_sheet

    recipe, rains = _rains(name, sources)
    pictures = [_read(path) for path in images] or _first_pictures(recipe)
    sheet, entries = draw_sheet(pictures, rains, seed, size)
    write_bytes(output, encode_png(sheet))
    if as_json:
        print_json({"path": str(output), "rains": [asdict(entry) for entry in entries]})
        return
    rows = [(entry.name, entry.kind, f"{entry.coverage:.1%}", f"{entry.psnr:.1f}") for entry in entries]
    print_table("", ["rain", "simulator", "coverage", "PSNR dB"], rows, right=["coverage", "PSNR dB"])
    click.echo(str(output))


def _rains(name: str | None, sources: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """Return the recipe, if NAME is one, and the rains to draw."""
    from rainkit.rain import PRESETS, simulator

    if name is None:
        import importlib.util

        has = {"albumentations": importlib.util.find_spec("albumentations") is not None}
        return None, {key: simulator(key) for key, preset in PRESETS.items() if has.get(preset.kind, True)}
    if Path(name).suffix in {".yaml", ".yml"} or Path(name).is_file():
        from rainkit.recipe import load_recipe

        recipe = load_recipe(name, moved_sources(sources))
        return recipe, dict(recipe.rain)
    return None, {name: simulator(name)}


def _read(path: Path) -> Any:
    """Return the pixels of a picture file."""
    from rainkit.images import PictureError, TruncatedError, decode

    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; give a picture that can be read") from error
    except (PictureError, TruncatedError) as error:
        raise SourceError(f"{path}: {error}; give another picture") from error


def _first_pictures(recipe: Any) -> list[Any]:
    """Return the first pictures of a recipe that can be read, or drawn ones."""
    from rainkit.images import PictureError, TruncatedError, decode
    from rainkit.sources import ProceduralSource

    offered = (
        ProceduralSource(count=PICTURES, size=(640, 480))()
        if recipe is None
        else itertools.chain.from_iterable(source() for source in recipe.sources.values())
    )
    found: list[Any] = []
    for picture in offered:
        data = picture.read()
        try:
            found.append(decode(data) if isinstance(data, bytes) else data)
        except (PictureError, TruncatedError):
            continue
        if len(found) == PICTURES:
            break
    if not found:
        raise RecipeError("the recipe's sources offer no picture that can be read; give one with --image")
    return found
