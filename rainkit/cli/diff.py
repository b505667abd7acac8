"""`rainkit diff`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rainkit.cli.output import json_option, print_json
from rainkit.cli.settings import LocalPath

if TYPE_CHECKING:
    from rainkit.release.diff import Diff

KINDS = {
    "added": "added",
    "removed": "removed",
    "pixels": "with other pixels",
    "labels": "with other labels, pixels equal",
    "strata": "in another stratum",
    "encoded": "encoded anew, pixels equal",
    "packed": "elsewhere, bytes of pictures alike",
    "equal": "equal",
}
"""What happened to samples, and the words for it."""


WAYS = {
    "back": "goes back", "none": "stays the same", "patch": "rises by a patch", "minor": "rises by a minor step",
    "major": "rises by a major step",
}  # fmt: skip
"""How the stated versions follow one another, in words."""

WANTED = {"none": "no step", "patch": "a patch", "minor": "a minor step", "major": "a major step"}
"""Step that a change asks for, in words."""


@click.command()
@click.argument("older", type=LocalPath())
@click.argument("newer", type=LocalPath())
@click.option("--check", is_flag=True, help="Fail where the stated version rises by less than the change asks for.")
@json_option
@click.pass_context
def command(context: click.Context, older: Path, newer: Path, check: bool, as_json: bool) -> None:
    r"""Compare two corpora or manifests, and say which step of the version the change asks for.

    Each is a corpus, a manifest without pictures, its metadata folder, or a samples.parquet. Major: samples removed,
    pixels changed, strata moved, or splits, members or columns removed. Minor: labels changed, or something added.
    Patch: every pixel and label as before.

    \b
    Example:
      rainkit diff corpora/rain-1.0.0 corpora/rain-1.1.0
    """
    from rainkit.release.diff import diff

    found = diff(older, newer)
    if as_json:
        print_json(found.document())
    else:
        for line in describe(found):
            click.echo(line)
    if check and not found.fits:
        click.echo(
            f"rainkit: the version {WAYS[found.stated]}, and the change asks for {WANTED[found.verdict]}", err=True
        )
        context.exit(1)


def describe(found: Diff) -> Iterator[str]:
    """Yield the difference as lines of text."""
    yield f"{found.older} -> {found.newer}"
    yield from _describe_parts(found)
    for title, changes in (("recipe", found.recipe), ("components", found.components)):
        for name, (before, after) in changes.items():
            yield f"  {title} {name}: {_word(before)} -> {_word(after)}"
    yield "  samples"
    for kind, words in KINDS.items():
        keys = getattr(found, kind)
        if keys.count:
            examples = (
                "" if kind == "equal" else f"  ({', '.join(keys.first)}{', ...' * (keys.count > len(keys.first))})"
            )
            yield f"    {keys.count:>9,}  {words}{examples}"
    for way, count in found.moves.items():
        yield f"    {count:>9,}  stratum {way}"
    for name, count in found.columns.items():
        yield f"    {count:>9,}  column {name}"
    for title, changed in (("members", found.members), ("columns", found.fields), ("splits", found.splits)):
        for way, names in changed.items():
            if names:
                yield f"  {title} {way}: {', '.join(names)}"
    if any(found.backgrounds.values()):
        yield f"  backgrounds: {found.backgrounds['added']:,} added, {found.backgrounds['removed']:,} removed"
    yield f"verdict: {found.verdict}" + (f" ({', '.join(found.reasons)})" if found.reasons else "")
    if found.stated == "back":
        yield f"version: goes back from {found.older} to {found.newer}; was the newer one meant to come first?"
    elif found.stated:
        yield f"version: {WAYS[found.stated]}, which {'fits' if found.fits else 'is too small a step'}"


def _describe_parts(found: Diff) -> Iterator[str]:
    """Yield what is to be known where one of the two holds some of the samples of its corpus."""
    count = sum(getattr(found, kind).count for kind in KINDS if kind not in {"removed", "strata"})
    if found.is_part:
        whole = count + found.removed.count
        yield f"  the second is a part of the first: {count:,} of its {whole:,} samples, drawn by a selection and alike"
        yield "  what is said to be removed was left out of the part; the verdict is for a release that would lack it"
        return
    for side, name in (("older", "first"), ("newer", "second")):
        if side in found.parts:
            yield f"  the {name} is a part of a corpus, drawn by a selection; what it lacks was left out of it"


def _word(value: object) -> str:
    return "none" if value is None else str(value)
