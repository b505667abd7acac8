"""The page of a corpus: `report/index.html`, one file without outside parts that shows what the corpus holds.

A page is a function of the tables, the recipe and the pictures of a corpus: no clock, no host, no version of a library,
so that two builds of a recipe, and a rebuild, write the same bytes. Only chosen columns and a few samples are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit.backgrounds import REASONS
from rainkit.data import Corpus
from rainkit.data.stores import LocalStore, Store
from rainkit.errors import IntegrityError
from rainkit.files import write_bytes
from rainkit.manifest import members_of, metadata_of
from rainkit.release.checksums import hash_file
from rainkit.release.figures import detail_columns, take_rows
from rainkit.release.page_charts import BASE, MAX_GROUPS, MAX_SPREADS, WIDTH, Chart, draw_chart
from rainkit.release.page_pictures import (
    BUDGET,
    MOST,
    SIDES,
    Shown,
    choose_members,
    choose_rows,
    show_samples,
)
from rainkit.release.page_tables import MAX_LINES, Chosen, Wanted, list_refusals, list_sources
from rainkit.strata import METADATA_KEY
from rainkit.templates import load_template

PAGE = "report/index.html"
"""Path of the page within a corpus."""
NAME = 80
"""Characters of a name or path that are shown."""
MAX_CHARTS = 24
"""Columns that are drawn; how many are not is said."""

_TEXTS = {
    "score": ("complexity score", "of the samples' backgrounds; strata are cut from it", ""),
    "psnr_rainy": ("severity", "PSNR of the rainy picture against the clean one; lower is heavier rain", "dB"),
    "coverage": ("coverage", "share of the pixels that have rain", ""),
    "rain_mean": ("brightness of the rain", "mean of the rain layer over all pixels, of 255", "1/255"),
    "ssim_rainy": ("SSIM", "structural similarity of the rainy picture and the clean one", ""),
}


_CONSTANTS = {
    "reasons": REASONS,
    "max_lines": MAX_LINES,
    "max_groups": MAX_GROUPS,
    "max_spreads": MAX_SPREADS,
    "width": WIDTH,
    "base": BASE,
}


@dataclass(frozen=True, slots=True)
class View:
    """A page and what it shows.

    Attributes
    ----------
    html : str
        The page.
    samples : tuple of Shown
        Samples with their pictures, in the order of the page.
    matching, total : int
        Samples that were meant, and samples of the corpus.
    """

    html: str
    samples: tuple[Shown, ...]
    matching: int
    total: int


def write_page(folder: Path, *, pictures: bool) -> dict[str, str]:
    """Write the page of a corpus into it and return its path and SHA-256.

    Parameters
    ----------
    folder : Path
        A corpus with its tables and recipe.
    pictures : bool
        Whether its shards are there; the page of a manifest alone has tables and figures, and no samples.
    """
    path = folder / PAGE
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, draw_page(LocalStore(folder), pictures=pictures).html.encode())
    return {PAGE: hash_file(path)[0]}


def draw_page(
    store: Store,
    wanted: Wanted | None = None,
    *,
    pictures: bool,
    worst: int = 0,
    limit: int = MOST,
    sides: Sequence[int] = SIDES,
    budget: int = BUDGET,
) -> View:
    """Return the page of a corpus, or of some of its samples.

    Parameters
    ----------
    store : Store
        The corpus.
    wanted : Wanted, optional
        Which samples the page is about; all where not given.
    pictures : bool
        Whether the shards are there.
    worst : int
        Show so many samples with the lowest PSNR of the rainy picture; 0 shows some of each rain and stratum.
    limit : int
        Most samples to show.
    sides : sequence of int
        Longest sides of shown pictures to try, in pixels, until they fit the budget.
    budget : int
        Most characters of the pictures.

    Raises
    ------
    SourceError, IntegrityError
        If the corpus cannot be read.
    RecipeError
        If it has no such samples.
    """
    recipe = Corpus(store).recipe
    order = {"split": _keys(recipe.get("splits")), "rain": _keys(recipe.get("rain"))}
    chosen = Chosen(store, wanted or Wanted(), order)
    whole = wanted is None and not worst
    rows = _choose(chosen, worst, limit, fill=not whole)
    samples = _show(chosen, rows, pictures=pictures, sides=sides, budget=budget)
    if not worst:
        place = {name: number for number, name in enumerate(chosen.rain.names)}
        samples.sort(key=lambda each: (place[each.row["rain"]], each.row["stratum"]))
    asked = [] if wanted is None else _words(wanted)
    asked += [f"the {worst} with the lowest PSNR"] if worst else []
    html = _render(store, recipe, chosen, samples, asked, whole=whole, pictures=pictures)
    # A recipe's escapes may stand for half a character, which no file can hold.
    html = html.encode("utf-8", "replace").decode()
    return View(html, tuple(samples), len(chosen.rows), chosen.total)


def _keys(block: Any) -> list[str]:
    return list(block) if isinstance(block, dict) else []


def _words(wanted: Wanted) -> list[str]:
    """Return what is asked for in words."""
    return [
        f"{name} {', '.join(map(str, values[:MAX_LINES]))}{' ...' * (len(values) > MAX_LINES)}"
        for name, values in wanted.columns.items()
    ]


def _choose(chosen: Chosen, worst: int, limit: int, *, fill: bool) -> NDArray[np.int64]:
    """Return the rows of the samples to show, those that matter most first."""
    severity = chosen.numbers("psnr_rainy")
    if worst:
        return chosen.rows[np.argsort(severity, kind="stable")[: min(worst, limit)]]
    return chosen.rows[choose_rows(chosen.rain.numbers, chosen.stratum.numbers, severity, limit, fill=fill)]


def _show(chosen: Chosen, rows: NDArray[np.int64], *, pictures: bool, sides: Sequence[int], budget: int) -> list[Shown]:
    names = detail_columns(chosen.schema, members_of(chosen.schema))
    details = take_rows(chosen.file(), rows.tolist(), names)
    return show_samples(chosen.store, details, pictures=pictures, budget=budget, sides=sides)


def _charts(chosen: Chosen) -> list[Chart]:
    strata, rains = chosen.stratum.numbers, (chosen.rain.names, chosen.rain.numbers)
    charts: list[Chart | None] = []
    for name in (name for name in _TEXTS if name in chosen.table.column_names):
        if name == "score":
            charts.append(draw_chart(_TEXTS[name], chosen.numbers(name), strata, edges=_edges(chosen)))
        else:
            charts.append(draw_chart(_TEXTS[name], chosen.numbers(name), rains=rains))
    for name, identity in sorted(chosen.estimators.items()):
        charts.append(draw_chart((name, identity, ""), chosen.numbers(name), strata))
    return [chart for chart in charts if chart is not None]


def _edges(chosen: Chosen) -> list[float]:
    """Return where strata begin; empty where the manifest does not say."""
    try:
        found = json.loads((chosen.schema.metadata or {}).get(METADATA_KEY, b"{}"))
        return [float(edge) for edge in found.get("edges", ())]
    except (AttributeError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"{chosen.store.address}: the record of the strata is damaged ({error}); verify the corpus"
        ) from error


def _render(
    store: Store,
    recipe: dict[str, Any],
    chosen: Chosen,
    samples: list[Shown],
    asked: list[str],
    *,
    whole: bool,
    pictures: bool,
) -> str:
    template = load_template("rainkit.release", "page.html", number=show_number, fixed=show_fixed, short=shorten)
    entries = metadata_of(chosen.schema)
    charts = _charts(chosen)
    cells = {(sample.row["rain"], sample.row["stratum"]) for sample in samples}
    members = members_of(chosen.schema)
    return template.render(
        corpus=entries.get("corpus", ""),
        entries=entries,
        recipe={"description": "", "license": "", "seed": "", **recipe},
        part="selection" in entries,
        asked=asked,
        whole=whole,
        pictures=pictures,
        chosen=chosen,
        tables=[("split", chosen.split), ("stratum", chosen.stratum), ("rain", chosen.rain)],
        charts=charts[:MAX_CHARTS],
        more_charts=len(charts[MAX_CHARTS:]),
        samples=samples,
        groups=list(_group(samples)),
        layer=next(iter(choose_members(members)[2:]), ""),
        side=max((max(each.width, each.height) for each in samples), default=0),
        shown_cells=len(cells),
        cells=int(np.count_nonzero(chosen.cross(chosen.rain, chosen.stratum))),
        sources=list_sources(store, chosen) if whole else [],
        refusals=list_refusals(store) if whole else [],
        members=sorted(members.values()),
        **_CONSTANTS,
    )


def _group(samples: list[Shown]) -> Iterator[tuple[str, list[Shown]]]:
    """Yield runs of samples with one rain."""
    run: list[Shown] = []
    for sample in samples:
        if run and sample.row["rain"] != run[0].row["rain"]:
            yield run[0].row["rain"], run
            run = []
        run.append(sample)
    if run:
        yield run[0].row["rain"], run


def show_number(value: Any) -> str:
    """Return a number with three digits that matter, without an exponent; other values as text.

    Examples
    --------
    >>> show_number(1234.5), show_number(0.01234), show_number(float("inf")), show_number("taper")
    ('1,234', '0.0123', '∞', 'taper')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return shorten(f"{value:,}")
    if not isinstance(value, float):
        return shorten(value)
    if not math.isfinite(value) or abs(value) >= 1000:
        return shorten(show_fixed(value, 0))
    return f"{float(f'{value:.3g}'):.6f}".rstrip("0").rstrip(".") if value else "0"


def show_fixed(value: float, digits: int) -> str:
    """Return a number with so many digits after the point.

    Examples
    --------
    >>> show_fixed(15.98, 1), show_fixed(float("inf"), 1)
    ('16.0', '∞')
    """
    if math.isfinite(value):
        return f"{value:,.{digits}f}"
    return "-" if math.isnan(value) else f"{'-' * (value < 0)}∞"


def shorten(value: Any, most: int = NAME) -> str:
    """Return a value as text of at most so many characters, the last a mark where some were cut.

    Examples
    --------
    >>> shorten("a" * 100, 5)
    'aaaa…'
    """
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
