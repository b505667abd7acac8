"""`rainkit release`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rainkit.cli.output import json_option, print_json, progress
from rainkit.cli.settings import LocalPath

if TYPE_CHECKING:
    from rainkit.records import Advance


@click.command()
@click.argument("corpus", type=LocalPath())
@click.argument("target")
@click.option("--manifest-only", is_flag=True, help="Leave the pictures out: recipe, manifest, card and checksums.")
@json_option
def command(corpus: Path, target: str, manifest_only: bool, as_json: bool) -> None:
    r"""Put a finished corpus, or its manifest alone, where others can get it, as TARGET/NAME-VERSION.

    TARGET is a folder or any address that fsspec opens, such as s3://bucket/corpora. Each file arrives whole or not at
    all, the checksums last; after an interruption the same command sends only what is not there. The address of the
    release is the last line on stdout.

    \b
    Example:
      rainkit release corpora/rain-1.0.0 manifests --manifest-only
    """
    from tempfile import TemporaryDirectory

    from rainkit.release.publish import publish
    from rainkit.release.virtual import release_manifest

    with ExitStack() as stack:

        def report(stage: str, steps: int) -> Advance:
            return stack.enter_context(progress("Sending", steps, "files"))

        if manifest_only:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="rainkit-")))
            corpus = release_manifest(corpus, place)
        sent = publish(corpus, target, report)
    if as_json:
        print_json(asdict(sent))
        return
    click.echo(f"{sent.files} files sent, {sent.bytes / 1e6:,.1f} MB; {sent.kept} were there", err=True)
    click.echo(sent.address)
