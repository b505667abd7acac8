"""From a manifest to the plan that it came from, so that samples after its last row can be named."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rainkit.errors import IntegrityError, SourceError
from rainkit.manifest import metadata_of, read_table
from rainkit.pipeline import stratify
from rainkit.recipe import Recipe, component_versions
from rainkit.records import Background, Engine, Picture, Report, Sample
from rainkit.release.original import Original
from rainkit.samples import Plan
from rainkit.survey import Measured, Offer, Survey, list_offers, score_pictures
from rainkit.survey.measuring import BATCH, Order, survey_batch

_SHOWN = 5
_COMPARED = 256  # samples held against the manifest at either end of it
_DECIDING = ("key", "background_id", "crop", "rain", "rain_seed", "stratum")


@dataclass(frozen=True, slots=True)
class LivePlan:
    """A split of a corpus, planned again without end.

    Attributes
    ----------
    plan : Plan
        Every sample of the corpus, and those that would follow.
    backgrounds : dict of str to Background
        By id, those that samples of the split are cut from.
    pictures : dict of str to Picture
        How each of them is read.
    """

    plan: Plan
    backgrounds: dict[str, Background]
    pictures: dict[str, Picture]


def plan_again(original: Original, split: str, engine: Engine, cache: Path | None, report: Report) -> LivePlan:
    """Plan a corpus again from its manifest, and find the backgrounds of a split.

    Where whole pictures are scored, the scores stand in the manifest and only the backgrounds of the split are looked
    for. Strata of patches are cut over the patches of all backgrounds, so all are needed, and measured once.

    Parameters
    ----------
    original : Original
        The corpus.
    split : str
        The split.
    engine : Engine
        Looks for backgrounds and measures them.
    cache : Path or None
        File of `rainkit.cache`.
    report : callable
        Follows the measuring.

    Raises
    ------
    SourceError
        If backgrounds are missing.
    IntegrityError
        If the tables of the manifest do not belong to one another.
    """
    recipe = original.recipe
    backgrounds = _read_backgrounds(original)
    pictures: dict[str, Picture] = {}
    patches: Mapping[str, Measured] = {}
    if recipe.complexity.unit == "patch":
        pictures = _find(original, split, backgrounds, engine)
        offers = _offer(original, backgrounds, pictures)
        patches = _measure_patches(original.recipe, backgrounds, offers, engine=engine, cache=cache, report=report)
    measured = [patches.get(name) or Measured(each, 0, {}, {}) for name, each in backgrounds.items()]
    survey = Survey(measured, pictures, [], len(measured), 0)
    units, _ = stratify(recipe, survey)
    plan = Plan(recipe, survey.backgrounds, units, score_pictures(recipe, survey)[0])
    used = _used(plan, split)
    if recipe.complexity.unit != "patch":
        pictures = _find(original, split, used, engine)
    return LivePlan(plan, used, {name: pictures[name] for name in used})


def _read_backgrounds(original: Original) -> dict[str, Background]:
    """Return every background of the manifest with its scores, in the order of a plan, which is that of the ids."""
    path = original.folder / "metadata" / "backgrounds.parquet"
    kinds = list(original.recipe.identities("picture"))
    table = read_table(path, "backgrounds", ("id", *kinds))
    lacking = sorted(set(kinds) - set(table.column_names))
    if lacking:
        raise IntegrityError(f"{path} lacks the scores {', '.join(lacking)} that recipe.yaml asks for; one was edited")
    scores = {row.pop("id"): row for row in table.to_pylist()}
    found = original.backgrounds(scores.keys())
    return {name: dataclasses.replace(found[name], scores=scores[name]) for name in sorted(found)}


def _used(plan: Plan, split: str) -> dict[str, Background]:
    """Return the backgrounds that samples of a split are cut from, by id."""
    units, strata = plan.units, plan.recipe.splits[split].strata
    usable = units.stratum >= 0 if strata is None else np.isin(units.stratum, strata)
    numbers = [number for number in np.unique(units.background[usable]).tolist() if plan.splits[number] == split]
    return {plan.backgrounds[number].id: plan.backgrounds[number] for number in numbers}


def _find(original: Original, split: str, backgrounds: Mapping[str, Background], engine: Engine) -> dict[str, Picture]:
    """Return how each background is read.

    Raises
    ------
    SourceError
        If some lie nowhere.
    """
    located = original.locate(backgrounds, engine)
    if not located.missing:
        return located.pictures
    counts = {each.source: 0 for each in located.missing}
    for each in located.missing:
        counts[each.source] += 1
    first = ", ".join(f"{each.source}:{each.path}" for each in located.missing[:_SHOWN])
    why = "" if original.recipe.complexity.unit == "picture" else " (strata of patches are cut over all backgrounds)"
    hints = [
        f"say where {name} lies with --source {name}=PATH"
        if name not in original.placed
        else f"{count} of {name} are not below {getattr(original.recipe.sources[name], 'path', name)}"
        for name, count in sorted(counts.items())
    ]
    raise SourceError(
        f"{len(located.missing)} of the {len(backgrounds)} backgrounds that {split!r} of {original.folder.name} needs"
        f"{why} are not there, so its rain cannot be drawn live: {first}"
        f"{', ...' * (len(located.missing) > _SHOWN)}; {'; '.join(hints)}"
    )


def _measure_patches(
    recipe: Recipe,
    backgrounds: Mapping[str, Background],
    offers: Sequence[Offer],
    *,
    engine: Engine,
    cache: Path | None,
    report: Report,
) -> dict[str, Measured]:
    """Return every background with the scores of its patches, as the survey of a build measures them."""
    block, patch = recipe.complexity, recipe.samples.patch or 0
    order = Order(recipe.backgrounds, recipe.instruments, block.unit, patch, block.stride or patch, cache)
    stated = list(backgrounds.values())
    batches = [offers[start : start + BATCH] for start in range(0, len(offers), BATCH)]
    advance = report("survey", len(offers))
    found: dict[str, Measured] = {}
    for number, results in engine(functools.partial(survey_batch, order), batches):
        for background, (result, _) in zip(stated[number * BATCH :], results, strict=False):
            if not isinstance(result, Measured) or result.background.digest != background.digest:
                raise SourceError(
                    f"{background.source}:{background.path} has other pixels here than the manifest says, or cannot be "
                    f"read; put the picture back, or the recipe that draws it"
                )
            found[background.id] = dataclasses.replace(result, background=background)
        advance(len(results), batches[number][0].picture.path)
    return found


def _offer(original: Original, backgrounds: Mapping[str, Background], pictures: Mapping[str, Picture]) -> list[Offer]:
    """Return backgrounds as a survey is offered them: what is remembered of drawn pictures goes by their content."""
    drawn = {name: source for name, source in original.recipe.sources.items() if not source.location_fields}
    offers = list_offers(original.recipe.model_copy(update={"sources": drawn}))
    known = {(offer.source, offer.picture.path): offer for offer in offers}
    return [
        known.get((each.source, each.path)) or Offer(pictures[name], each.source, each.license, each.attribution, "")
        for name, each in backgrounds.items()
    ]


def check_agreement(original: Original, plan: Plan, split: str, rows: int, stated: Callable[[int], Sample]) -> None:
    """Raise unless a plan names the first and the last samples of a split as the manifest does.

    Parameters
    ----------
    original : Original
        The corpus.
    plan : Plan
        Made from its manifest.
    split : str
        The split.
    rows : int
        How many samples of it the manifest has.
    stated : callable
        Index -> the sample in the manifest.

    Raises
    ------
    IntegrityError
        Naming the sample, what differs, and the components that have another version here.
    """
    last = max(rows - _COMPARED, 0)
    for sample in [*plan.rows(split, 0, min(_COMPARED, rows)), *plan.rows(split, last, rows)]:
        other = stated(sample.index)
        differing = [name for name in _DECIDING if getattr(sample, name) != getattr(other, name)]
        if differing:
            raise IntegrityError(
                f"{original.folder}: {', '.join(differing)} of {other.key} would be planned otherwise here, so no "
                f"sample after the last row can be named; {_explain(original)}"
            )


def _explain(original: Original) -> str:
    stated = json.loads(metadata_of(original.schema).get("components", "{}"))
    ours = component_versions(original.recipe)
    wrong = [
        f"{name} {stated.get(name, 'of no stated version')} (here {version})"
        for name, version in ours.items()
        if stated.get(name) != version
    ]
    if wrong:
        return f"components have other versions: {', '.join(wrong)}; install the rainkit that has them"
    return "the manifest or the recipe was edited, or another rainkit planned it"
