"""Options that several commands share: where sources lie, and how work is run; none of them can change a pixel."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rainkit.errors import RecipeError

Function = TypeVar("Function", bound=Callable[..., Any])
FETCH = "copy it to this machine first"
SEND = "write it here, then copy it to the address"
"""What to do about an address where files are read, and where they are written."""


class LocalPath(click.Path):
    """A path of this machine; an address is refused, where a plain path would name a folder "s3:" in this one.

    Parameters
    ----------
    instead : str
        What to do about an address.
    **settings
        Those of `click.Path`.
    """

    def __init__(self, instead: str = FETCH, **settings: Any) -> None:
        super().__init__(**{"path_type": Path, **settings})
        self.instead = instead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            self.fail(f"{value} is an address, and a path of this machine is needed: {self.instead}", param, ctx)
        return super().convert(value, param, ctx)


def source_option(function: Function) -> Function:
    """Add `--source NAME=PATH`, which may be given several times, passed as `sources`."""
    return click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="NAME=PATH",
        help="Where a source of the recipe lies on this disk; may be given several times.",
    )(function)


def output_options(function: Function) -> Function:
    """Add `--output`, a folder or an address that a corpus is put in, and `--stage`."""
    for option in (
        click.option("--stage", type=LocalPath(SEND, file_okay=False),
                     help="Folder to build in where the output is an address; kept.  [default: in the cache, removed]"),
        click.option("-o", "--output", default="corpora", show_default=True, metavar="PLACE",
                     help="Folder or address, such as s3://bucket/x, that the corpus is put in, as NAME-VERSION."),
    ):  # fmt: skip
        function = option(function)
    return function


def moved_sources(sources: tuple[str, ...]) -> dict[str, str]:
    """Return the places that `--source` gives, by name.

    Raises
    ------
    RecipeError
        If one is not NAME=PATH.
    """
    moved = {}
    for text in sources:
        name, sign, place = text.partition("=")
        if not sign or not name or not place:
            raise RecipeError(f"--source {text}: write NAME=PATH, such as photos=/data/div2k")
        moved[name] = place
    return moved


def engine_options(function: Function) -> Function:
    """Add `--workers`, `--engine` and `--no-cache`, for `make_engine`."""
    for option in (
        click.option("--no-cache", is_flag=True, help="Measure everything anew; remember nothing."),
        click.option("--engine", "kind", metavar="KIND", help="How tasks are run: serial, processes, ray."),
        click.option("-w", "--workers", type=int, help="Tasks at a time; one per processor where not given."),
    ):
        function = option(function)
    return function


def make_engine(workers: int | None, kind: str | None, no_cache: bool) -> tuple[Any, Path | None]:
    """Return the engine and the cache file that the options ask for."""
    from rainkit.cache import default_path
    from rainkit.engines import choose_engine
    from rainkit.images import use_threads

    use_threads(1)  # workers are counted by --workers, and this process may be the only one
    return choose_engine(kind, workers), None if no_cache else default_path()


def require_modules(*names: str) -> None:
    """Raise before work begins that would need a module of an extra at its end.

    Raises
    ------
    ModuleNotFoundError
        Naming the first that is not installed; `rainkit.cli.main` says which extra brings it.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
