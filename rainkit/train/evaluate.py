"""Judge methods on cases: a corpus split, pairs in folders, or rainy pictures without truth."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.errors import RecipeError, SourceError
from rainkit.files import write_bytes
from rainkit.records import Pixels
from rainkit.train.metrics import MASK_THRESHOLD, METRICS, PROTOCOL, SSIM_WINDOW, measure, measure_rain_free
from rainkit.train.pairs import LAYOUTS, PicturePair, list_pictures, read_picture

if TYPE_CHECKING:
    from rainkit.data.torch import ReadableCorpus

Method = Callable[[Pixels], Pixels]
"""Maps a rainy picture, uint8 H x W x 3, to a derained one."""

_FACTS = ("key", "split", "stratum", "rain", "background_id")


@dataclass(frozen=True, slots=True)
class Case:
    """A rainy picture to judge methods on.

    Attributes
    ----------
    key : str
        Name of the sample, or of the file without its suffix.
    split, rain : str
        As the corpus calls them; of pairs, the name of the set and an empty name.
    stratum : int or None
        Of background complexity, where it is known.
    background_id : str
        What samples of one background share.
    rainy : uint8 array, H x W x 3
        Input.
    clean : uint8 array, H x W x 3, or None
        Truth, where there is one.
    """

    key: str
    split: str
    stratum: int | None
    rain: str
    background_id: str
    rainy: Pixels
    clean: Pixels | None


def results_schema(threshold: int) -> pa.Schema:
    """Return the schema of a table of results, one row a case and method; settings are in its metadata."""
    kinds = {"stratum": pa.int16()}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in ("method", *_FACTS)]
    for name, metric in METRICS.items():
        fields.append(pa.field(name, pa.float64(), metadata={"description": metric.description, "unit": metric.unit}))
    settings = PROTOCOL | {"mask_threshold": threshold}
    return pa.schema(fields, metadata={f"rainkit:{name}": json.dumps(value) for name, value in settings.items()})


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases by number, each read when it is asked for.

    Attributes
    ----------
    count : int
        How many.
    load : callable
        Number to `Case`.
    """

    count: int
    load: Callable[[int], Case]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Case]:
        return map(self.load, range(self.count))

    def spread(self, limit: int | None) -> Cases:
        """Return `limit` of them, evenly spaced, or all.

        Raises
        ------
        RecipeError
            If `limit` is below 1.
        """
        if limit is not None and limit < 1:
            raise RecipeError(f"limit {limit}: judge at least one sample, or leave the limit out for all")
        if limit is None or limit >= self.count:
            return self
        return Cases(limit, lambda number: self.load(number * self.count // limit))


def corpus_cases(corpus: ReadableCorpus, rows: Iterable[int]) -> Cases:
    """Return the samples of a corpus in the given rows."""
    chosen = np.asarray(list(rows), dtype=np.int64)
    facts = corpus.samples.select(list(_FACTS)).take(pa.array(chosen))

    def load(number: int) -> Case:
        members = corpus.read(int(chosen[number]), ("rainy", "clean"))
        fact = {name: facts[name][number].as_py() for name in _FACTS}
        return Case(**fact, rainy=members["rainy"], clean=members["clean"])

    return Cases(len(chosen), load)


def pair_cases(pairs: Sequence[PicturePair]) -> Cases:
    """Return pairs of picture files as cases; inputs that share a target share a background.

    Loading raises `SourceError` where a picture cannot be read or a pair's sizes differ.
    """

    def load(number: int) -> Case:
        pair = pairs[number]
        rainy, clean = pair.read()
        return Case(pair.rainy.stem, _set_name(pair.rainy.parent), None, "", pair.clean.stem, rainy, clean)

    return Cases(len(pairs), load)


def picture_cases(folder: Path) -> Cases:
    """Return the rainy pictures of a folder, which have no truth.

    Raises
    ------
    SourceError
        If the folder has no pictures; loading raises it where one cannot be read.
    """
    paths = list_pictures(folder)

    def load(number: int) -> Case:
        path = paths[number]
        return Case(path.stem, folder.name, None, "", path.stem, read_picture(path), None)

    return Cases(len(paths), load)


def evaluate(
    cases: Iterable[Case],
    methods: Mapping[str, Method],
    *,
    threshold: int = MASK_THRESHOLD,
    rain_free: bool = True,
    done: Callable[[Case, Mapping[str, Pixels]], None] = lambda case, results: None,
) -> pa.Table:
    """Return every metric of every method on every case.

    Parameters
    ----------
    cases : iterable of Case
        Gone through once.
    methods : mapping of str to callable
        Name to method; put `baselines.BASELINES` beside a network.
    threshold : int
        Of the rain mask, in levels, 0 to 254.
    rain_free : bool
        Whether to give each method the clean picture too, which doubles the work, to see what it harms.
    done : callable
        Called with each case and its results by method, to save or show them.

    Returns
    -------
    pyarrow.Table
        As `results_schema` says; metrics that need a truth are null without it, and where they are undefined.

    Raises
    ------
    RecipeError
        If there is no method, or the threshold is out of range.
    SourceError
        If there is no case, or a case is too small to be measured.
    """
    if not methods:
        raise RecipeError("nothing to evaluate: name a checkpoint or keep the baselines")
    if not 0 <= threshold <= 254:
        raise RecipeError(f"threshold {threshold}: levels of the rain mask are 0 to 254")
    rows: list[dict[str, Any]] = []
    for case in cases:
        _require_size(case)
        results = {name: method(case.rainy) for name, method in methods.items()}
        try:
            rows += [_row(case, name, results[name], methods[name], threshold, rain_free=rain_free) for name in methods]
        except ValueError as error:
            raise SourceError(f"{case.key}: {error}") from error
        done(case, results)
    if not rows:
        raise SourceError("nothing to evaluate: no pictures were found")
    return pa.Table.from_pylist(rows, schema=results_schema(threshold))


def pick_cases(table: pa.Table, method: str, metric: str = "gain_psnr_y") -> dict[str, int]:
    """Return the numbers of the best, median and worst case of a method by a metric; fewer names when cases are few.

    Parameters
    ----------
    table : pyarrow.Table
        As `evaluate` returns it.
    method, metric : str
        Of the table.
    """
    values = zip(table["method"].to_pylist(), table[metric].to_pylist(), strict=True)
    own = [value for name, value in values if name == method]
    falling = METRICS[metric].better != "lower"
    ranked = sorted((number for number, value in enumerate(own) if value is not None), key=lambda n: own[n])
    ranked = ranked[::-1] if falling else ranked
    places = {"best": 0, "median": len(ranked) // 2, "worst": len(ranked) - 1}
    picked: dict[str, int] = {}
    for name, place in places.items():
        if ranked and ranked[place] not in picked.values():
            picked[name] = ranked[place]
    return picked


def write_results(path: Path, table: pa.Table) -> None:
    """Write a table of results as Parquet, whole or not at all.

    Raises
    ------
    BuildError
        If the disk refuses.
    """
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_bytes(path, buffer.getvalue())


def settings_of(table: pa.Table) -> dict[str, Any]:
    """Return the settings behind a table of results: data range, window, threshold of the mask."""
    entries = (table.schema.metadata or {}).items()
    return {name.decode().removeprefix("rainkit:"): json.loads(value) for name, value in entries}


def _set_name(folder: Path) -> str:
    """Return the name of a set of pairs: that of the folder above where the folder is called `input` or alike."""
    inputs = {name for name, _ in LAYOUTS}
    return folder.parent.name if folder.name.lower() in inputs else folder.name


def _row(case: Case, name: str, result: Pixels, method: Method, threshold: int, *, rain_free: bool) -> dict[str, Any]:
    facts = {field: getattr(case, field) for field in _FACTS}
    row: dict[str, Any] = {"method": name, **facts}
    if case.clean is None:
        return row | dict.fromkeys(METRICS)
    values = measure(case.rainy, case.clean, result, threshold)
    if rain_free:
        values |= measure_rain_free(case.clean, method(case.clean))
    return row | {metric: _known(values.get(metric)) for metric in METRICS}


def _require_size(case: Case) -> None:
    """Raise where a picture is smaller than a window of the metrics."""
    height, width = case.rainy.shape[:2]
    if case.clean is not None and min(height, width) < SSIM_WINDOW:
        place = f" of {case.split}" if case.split else ""
        raise SourceError(
            f"{case.key}{place} is {width} x {height} px, and SSIM needs {SSIM_WINDOW} x {SSIM_WINDOW} px: leave it out"
        )


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is what differs from itself
