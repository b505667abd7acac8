"""Pictures for a page: which samples stand for a corpus, and their members as small data URIs within a budget."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.data.stores import Store
from rainkit.errors import IntegrityError
from rainkit.images import encode_png
from rainkit.records import Pixels
from rainkit.release.figures import open_rows, shrink

BUDGET = 1_800_000
"""Characters of a page that its pictures may take; with all else a page takes about 2 MiB."""
SIDES = (128, 96, 64, 48)
"""Longest sides of a picture that are tried, in pixels, until the pictures of a page fit its budget."""
MOST = 96
"""Samples that are read for a page; a corpus with more pairs of rain and stratum shows a part of them."""
LAYERS = ("rain", "mask")
"""Members that show the rain alone, the best first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as a page shows it.

    Attributes
    ----------
    row : dict
        Its row of the manifest, without places of members.
    pictures : dict of str to str
        Member -> data URI of a PNG; empty where the corpus has no pictures.
    width, height : int
        Of the pictures, in pixels.
    """

    row: dict[str, Any]
    pictures: dict[str, str]
    width: int = 0
    height: int = 0


def choose_rows(
    rain: NDArray[np.int64],
    stratum: NDArray[np.int64],
    severity: NDArray[np.float64],
    limit: int = MOST,
    *,
    fill: bool = False,
) -> NDArray[np.int64]:
    """Return numbers of samples that show every pair of rain and stratum, those that matter most first.

    Of each pair the median by severity is taken, or several at equal distances. Pairs are ordered so that the first
    few show every rain, and the strata evenly.

    Parameters
    ----------
    rain, stratum : int64 array, shape (N,)
        Numbers of rain and stratum of each sample, from 0.
    severity : float64 array, shape (N,)
        PSNR of the rainy pictures.
    limit : int
        Most samples.
    fill : bool
        Whether to take as many of each pair as the limit allows, and not one.
    """
    if not len(rain):
        return np.empty(0, np.int64)
    strata = int(stratum.max()) + 1
    place = rain * strata + stratum
    order = np.lexsort((severity, place))
    cells, starts = np.unique(place[order], return_index=True)
    stops = np.append(starts[1:], len(order))
    which, level = cells // strata, cells % strata
    diagonal = np.lexsort((which, (level - which) % strata))[:limit]
    share = max(1, limit // len(cells)) if fill else 1
    chosen = []
    for turn in range(share):
        for cell in diagonal.tolist():
            first, count = int(starts[cell]), int(stops[cell] - starts[cell])
            taken = min(count, share)
            if turn < taken:
                chosen.append(order[first + (2 * turn + 1) * count // (2 * taken)])
    return np.array(chosen, dtype=np.int64)


def choose_members(members: Mapping[str, str]) -> tuple[str, ...]:
    """Return the members that a page shows: the pair, and the layer or mask where there is one."""
    layer = next((name for name in LAYERS if members.get(name, "").endswith(".png")), None)
    pair = tuple(name for name in ("rainy", "clean") if members.get(name, "").endswith(".png"))
    return (*pair, layer) if layer else pair


def show_samples(
    store: Store, details: pa.Table, *, pictures: bool, budget: int = BUDGET, sides: Sequence[int] = SIDES
) -> list[Shown]:
    """Return samples with their pictures, made as small as the budget asks; the last are left out if none fits.

    Parameters
    ----------
    store : Store
        The corpus.
    details : pyarrow.Table
        Their rows with `detail_columns`, those that matter most first.
    pictures : bool
        Whether the corpus has its shards; without them the rows alone are shown.
    budget : int
        Most characters of all data URIs.
    sides : sequence of int
        Longest sides to try, in pixels.

    Raises
    ------
    IntegrityError, SourceError
        If a sample cannot be read.
    """
    rows = [_plain(row) for row in details.to_pylist()]
    if not pictures:
        return [Shown(row, {}) for row in rows]
    few = open_rows(store, details)
    members = choose_members(few.members)
    small: list[list[dict[str, Pixels]]] = []
    for number in range(len(rows)):
        arrays = few.read(number, members)
        small.append([{name: shrink(pixels, side) for name, pixels in arrays.items()} for side in sides])
    found: list[Shown] = []
    for place in range(len(sides)):
        found = [_encode(row, each[place]) for row, each in zip(rows, small, strict=True)]
        if sum(_length(shown) for shown in found) <= budget:
            return found
    sizes = np.cumsum([_length(shown) for shown in found])
    return found[: int(np.searchsorted(sizes, budget, side="right"))]


def _length(shown: Shown) -> int:
    return sum(map(len, shown.pictures.values()))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without places, with the drawn parameters read."""
    kept = {name: value for name, value in row.items() if not name.endswith(("_offset", "_size"))}
    try:
        kept["rain_params"] = dict(json.loads(row["rain_params"]))
        json.dumps(kept["rain_params"], ensure_ascii=False).encode()  # escapes may stand for half a character
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"rain_params of sample {row['key']} is no JSON object: {error}; verify it") from error
    return kept


def _encode(row: dict[str, Any], small: Mapping[str, Pixels]) -> Shown:
    pictures = {name: f"data:image/png;base64,{base64.b64encode(_png(each)).decode()}" for name, each in small.items()}
    height, width = small["rainy"].shape[:2]
    return Shown(row, pictures, width, height)


def _png(pixels: Pixels) -> bytes:
    # Grey pictures of other widths would go through OpenCV's encoder, whose bytes follow its version.
    grey = pixels.ndim == 2 and pixels.shape[1] % 4 and pixels.shape[1] % 3
    return encode_png(np.repeat(pixels[:, :, None], 3, axis=2) if grey else pixels)
