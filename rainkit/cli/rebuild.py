"""`rainkit rebuild`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_json
from rainkit.cli.settings import SEND, LocalPath, engine_options, moved_sources, source_option

if TYPE_CHECKING:
    from rainkit.release.rebuild import Rebuilt

SHOWN = 10
"""Missing backgrounds, and shards with other bytes, that are named on stderr; `--json` names all."""


@click.command()
@click.argument("manifest")
@source_option
@click.option("-o", "--output", default=Path("corpora"), type=LocalPath(SEND), show_default=True,
              help="Folder that the corpus is put in, as NAME-VERSION.")  # fmt: skip
@click.option("--split", "splits", multiple=True, help="Draw this split alone; may be given several times.")
@click.option("--shard", "shards", multiple=True, help="Draw this shard alone, named as in the manifest.")
@click.option("--key", "keys", multiple=True, help="Draw this sample alone.")
@click.option("--keys", "keys_file", type=LocalPath(exists=True, dir_okay=False),
              help="Draw the samples whose keys stand in this file, one a line.")  # fmt: skip
@click.option("--partial", is_flag=True, help="Leave out samples whose backgrounds are not found.")
@engine_options
@json_option
def command(
    manifest: str, *, sources: tuple[str, ...], output: Path, splits: tuple[str, ...], shards: tuple[str, ...],
    keys: tuple[str, ...], keys_file: Path | None, partial: bool, as_json: bool, **engine: Any,
) -> None:  # fmt: skip
    r"""Draw a corpus again from its manifest and its backgrounds, and compare every sample with the manifest.

    MANIFEST is a corpus whose pictures may be gone, or a release of its manifest; a folder, or any address that fsspec
    opens. Backgrounds are found by content below the places that --source gives, under any name and in any layout, in
    tar and Parquet files too. The path of the corpus is the last line on stdout.

    \b
    Example:
      rainkit rebuild manifests/rain-1.0.0 --source photos=/data/div2k -o corpora
    """
    from contextlib import ExitStack
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from rainkit.cli.build import Stages
    from rainkit.cli.settings import make_engine
    from rainkit.release.original import Selection
    from rainkit.release.publish import fetch_manifest
    from rainkit.release.rebuild import rebuild

    wanted = (*keys, *(keys_file.read_text(encoding="utf-8").split() if keys_file is not None else ()))
    selection = Selection(splits, shards, wanted, partial)
    runner, _ = make_engine(**engine)
    with ExitStack() as stack:
        folder = Path(manifest)
        if "://" in manifest:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="rainkit-")))
            fetch_manifest(manifest, folder)
        report = stack.enter_context(Stages())
        built = rebuild(folder, output, moved_sources(sources), selection, engine=runner, report=report)
    if as_json:
        print_json({**asdict(built), "folder": str(built.folder)})
        return
    print_rebuilt(built, manifest)


def print_rebuilt(built: Rebuilt, manifest: str) -> None:
    """Say on stderr what was drawn and how it compares; the path of the corpus is the last line, on stdout."""
    for word, names in (("missing", built.missing), ("other bytes", built.differing)):
        for name in names[:SHOWN]:
            click.echo(f"{word}: {name}", err=True)
        if len(names) > SHOWN:
            click.echo(f"{word}: {len(names) - SHOWN} more, {len(names)} in all", err=True)
    if not built.checked:
        click.echo(
            f"note: {manifest} has no checksums.sha256, so recipe.yaml and the tables were taken as they are; an edit "
            f"that changes no pixel, such as of a stratum or a licence, is not seen",
            err=True,
        )
    if built.already:
        click.echo(f"{built.folder.name} is complete; nothing to do", err=True)
    else:
        alike = f"; {built.identical} of {built.compared} shards equal the original byte for byte" * bool(
            built.compared
        )
        click.echo(
            f"{built.samples:,} of {built.of:,} samples in {built.shards} shards, {built.bytes / 1e6:,.1f} MB, every "
            f"pixel as the manifest says{alike}",
            err=True,
        )
    click.echo(built.folder)
