"""The survey: every picture of the sources read once, admitted or refused, measured; what was measured is remembered.

Workers read, decode and measure; what only all pictures together decide is settled afterwards: duplicates,
near-duplicates, limits, and the order, which is that of the pictures' digests and so of their content.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainkit import complexity
from rainkit.recipe import Recipe
from rainkit.records import Engine, Refused, Report
from rainkit.survey.measuring import BATCH, Measured, Offer, Order, list_offers, survey_batch
from rainkit.survey.settling import Survey, settle

__all__ = [
    "Measured",
    "Offer",
    "Survey",
    "list_offers",
    "list_units",
    "score_pictures",
    "settle",
    "survey",
]


def survey(recipe: Recipe, engine: Engine, cache: Path | None, report: Report) -> Survey:
    """Read and measure every picture of a recipe's sources.

    Parameters
    ----------
    recipe : Recipe
        With sources placed.
    engine : Engine
        Runs the batches.
    cache : Path or None
        File of `rainkit.cache`.
    report : callable
        Follows the progress.

    Raises
    ------
    SourceError
        If a source cannot be listed.
    BuildError
        If pictures are refused and the recipe says stop, or more are refused than it allows.
    """
    offers = list_offers(recipe)
    advance = report("survey", len(offers))
    patch = recipe.samples.patch or 0
    block = recipe.complexity
    order = Order(recipe.backgrounds, recipe.instruments, block.unit, patch, block.stride or patch, cache)
    batches = [offers[start : start + BATCH] for start in range(0, len(offers), BATCH)]
    found: list[tuple[Measured | Refused, bool]] = [None] * len(offers)  # type: ignore[list-item]
    for number, results in engine(functools.partial(survey_batch, order), batches):
        found[number * BATCH : number * BATCH + len(results)] = results
        advance(len(results), offers[number * BATCH].picture.path)
    settled = settle(recipe, offers, [result for result, _ in found])
    remembered = sum(known for _, known in found)
    return dataclasses.replace(settled, offered=len(offers), remembered=remembered)


def list_units(recipe: Recipe, measured: Sequence[Measured]) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield what samples are cut from: the number of the background and x, y, width, height."""
    patch = recipe.samples.patch
    for number, item in enumerate(measured):
        width, height = item.background.width, item.background.height
        if recipe.complexity.unit == "patch" and patch is not None:
            for rect in complexity.patch_grid(height, width, patch, recipe.complexity.stride).tolist():
                yield number, tuple(rect)
        else:
            yield number, (0, 0, width, height)


def score_pictures(recipe: Recipe, found: Survey) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score of every admitted picture as a whole, and the spread of its members, float64 (N,)."""
    columns = {
        each.kind: np.array([background.scores[each.kind] for background in found.backgrounds])
        for each in recipe.instruments
    }
    return recipe.complexity.model_copy(update={"unit": "picture"}).combine(columns)
