"""What sampled pairs of a corpus say: their pixels, their labels, their complexity, and their rain drawn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit import complexity, images
from rainkit.data.corpus import Corpus
from rainkit.errors import RainkitError, SourceError
from rainkit.rain import labels as measuring
from rainkit.rain.compose import compose
from rainkit.recipe import Recipe
from rainkit.records import Engine, Pixels, Rain, Report
from rainkit.samples.rendering import parse_colour
from rainkit.seeds import Stream
from rainkit.strata import Stratification
from rainkit.train.inspection import inspect_pair
from rainkit.train.metrics import MASK_THRESHOLD

BATCH = 25
"""Pairs of one task."""
DRAWS = 128
"""Draws of each rain, at least, that its pictures are held against."""

_STATED = ("key", "split", "stratum", "score", "rain", "psnr_rainy", "coverage", "composition", "light",
           "streak_colour", "airlight", "background_id")  # fmt: skip
_ADDING = ("add", "screen")


@dataclass(frozen=True, slots=True)
class Examined:
    """What was measured.

    Attributes
    ----------
    pairs : pyarrow.Table
        One row a pair: columns that the gates of pairs name.
    redrawn : pyarrow.Table
        Other draws of the same rains on the same pictures: `rain`, `coverage`, `brightening`.
    notes : tuple of str
        Rains that could not be drawn again, and why.
    """

    pairs: pa.Table
    redrawn: pa.Table
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Examiner:
    """Measures rows of a corpus; called on a worker by an engine.

    Attributes
    ----------
    corpus : Corpus
        As opened.
    recipe : Recipe
        Of the corpus.
    draws : mapping of str to int
        Times that each rain is drawn again on each of its pictures.
    """

    corpus: Corpus
    recipe: Recipe
    draws: Mapping[str, int]

    def __call__(self, rows: Sequence[int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, str]]:
        """Return rows of pairs, rows of draws, and reasons why rains could not be drawn, by rain.

        Raises
        ------
        SourceError
            If the pictures of a pair are too small to be judged, or of different size.
        """
        images.use_threads(1)
        pairs, redrawn, failures = [], [], {}
        pixels = []
        stated = self.corpus.samples.select(_STATED).take(pa.array(rows)).to_pylist()
        names = [name for name in ("rainy", "clean", "rain", "mask", "transmission") if name in self.corpus.members]
        for row, facts in zip(rows, stated, strict=True):
            members = self.corpus.read(row, names)
            coverage = facts.pop("coverage")
            try:
                wrong = find_contradiction(members, {**facts, "coverage": coverage}, self.recipe.samples.mask_threshold)
                seen = inspect_pair(members["rainy"], members["clean"])
            except ValueError as error:
                raise SourceError(f"{facts['key']} in {self.corpus.address} cannot be judged: {error}") from error
            pairs.append(facts | {"veil": _may_darken(facts), "wrong": wrong} | asdict(seen))
            pixels.append(members["clean"])
            try:
                redrawn += list(self._redraw(facts["rain"], facts["key"], members["clean"]))
            except (RainkitError, ValueError, OSError) as error:
                failures[facts["rain"]] = str(error)
        for pair, measured in zip(pairs, self._measure(pixels), strict=True):
            pair.update(measured)
        return pairs, redrawn, failures

    def _redraw(self, rain: str, key: str, clean: Pixels) -> list[dict[str, Any]]:
        found = []
        for number in range(self.draws[rain]):
            drawn = self.recipe.rain[rain](clean.shape[:2], Stream(0, "validate", key, number))
            added = compose(clean, drawn).astype(np.int16) - clean.astype(np.int16)
            coverage = float((np.abs(added).max(axis=2) > MASK_THRESHOLD).mean())
            found.append({"rain": rain, "coverage": coverage, "brightening": float(added.mean())})
        return found

    def _measure(self, pictures: Sequence[Pixels]) -> list[dict[str, float]]:
        """Return score and second score of each picture; nothing where they are of what the corpus does not hold."""
        block = self.recipe.complexity
        if block.unit == "picture" and self.recipe.samples.patch is not None:
            return [{} for _ in pictures]
        second = getattr(self.recipe.strata, "second", None)
        needed = [each for each in self.recipe.instruments if each.kind in {*block.members, second}]
        values = [_score(picture, needed, whole=block.unit == "picture") for picture in pictures]
        columns = {each.kind: np.array([value[each.kind] for value in values]) for each in needed}
        scores, _ = block.combine(columns)
        return [
            {"score_measured": float(score), "second_measured": float(value[second]) if second else 0.0}
            for score, value in zip(scores, values, strict=True)
        ]


def _score(picture: Pixels, instruments: Sequence[Any], *, whole: bool) -> dict[str, float]:
    if whole:
        return complexity.measure(picture, instruments)
    rect = np.array([[0, 0, picture.shape[1], picture.shape[0]]], dtype=np.int32)
    return {kind: float(value[0]) for kind, value in complexity.measure_patches(picture, instruments, rect).items()}


def _may_darken(facts: Mapping[str, Any]) -> bool:
    """Return whether a composition can take light away, or add it everywhere: a veil, or streaks that hide."""
    hides = facts["composition"] not in _ADDING and facts["streak_colour"] != "#ffffff"
    return bool(facts["airlight"] != "#000000" or facts["composition"] == "heavy" or hides)


def find_contradiction(members: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], threshold: int) -> str | None:
    """Return what in a sample's labels does not fit its pictures, "" where all does, None where labels are missing.

    Parameters
    ----------
    members : mapping of str to array
        `rainy`, `clean`, and of `rain`, `mask` and `transmission` those that the corpus ships.
    facts : mapping
        `composition`, `light`, `streak_colour`, `airlight` and `coverage` of the manifest.
    threshold : int
        Of the mask in the recipe.
    """
    layer = members.get("rain")
    mask = members.get("mask")
    if layer is not None:
        drawn = measuring.mask(layer, threshold)
        if mask is not None and not np.array_equal(mask, drawn):
            return f"the mask differs from the rain layer in {np.count_nonzero(mask != drawn)} pixels"
        if abs(np.count_nonzero(drawn) / drawn.size - facts["coverage"]) > 1e-9:
            return f"the rain layer covers {np.count_nonzero(drawn) / drawn.size:.4f}, not {facts['coverage']:.4f}"
    veiled = facts["airlight"] != "#000000" or facts["composition"] == "heavy"
    if layer is None or (veiled and "transmission" not in members):
        return None
    airlight = parse_colour(facts["airlight"])
    rain = Rain(layer, facts["composition"], {}, colour=parse_colour(facts["streak_colour"]),
                transmission=members.get("transmission"), airlight=airlight, light=facts["light"])  # fmt: skip
    composed = compose(members["clean"], rain)
    if np.array_equal(composed, members["rainy"]):
        return ""
    differing = np.count_nonzero((composed != members["rainy"]).any(axis=2)) / composed[..., 0].size
    return f"clean picture and labels give another rainy one in {differing:.1%} of the pixels"


def examine(
    corpus: Corpus,
    recipe: Recipe,
    strata: Stratification | None,
    rows: Sequence[int],
    *,
    engine: Engine,
    report: Report,
) -> Examined:
    """Measure pairs of a corpus.

    Parameters
    ----------
    corpus : Corpus
        As opened.
    recipe : Recipe
        Of the corpus.
    strata : Stratification, optional
        Edges that the stated strata stand on.
    rows : sequence of int
        Which samples.
    engine : Engine
        Runs the batches.
    report : callable
        Follows the progress.

    Raises
    ------
    IntegrityError, SourceError
        If a sample cannot be read.
    """
    rains = corpus.samples["rain"].take(pa.array(rows)).to_pylist()
    draws = {rain: -(-DRAWS // rains.count(rain)) for rain in dict.fromkeys(rains)}
    batches = [list(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
    found: list[Any] = [None] * len(batches)
    advance = report("pairs", len(rows))
    for number, result in engine(Examiner(corpus, recipe, draws), batches):
        found[number] = result
        advance(len(batches[number]), "")
    pairs = pa.Table.from_pylist([row for result in found for row in result[0]])
    schema = pa.schema([("rain", pa.string()), ("coverage", pa.float64()), ("brightening", pa.float64())])
    redrawn = pa.Table.from_pylist([row for result in found for row in result[1]], schema=schema)
    failures = {rain: why for result in found for rain, why in result[2].items()}
    notes = tuple(f"rain {rain} was not drawn again: {why}" for rain, why in failures.items())
    return Examined(_add_misplaced(pairs, strata), redrawn, notes)


def _add_misplaced(pairs: pa.Table, strata: Stratification | None) -> pa.Table:
    """Return the pairs with a column `misplaced`: whether the measured score lies in another stratum than stated."""
    if strata is None or "score_measured" not in pairs.column_names:
        return pairs
    scores = np.array(pairs["score_measured"].to_pylist(), dtype=np.float64)
    second = np.array(pairs["second_measured"].to_pylist(), dtype=np.float64) if strata.second_edges else None
    labels = np.array(pairs["stratum"].to_pylist(), dtype=np.int16)
    return pairs.append_column("misplaced", pa.array(~strata.agrees(scores, labels, second), pa.bool_()))
