"""`rainkit verify`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rainkit.cli.output import json_option, print_json, print_table, progress
from rainkit.cli.settings import SEND, LocalPath, moved_sources, source_option

if TYPE_CHECKING:
    from rainkit.records import Advance
    from rainkit.release.verify import Redraw, VerifyReport

SHOWN = 5
"""Problems of each kind that are printed; `--json` and `--output` give all."""


@click.command()
@click.argument("corpus")
@click.option("--deep", is_flag=True, help="Decode every picture and compare it with its digest in the manifest.")
@click.option("--redraw", "redraws", default=0, metavar="K", type=click.IntRange(min=0),
              help="Draw K random samples again from their backgrounds and compare them.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the choice of those samples.")
@source_option
@click.option("-w", "--workers", type=int, help="Processes; one per processor where not given.")
@click.option("--output", type=LocalPath(SEND, dir_okay=False),
              help="Also write the report as JSON, ready to be signed (gpg, ssh-keygen -Y sign).")  # fmt: skip
@json_option
def command(
    corpus: str, *, deep: bool, redraws: int, seed: int, sources: tuple[str, ...], workers: int | None,
    output: Path | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Check a corpus, or a release of manifests alone, in a folder or at any address that fsspec opens.

    Files are compared with checksums.sha256, shards and labels with the manifest; every kind of difference is named
    with its first wrong bytes. The exit status is 1 if there is any. --redraw needs the backgrounds; --source says
    where they lie.

    \b
    Example:
      rainkit verify corpora/quickstart-1.0.0 --deep
    """
    from rainkit.release.verify import verify, write_report

    with ExitStack() as stack:

        def report(stage: str, steps: int) -> Advance:
            return stack.enter_context(progress("Verifying", steps, "shards"))

        redraw = _make_redraw(corpus, moved_sources(sources), stack) if redraws else None
        outcome = verify(
            corpus, deep=deep, redraw=redraw, redraws=redraws, seed=seed, jobs=workers, report=report
        )  # fmt: skip
    if output is not None:
        write_report(outcome, output)
    if as_json:
        print_json(outcome.to_dict())
    else:
        print_outcome(outcome)
    if not outcome.ok:
        raise click.exceptions.Exit(1)


def _make_redraw(corpus: str, sources: dict[str, str], stack: ExitStack) -> Redraw:
    """Return what draws samples again; the manifest of a remote corpus is fetched for the length of the stack."""
    from tempfile import TemporaryDirectory

    from rainkit.release.publish import fetch_manifest
    from rainkit.release.redraw import redrawer

    folder = Path(corpus)
    if "://" in corpus:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rainkit-")))
        fetch_manifest(corpus, folder)
    return redrawer(folder, sources)


def print_outcome(outcome: VerifyReport) -> None:
    """Print the first problems of each kind, then one line that says whether all is well."""
    from rainkit.release.checking import KINDS

    for kind, meaning in KINDS.items():
        problems = [problem for problem in outcome.problems if problem.kind == kind]
        if not problems:
            continue
        rows = [(problem.detail,) for problem in problems[:SHOWN]]
        rows += [(f"... and {len(problems) - SHOWN} more",)] if len(problems) > SHOWN else []
        print_table(f"{kind}: {meaning}", [f"{len(problems)} found"], rows)
    for note in outcome.notes:
        click.echo(f"note: {note}")
    counts = outcome.counts
    done = f"{counts['files']} files, {counts['bytes'] / 1e6:,.1f} MB, {counts['shards']} shards"
    samples = f", {counts['samples']} samples"
    decoded = f", {counts['decoded']} members decoded" if counts["decoded"] else ""
    redrawn = f", {counts['redrawn']} samples drawn again" if counts["redrawn"] else ""
    verdict = "sound" if outcome.ok else f"NOT sound: {len(outcome.problems)} differences"
    click.echo(f"{outcome.corpus or outcome.address}: {verdict} ({done}{samples}{decoded}{redrawn})")
