"""`rainkit view`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_json
from rainkit.cli.settings import SEND, LocalPath

if TYPE_CHECKING:
    from rainkit.data.stores import Store

LIMIT = 24
"""Samples of a page of chosen ones, where nobody says how many."""
SIDE, BUDGET = 384, 24_000_000
"""Longest side of a picture, in pixels, and characters that all may take, where somebody asked for these samples."""


@click.command()
@click.argument("corpus")
@click.option("--split", "splits", multiple=True, help="Samples of this split; may be given several times.")
@click.option("--stratum", "strata", multiple=True, type=int, help="Samples of this stratum.")
@click.option("--rain", "rains", multiple=True, help="Samples with this rain.")
@click.option("--key", "keys", multiple=True, help="This sample.")
@click.option("--worst", default=0, metavar="N", type=click.IntRange(min=0),
              help="The N samples with the heaviest rain: the lowest PSNR of the rainy picture.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 500), metavar="N",
              help=f"Show at most N samples; {LIMIT} where samples are chosen.")  # fmt: skip
@click.option("-o", "--output", type=LocalPath(SEND, dir_okay=False),
              help="Write the page there; view.html where samples are chosen.")  # fmt: skip
@click.option("--open", "launch", is_flag=True, help="Open the page in the browser.")
@json_option
def command(
    corpus: str, *, splits: tuple[str, ...], strata: tuple[int, ...], rains: tuple[str, ...], keys: tuple[str, ...],
    worst: int, limit: int | None, output: Path | None, launch: bool, as_json: bool,
) -> None:  # fmt: skip
    r"""Show a corpus: its page of figures and samples, or a page of samples that you choose.

    Every corpus has a page, report/index.html, that opens in any browser, without a network; its path is printed. With
    --split, --stratum, --rain, --key or --worst, a page of the samples that fit all of them is written, with their
    figures. CORPUS is a folder or any address that fsspec opens. --json prints the rows of the shown samples, and
    writes a page only where --output names it.

    \b
    Example:
      rainkit view corpora/quickstart-1.0.0
      rainkit view corpora/quickstart-1.0.0 --rain streaks --stratum 4 -o streaks.html
      rainkit view corpora/quickstart-1.0.0 --worst 10 --json
    """
    from rainkit.data.stores import open_store
    from rainkit.files import write_bytes
    from rainkit.release.page import draw_page
    from rainkit.release.page_tables import Wanted

    store = open_store(corpus)
    wanted = Wanted(splits, strata, rains, keys)
    chosen = bool(wanted.columns) or worst > 0 or limit is not None
    if not (chosen or output or as_json):
        _point(_find_page(store), launch=launch)
        return
    given: dict[str, Any] = {"pictures": _has_pictures(store)}
    if chosen:
        sides = (SIDE, SIDE // 2, SIDE // 4)
        most = limit or max(LIMIT, worst)
        given |= {"wanted": wanted, "worst": worst, "limit": most, "sides": sides, "budget": BUDGET}
    view = draw_page(store, **given)
    target = output or (None if as_json else Path("view.html"))
    if target is not None:
        write_bytes(target, view.html.encode())
    if as_json:
        rows = [sample.row for sample in view.samples]
        page = str(target) if target is not None else None
        print_json({"page": page, "matching": view.matching, "total": view.total, "samples": rows})
    elif target is not None:
        click.echo(f"{view.matching:,} of {view.total:,} samples, {len(view.samples):,} shown", err=True)
        _point(str(target), launch=launch)


def _find_page(store: Store) -> str:
    """Return path or address of the page of a corpus.

    Raises
    ------
    SourceError
        If it has none.
    """
    from rainkit.errors import SourceError
    from rainkit.release.page import PAGE
    from rainkit.release.page_tables import SAMPLES

    try:
        store.read(PAGE)
    except SourceError as error:
        try:
            store.read(SAMPLES)
        except SourceError:
            raise SourceError(f"{store.address} is not a corpus, or its build is not finished: {error}") from error
        raise SourceError(f"{store.address} has no {PAGE}; write one elsewhere with --output FILE") from error
    return f"{store.address}/{PAGE}"


def _has_pictures(store: Store) -> bool:
    """Return whether the shards are there, as the checksums say; a release of a manifest alone lists none."""
    from rainkit.errors import SourceError
    from rainkit.release.checksums import CHECKSUMS, parse_checksums

    try:
        listed = parse_checksums(bytes(store.read(CHECKSUMS)).decode("utf-8", "backslashreplace"))
    except SourceError:
        return True
    return any(path.startswith("data/") for path in listed)


def _point(page: str, *, launch: bool) -> None:
    """Print where a page is, and open it if asked to."""
    click.echo(page)
    if launch:
        import webbrowser

        webbrowser.open(page if "://" in page else Path(page).resolve().as_uri())
