"""What the commands share: the `--json` option, tables, and progress on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rainkit.records import Advance

Function = TypeVar("Function", bound=Callable[..., Any])

LINES_EVERY = 30.0
"""Seconds between two lines of progress where stderr is no terminal."""


def json_option(function: Function) -> Function:
    """Add `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout; what is not finite becomes null, for JSON has no word for it."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()
) -> None:
    """Print a table on stdout; plain text where stdout is not a terminal.

    Parameters
    ----------
    title : str
        Printed above the table.
    columns : sequence of str
        Headings.
    rows : sequence of sequences
        Cells; shown by `str`.
    right : sequence of str
        Headings of columns that are set flush right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, soft_wrap=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values, one a line, aligned."""
    wide = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name:<{wide}}  {value}")


def _say_now_and_then(title: str, total: int, unit: str) -> Advance:
    """Return what writes lines into a log, such as that of a job without a terminal; short work leaves none."""
    begun = said = time.monotonic()
    done = before = 0

    def advance(count: int, word: str) -> None:
        nonlocal begun, said, done, before
        done += count
        now = time.monotonic()
        if not before:  # the first count may hold what an earlier run has done
            begun, before = now, done
        if now - said < LINES_EVERY or not before < done < total:
            return
        said = now
        left = timedelta(seconds=round((total - done) * (now - begun) / (done - before)))
        click.echo(
            f"{title}: {done:,} of {total:,}{f' {unit}' if unit else ''}, {left} left{f', {word}' if word else ''}",
            err=True,
        )

    return advance


@contextmanager
def progress(title: str, total: int, unit: str = "") -> Iterator[Advance]:
    """Show a bar with rate and time left on stderr; where stderr is no terminal, a line every half minute.

    Yields
    ------
    callable
        `advance(count, word)`.
    """
    if not sys.stderr.isatty():
        yield _say_now_and_then(title, total, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[word]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, rate="", word="")

        def advance(count: int, word: str) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            rate = f"{speed:,.1f} {unit}/s" if speed else ""
            bar.update(task, advance=count, word=word, rate=rate)

        yield advance
