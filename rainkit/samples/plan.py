"""The plan: one row per sample, a function of (recipe, backgrounds, units, index), in bounded memory.

Row i of a split can be computed alone: strata and rains follow a fixed schedule that keeps every prefix of the split in
proportion, and the units of a stratum are visited in passes, each a random order of all of them, so that no unit is
used twice before each was used once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from rainkit.errors import BuildError
from rainkit.recipe import Recipe, ShardId, Split, count_strata
from rainkit.records import Background, Sample
from rainkit.samples.packing import EVERY, ShardPlan, Turns
from rainkit.seeds import Stream, derive, share
from rainkit.selection import Select, select

UNUSED = "unused"
"""The split of backgrounds that no share covers."""

PERIOD = 5040
"""Length of the schedule: the smallest number that 1 to 10 divide, so that up to ten strata come out equal."""

_MASK = 2**63 - 1
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Units:
    """What samples are cut from: whole pictures, or the patches of a grid.

    Attributes
    ----------
    background : int32 array (N,)
        Index into the plan's backgrounds.
    rect : int32 array (N, 4)
        x, y, width, height in pixels.
    score, spread : float64 arrays (N,)
        Score of each unit, and the spread of its members.
    scores : mapping of str to float64 array (N,)
        Estimator to values.
    stratum : int16 array (N,)
        Stratum of each unit; -1 for a unit that no sample is cut from.
    """

    background: NDArray[np.int32]
    rect: NDArray[np.int32]
    score: NDArray[np.float64]
    spread: NDArray[np.float64]
    scores: Mapping[str, NDArray[np.float64]]
    stratum: NDArray[np.int16]


def assign_split(recipe: Recipe, group: str) -> str:
    """Return the split of a group of pictures: a function of the seed and the group alone, so pictures never move."""
    place, low = share(recipe.seed, "split", group), 0.0
    for name, split in recipe.splits.items():
        low += split.share
        if place < low:
            return name
    return UNUSED


@lru_cache(maxsize=64)
def schedule(weights: tuple[float, ...]) -> NDArray[np.int64]:
    """Return which of several classes comes at each place of a period.

    The class that lags most behind its share comes next (ties: the first), so every prefix is nearly in
    proportion; counts of a whole period are exact for weights that divide it.

    Parameters
    ----------
    weights : tuple of float
        Positive weights.

    Returns
    -------
    int64 array, shape (PERIOD,)
        Number of a class at each place.
    """
    shares = np.array(weights) / math.fsum(weights)
    counts = np.zeros(len(weights), dtype=np.int64)
    classes = np.empty(PERIOD, dtype=np.int64)
    for place in range(PERIOD):
        chosen = int(np.argmax(np.rint((shares * (place + 1) - counts) * 2.0**30)))
        classes[place] = chosen
        counts[chosen] += 1
    return classes


class Plan:
    """Every sample of a corpus, by split and index; nothing is drawn.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    backgrounds : sequence of Background
        Admitted pictures, in the order of their digests.
    units : Units
        What samples are cut from.
    scores : float64 array, shape of backgrounds, optional
        Scores of whole pictures, for splits that select some of theirs.

    Raises
    ------
    BuildError
        If a split or a stratum that a split asks for has nothing to cut samples from.
    """

    def __init__(
        self,
        recipe: Recipe,
        backgrounds: Sequence[Background],
        units: Units,
        scores: NDArray[np.float64] | None = None,
    ) -> None:
        self.recipe = recipe
        self.backgrounds = backgrounds
        self.units = units
        self.splits = [assign_split(recipe, background.group) for background in backgrounds]
        for name, split in recipe.splits.items():
            self._require_backgrounds(name, split)
            if split.select is not None and scores is not None:
                self._select(name, split.select, scores)
        for name in recipe.splits:
            self._check(name)

    def _select(self, name: str, selection: Select, scores: NDArray[np.float64]) -> None:
        """Leave the split only the backgrounds that it selects."""
        here = [i for i, split in enumerate(self.splits) if split == name]
        ids = [self.backgrounds[i].digest for i in here]
        scale = self.recipe.complexity.model_copy(update={"unit": "picture"}).score_id
        try:
            chosen = {here[i] for i in select(scores[here], ids, selection, scale=scale)}
        except BuildError as error:
            raise BuildError(f"splits.{name}: {error}") from error
        for i in set(here) - chosen:
            self.splits[i] = UNUSED

    @cached_property
    def _unit_split(self) -> NDArray[np.object_]:
        return np.array(self.splits, dtype=object)[self.units.background]

    @cached_property
    def _candidates(self) -> dict[tuple[str, int], NDArray[np.int64]]:
        """Unit numbers by split and stratum; stratum -1 holds every stratum that the split asks for."""
        found = {}
        for name, split in self.recipe.splits.items():
            here = (self._unit_split == name) & (self.units.stratum >= 0)
            strata = self.strata(name)
            if split.strata is not None:
                here &= np.isin(self.units.stratum, strata)
            found[name, -1] = np.flatnonzero(here)
            for stratum in strata:
                found[name, stratum] = np.flatnonzero(here & (self.units.stratum == stratum))
        return found

    def strata(self, split: str) -> tuple[int, ...]:
        """Return the strata that a split's samples come from."""
        chosen = self.recipe.splits[split].strata
        return chosen if chosen is not None else tuple(range(count_strata(self.recipe.strata) or 0))

    def _require_backgrounds(self, name: str, split: Split) -> None:
        if name not in self.splits:
            raise BuildError(
                f"split {name!r} gets none of the {len(self.backgrounds)} backgrounds: a share of {split.share:g} is "
                f"too small for so few; add pictures, raise splits.{name}.share, or try another seed"
            )

    def _check(self, name: str) -> None:
        split = self.recipe.splits[name]
        needed = self.strata(name) if split.strata is not None or split.balance not in {"natural", "pictures"} else ()
        for stratum in needed:
            if not len(self._candidates[name, stratum]):
                raise BuildError(
                    f"stratum {stratum} of split {name!r} is empty: none of its {self.splits.count(name)} backgrounds "
                    f"has that complexity; add pictures, use fewer strata, or do not ask for it in splits.{name}"
                )
        if not len(self._candidates[name, -1]):
            raise BuildError(f"split {name!r} has backgrounds, but no picture or patch that samples can be cut from")
        weights, pairs = self._classes(split, name)
        never = np.flatnonzero(np.bincount(schedule(weights), minlength=len(pairs)) == 0)
        if len(never):
            stratum, rain = pairs[int(never[0])]
            place = f"rain {rain!r}" if stratum < 0 else f"rain {rain!r} on stratum {stratum}"
            raise BuildError(
                f"split {name!r} would never draw {place}: its weight is less than one sample in {PERIOD}; raise it or "
                f"leave it out"
            )

    def _classes(self, split: Split, name: str) -> tuple[tuple[float, ...], list[tuple[int, str]]]:
        """Return weights and names of the scheduled classes: stratum (-1 = any) x rain."""
        if split.balance in {"natural", "pictures"}:
            strata: Mapping[int, float] = {-1: 1.0}
        elif split.balance == "strata":
            strata = dict.fromkeys(self.strata(name), 1.0)
        else:
            strata = dict(zip(self.strata(name), split.balance, strict=True))  # type: ignore[arg-type]
        pairs = [(stratum, rain) for stratum in strata for rain in split.rain]
        return tuple(strata[stratum] * split.rain[rain] for stratum, rain in pairs), pairs

    def _visit(self, candidates: NDArray[np.int64], visits: NDArray[np.int64], *path: str | int) -> NDArray[np.int64]:
        """Return the candidate of each visit: visits are counted over passes, each in a random order of its own."""
        chosen = np.empty(len(visits), dtype=np.int64)
        passes = visits // len(candidates)
        for number in np.unique(passes):
            here = passes == number
            order = Stream(self.recipe.seed, "order", *path, int(number)).permutation(len(candidates))
            chosen[here] = candidates[order[visits[here] % len(candidates)]]
        return chosen

    def _visit_pictures(self, name: str, visits: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the unit of each visit when pictures, not units, are visited evenly."""
        candidates = self._candidates[name, -1]
        owners = self.units.background[candidates]
        pictures = np.unique(owners)
        chosen = np.empty(len(visits), dtype=np.int64)
        picture = self._visit(pictures.astype(np.int64), visits, name, "pictures")
        turns = visits // len(pictures)
        for owner in np.unique(picture):
            here = picture == owner
            units = candidates[owners == owner]
            chosen[here] = self._visit(units, turns[here], name, self.backgrounds[owner].id)
        return chosen

    def _draw(self, name: str, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
        """Return the unit and the rain of each index of a split."""
        split = self.recipe.splits[name]
        weights, pairs = self._classes(split, name)
        classes = schedule(weights)
        period, place = index // PERIOD, index % PERIOD
        kind = classes[place]
        counts = np.bincount(classes, minlength=len(pairs))
        unit = np.empty(len(index), dtype=np.int64)
        if split.balance == "pictures":
            unit = self._visit_pictures(name, index)
        else:
            for stratum in dict.fromkeys(stratum for stratum, _ in pairs):
                # Rains of one stratum share its passes: the visit counts all earlier samples of the stratum.
                members = [i for i, pair in enumerate(pairs) if pair[0] == stratum]
                here = np.isin(kind, members)
                if not here.any():
                    continue
                before = np.cumsum(np.isin(classes, members)) - 1
                visits = period[here] * counts[members].sum() + before[place[here]]
                unit[here] = self._visit(self._candidates[name, stratum], visits, name, stratum)
        return unit, [pairs[i][1] for i in kind]

    def rows(self, split: str, start: int, stop: int) -> list[Sample]:
        """Return the samples of a split with `start <= index < stop`."""
        return self.samples(split, np.arange(start, stop, dtype=np.int64))

    def samples(self, split: str, index: NDArray[np.int64]) -> list[Sample]:
        """Return the samples of a split with these indices, int64 (N,), in their order."""
        chosen, rains = self._draw(split, index)
        rects = self._crops(split, index, self.units.rect[chosen])
        samples = []
        for i, (number, unit) in enumerate(zip(index.tolist(), chosen.tolist(), strict=True)):
            background = self.backgrounds[int(self.units.background[unit])]
            key = f"{split}-{number:08d}-{background.id[:8]}"
            samples.append(
                Sample(
                    key=key,
                    split=split,
                    index=number,
                    stratum=int(self.units.stratum[unit]),
                    background_id=background.id,
                    crop=tuple(rects[i].tolist()),
                    score=float(self.units.score[unit]),
                    spread=float(self.units.spread[unit]),
                    scores={name: float(values[unit]) for name, values in self.units.scores.items()},
                    rain=rains[i],
                    rain_seed=derive(self.recipe.seed, "rain", key) & _MASK,
                )
            )
        return samples

    def _crops(self, split: str, index: NDArray[np.int64], rect: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the crop of each sample: the unit itself, or a square anywhere in it where units are pictures."""
        patch = self.recipe.samples.patch
        if patch is None or self.recipe.complexity.unit == "patch":
            return rect
        crops = np.empty_like(rect)
        crops[:, 2:] = patch
        for period in np.unique(index // PERIOD):
            here = index // PERIOD == period
            places = Stream(self.recipe.seed, "crop", split, int(period)).uniform(2 * PERIOD).reshape(PERIOD, 2)
            free = rect[here, 2:] - patch + 1
            crops[here, :2] = rect[here, :2] + np.floor(places[index[here] % PERIOD] * free).astype(np.int32)
        return crops

    @cached_property
    def _turns(self) -> dict[str, dict[int | None, Turns]]:
        """Split -> stratum -> where its samples come; stratum None: all of a split, where shards mix strata."""
        if self.recipe.shards.by == "split":
            return {name: {None: EVERY} for name in self.recipe.splits}
        return {name: dict(self._find_turns(name)) for name in self.recipe.splits}

    def _find_turns(self, name: str) -> Iterator[tuple[int, Turns]]:
        """Yield each stratum that the samples of a split have, and where they come.

        Strata that are balanced follow the schedule. Else a stratum is that of the unit that was drawn: then all units
        of the split are drawn here, ten bytes a sample, and the whole split counts as one period. Either way a longer
        split begins alike.
        """
        split = self.recipe.splits[name]
        if split.balance in {"natural", "pictures"}:
            of_place = np.empty(split.samples, dtype=np.int16)
            for start in range(0, split.samples, _CHUNK):
                index = np.arange(start, min(start + _CHUNK, split.samples), dtype=np.int64)
                of_place[index] = self.units.stratum[self._draw(name, index)[0]]
        else:
            weights, pairs = self._classes(split, name)
            of_place = np.array([stratum for stratum, _ in pairs], dtype=np.int16)[schedule(weights)]
        for stratum in np.unique(of_place).tolist():
            yield stratum, Turns(len(of_place), np.flatnonzero(of_place == stratum))

    def shards(self) -> Iterator[ShardPlan]:
        """Yield the shards of every split, in order."""
        size = self.recipe.shards.samples
        for name, split in self.recipe.splits.items():
            for stratum, turns in self._turns[name].items():
                count = turns.count(split.samples)
                for number, start in enumerate(range(0, count, size)):
                    yield ShardPlan(ShardId(name, stratum, number), start, min(start + size, count))

    def indices(self, shard: ShardPlan) -> NDArray[np.int64]:
        """Return the index within the split of every sample of a shard, int64 (N,), ascending."""
        return self._turns[shard.id.split][shard.id.stratum].indices(shard.start, shard.stop)

    def rows_of(self, shard: ShardPlan) -> list[Sample]:
        """Return the samples of a shard, in its order."""
        return self.samples(shard.id.split, self.indices(shard))
