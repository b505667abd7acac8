"""The page of `rainkit score`: one file without outside parts, readable in light and dark."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rainkit import __version__
from rainkit.complexity.guards import GUARDS
from rainkit.images import PictureError, decode, encode_jpeg
from rainkit.pictures import PictureSet
from rainkit.records import Picture, Pixels
from rainkit.scoring import Column, Scores
from rainkit.templates import load_template

SHOWN = 6
"""Pictures at each end of a score."""
SIDE = 168
"""Longer side of a thumbnail, px."""
FEW = 30
"""A set of fewer pictures is drawn as ticks: a curve would invent its shape."""

_WIDTH, _HEIGHT, _BASE = 320, 118, 96
_BINS = 32


@dataclass(frozen=True, slots=True)
class _Curve:
    number: int
    area: str
    line: str
    ticks: list[float]
    median: float


def render_page(scores: Scores, sets: Mapping[str, PictureSet]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    scores : Scores
        As `scoring.score_pictures` returns them.
    sets : mapping of str to PictureSet
        The sets they were measured on; the simplest and most complex pictures are read again.
    """
    template = load_template("rainkit.report", "scores.html", number=show_number)
    ends = {column.name: _ends(scores, column.name) for column in scores.named("composite", "estimator")}
    shown = sorted({row for both in ends.values() for rows in both for row in rows})
    names, table = _sort_alike(*scores.correlation())
    return template.render(
        scores=scores,
        version=__version__,
        sets=_describe_sets(scores),
        columns=[_describe_column(scores, column) for column in scores.named("composite", "estimator")],
        names=names,
        correlation=table.tolist() if len(scores) > 2 else [],
        ends=ends,
        thumbnails=_thumbnails(scores, sets, shown),
        guards=[_describe_guard(scores, column) for column in scores.named("guard")],
        width=_WIDTH,
        height=_HEIGHT,
        base=_BASE,
    )


def show_number(value: float) -> str:
    """Return a number with three digits that matter, without an exponent.

    Examples
    --------
    >>> show_number(1234.5), show_number(0.01234), show_number(-2.5)
    ('1,234', '0.0123', '-2.5')
    """
    if value != value:  # noqa: PLR0124 - not a number
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):.6f}".rstrip("0").rstrip(".") if value else "0"


def _describe_sets(scores: Scores) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(scores.sets):
        inside = scores.members == number
        if not inside.any():
            continue
        values = scores.of("composite", number)
        rows.append({
            "number": number, "name": name, "count": int(inside.sum()), "small": int(scores.small[inside].sum()),
            "megapixels": float(np.median(scores.sizes[inside].astype(np.float64).prod(axis=1))) / 1e6,
            "quartiles": np.quantile(values, (0.25, 0.5, 0.75)).tolist(),
            "above": scores.superiority("composite", number) if number else None,
            "unreadable": sum(1 for row in scores.unreadable if row[0] == name),
        })  # fmt: skip
    return rows


def _describe_column(scores: Scores, column: Column) -> dict[str, Any]:
    """Return a column with its curves: a shared axis that spans all but the outermost half percent."""
    values = scores.of(column.name)
    low, high = np.quantile(values, (0.005, 0.995)).tolist()
    if high <= low:
        low, high = low - 0.5, high + 0.5
    numbers = [number for number in range(len(scores.sets)) if scores.of(column.name, number).size]
    curves = [_draw_curve(scores.of(column.name, number), number, low, high) for number in numbers]
    medians = [
        {
            "number": number,
            "quartiles": np.quantile(scores.of(column.name, number), (0.25, 0.5, 0.75)).tolist(),
            "above": scores.superiority(column.name, number) if number else None,
        }
        for number in numbers
    ]
    return {"column": column, "low": low, "high": high, "curves": curves, "medians": medians}


def _draw_curve(values: Any, number: int, low: float, high: float) -> _Curve:
    """Return one set's histogram as paths, at the same greatest height for every set, or its ticks if it has few."""
    place = (values - low) / (high - low) * _WIDTH
    median = float(np.clip(np.median(place), 0, _WIDTH))
    if values.size < FEW:
        return _Curve(number, "", "", sorted(np.clip(place, 0, _WIDTH).round(1).tolist()), median)
    counts = np.histogram(place, bins=_BINS, range=(0, _WIDTH))[0].astype(np.float64)
    smooth = np.convolve(np.pad(counts, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    heights = smooth / max(float(smooth.max()), 1.0) * (_BASE - 8)
    centres = (np.arange(_BINS) + 0.5) * _WIDTH / _BINS
    points = " ".join(f"{x:.1f},{_BASE - y:.1f}" for x, y in zip(centres, heights, strict=True))
    area = f"M{centres[0]:.1f},{_BASE} L{points} L{centres[-1]:.1f},{_BASE} Z"
    return _Curve(number, area, f"M{points}", [], median)


def _sort_alike(names: list[str], table: Any) -> tuple[list[str], Any]:
    """Return names and correlations with alike scores side by side."""
    if len(names) < 3:
        return names, table
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415 - slow to import
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - slow to import

    apart = 1 - (table + table.T) / 2
    np.fill_diagonal(apart, 0)
    order = leaves_list(linkage(squareform(np.maximum(apart, 0), checks=False), "average", optimal_ordering=True))
    return [names[index] for index in order], table[np.ix_(order, order)]


def _ends(scores: Scores, name: str) -> tuple[list[int], list[int]]:
    """Return the rows of the simplest pictures, then of the most complex, the outermost first; ties by path."""
    values = scores.of(name)
    order = np.lexsort((np.array(scores.paths), values)).tolist()
    shown = min(SHOWN, len(order) // 2) or len(order)
    return order[:shown], order[::-1][: min(SHOWN, len(order) // 2)]


def _thumbnails(scores: Scores, sets: Mapping[str, PictureSet], rows: Sequence[int]) -> dict[int, str]:
    """Return the data URI of each row's picture; rows whose picture is gone by now are left out."""
    wanted = {(scores.sets[scores.members[row]], scores.paths[row]): row for row in rows}
    uris = {}
    for name, found in sets.items():
        for picture in found.pictures:
            row = wanted.get((name, picture.path))
            pixels = _read(picture) if row is not None else None
            if row is not None and pixels is not None:
                data = base64.b64encode(encode_jpeg(shrink(pixels, SIDE), 82)).decode()
                uris[row] = f"data:image/jpeg;base64,{data}"
    return uris


def _read(picture: Picture) -> Pixels | None:
    try:
        data = picture.read()
        return decode(data) if isinstance(data, bytes) else data
    except (OSError, PictureError):
        return None


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Return a picture whose longer side is at most `side` pixels, by area averaging; never enlarged."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _describe_guard(scores: Scores, column: Column) -> dict[str, Any]:
    limit = GUARDS[column.name].suggested
    counts = [int((scores.of(column.name, number) > limit).sum()) for number in range(len(scores.sets))]
    worst = int(np.argmax(scores.of(column.name)))
    return {
        "column": column,
        "limit": limit,
        "counts": counts,
        "worst": (scores.paths[worst], float(scores.of(column.name)[worst])),
    }
