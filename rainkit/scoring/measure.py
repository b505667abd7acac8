"""Measure every picture of some sets; what was measured before, by a build or by this, is remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rainkit import complexity
from rainkit.cache import Cache
from rainkit.complexity import COMPOSITES, ESTIMATORS, Complexity, Instrument
from rainkit.complexity.guards import GUARDS, measure_guards
from rainkit.complexity.views import AREA
from rainkit.engines.serial import Serial
from rainkit.errors import RecipeError, SourceError
from rainkit.images import PictureError, decode, use_threads
from rainkit.pictures import PictureSet
from rainkit.records import Engine, Picture, Pixels, Report, quiet
from rainkit.scoring.scores import Column, Scores

BATCH = 16
"""Pictures of one task."""
_SIZE = "size/1"
_GUARDS = "guards/1"
Row = dict[str, Any]


def choose_instruments(names: Sequence[str] = ()) -> tuple[Instrument, ...]:
    """Return the estimators of the given kinds; all that a recipe may list where none is given.

    Raises
    ------
    RecipeError
        If a name is unknown; it says which one may be meant.
    """
    from rainkit.recipe.problems import suggest  # noqa: PLC0415 - pulls in the recipe, needed for an error alone

    for name in names:
        if name not in ESTIMATORS:
            raise RecipeError(f"there is no estimator {name!r}{suggest(name, ESTIMATORS)}; `rainkit show estimators`")
    return tuple(ESTIMATORS[name]() for name in (dict.fromkeys(names) or ESTIMATORS))


@dataclass(frozen=True, slots=True)
class _Order:
    instruments: tuple[Instrument, ...]
    guards: bool
    cache: Path | None

    def facets(self) -> dict[str, str]:
        facets = {each.kind: each.identify("picture") for each in self.instruments} | {"size": _SIZE}
        return facets | ({"guards": _GUARDS} if self.guards else {})


def score_pictures(
    sets: Mapping[str, PictureSet],
    instruments: Sequence[Instrument] | None = None,
    *,
    guards: bool = True,
    engine: Engine | None = None,
    cache: Path | None = None,
    report: Report = quiet,
) -> Scores:
    """Return the scores of every picture that can be read.

    Parameters
    ----------
    sets : mapping of str to PictureSet
        Sets by the name that the table shows.
    instruments : sequence of Instrument, optional
        Estimators; all where not given. Composites all of whose members can be measured are added.
    guards : bool
        Whether to measure what fools estimators: borders, enlargement, earlier compression, noise.
    engine : Engine, optional
        Runs the batches; one after the other without it.
    cache : Path, optional
        File of `rainkit.cache`; nothing is remembered without it.
    report : callable, optional
        Follows the progress.

    Raises
    ------
    SourceError
        If no picture can be read.
    """
    chosen = tuple(instruments if instruments is not None else choose_instruments())
    composites = [Complexity(estimators=[{"kind": each.kind} for each in chosen], score=name) for name in COMPOSITES]
    needed = {each.kind: each for block in composites for each in block.instruments}
    order = _Order(tuple({**needed, **{each.kind: each for each in chosen}}.values()), guards, cache)
    offers = [(number, picture) for number, found in enumerate(sets.values()) for picture in found.pictures]
    batches = [offers[start : start + BATCH] for start in range(0, len(offers), BATCH)]
    rows: list[list[Row | str]] = [[] for _ in batches]
    advance = report("Scoring", len(offers))
    tasks = [[picture for _, picture in batch] for batch in batches]
    for index, results in (engine or Serial())(partial(_measure_batch, order), tasks):
        rows[index] = results
        advance(len(results), batches[index][-1][1].path)
    flat = [row for batch in rows for row in batch]
    names = tuple(sets)
    bad = [
        (names[number], picture.path, row)
        for (number, picture), row in zip(offers, flat, strict=True)
        if isinstance(row, str)
    ]
    kept = [(offer, row) for offer, row in zip(offers, flat, strict=True) if not isinstance(row, str)]
    if not kept:
        why = f"; the first: {bad[0][1]}: {bad[0][2]}" if bad else ""
        raise SourceError(f"none of {len(offers)} pictures can be read{why}")
    columns, values = _tabulate([row for _, row in kept], chosen, composites, guards)
    sizes = np.array([row["size"] for _, row in kept], dtype=np.int32)
    return Scores(
        sets=names,
        members=np.array([number for (number, _), _ in kept], dtype=np.int32),
        paths=[picture.path for (_, picture), _ in kept],
        sizes=sizes,
        small=sizes[:, 0].astype(np.int64) * sizes[:, 1] < AREA,
        columns=tuple(columns),
        values=values,
        unreadable=bad,
    )


def _tabulate(
    rows: Sequence[Row], chosen: Sequence[Instrument], composites: Sequence[Complexity], guards: bool
) -> tuple[list[Column], Any]:
    measured = {kind: np.array([row[kind] for row in rows], dtype=np.float64) for kind in rows[0] if kind in _KINDS}
    columns, values = [], []
    for block in composites:
        score, spread = block.combine(measured)
        columns.append(
            Column(block.score, "composite", block.score_id, "1", f"Mean rank of {', '.join(block.members)}.")
        )
        columns.append(Column(f"{block.score}_spread", "spread", block.score_id, "1", "How far its members disagree."))
        values += [score, spread]
    for each in chosen:
        about = str(type(each).model_fields["kind"].description)
        columns.append(Column(each.kind, "estimator", each.identify("picture"), each.unit, about))
        values.append(measured[each.kind])
    if guards:
        for name, guard in GUARDS.items():
            about = f"{guard.meaning[0].upper()}{guard.meaning[1:]}; above {guard.suggested:g} is suspicious."
            columns.append(Column(name, "guard", f"{name}@{_GUARDS}", guard.unit, about))
            values.append(np.array([row["guards"][name] for row in rows], dtype=np.float64))
    return columns, np.array(values)


_KINDS = frozenset(complexity.INSTRUMENTS)


def _measure_batch(order: _Order, pictures: Sequence[Picture]) -> list[Row | str]:
    use_threads(1)
    cache = Cache(order.cache)
    try:
        return [_measure_one(order, picture, cache) for picture in pictures]
    finally:
        cache.close()


def _measure_one(order: _Order, picture: Picture, cache: Cache) -> Row | str:
    facets = order.facets()
    try:
        data = picture.read()
        raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).data
        content = hashlib.sha256(raw).hexdigest()
        known = cache.get(content, facets.values())
        row = {part: known[facet] for part, facet in facets.items() if facet in known}
        if len(row) < len(facets):
            fresh = _measure(decode(data) if isinstance(data, bytes) else data, order, facets.keys() - row.keys())
            row |= fresh
            cache.put({(content, facets[part]): value for part, value in fresh.items()})
    except (OSError, PictureError) as error:
        return getattr(error, "strerror", None) or str(error)
    return row


def _measure(pixels: Pixels, order: _Order, missing: set[str]) -> Row:
    row: Row = {}
    wanted = [each for each in order.instruments if each.kind in missing]
    if wanted:
        row |= complexity.measure(pixels, wanted)
    if "size" in missing:
        row["size"] = [pixels.shape[1], pixels.shape[0]]
    if "guards" in missing:
        row["guards"] = measure_guards(pixels)
    return row
