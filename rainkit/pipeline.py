"""The path, top to bottom: survey the sources, stratify what they hold, plan every sample, draw and commit shards."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rainkit.engines.serial import Serial
from rainkit.errors import SourceError
from rainkit.images import PictureError
from rainkit.recipe import Recipe, fingerprint, list_components, shard_path
from rainkit.records import Background, Engine, Report, quiet
from rainkit.release.commit import commit
from rainkit.release.extend import adopt_shards
from rainkit.samples import Plan, ShardPlan, Units
from rainkit.samples.draw import ShardTask, draw_shard
from rainkit.strata import Stratification, fit
from rainkit.survey import Survey, list_units, score_pictures, survey
from rainkit.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class Planned:
    """A recipe that has met its pictures.

    Attributes
    ----------
    survey : Survey
        What the sources hold.
    stratification : Stratification
        Edges and labels of the units.
    plan : Plan
        Every sample.
    """

    survey: Survey
    stratification: Stratification
    plan: Plan


@dataclass(frozen=True, slots=True)
class Built:
    """The outcome of a build.

    Attributes
    ----------
    folder : Path
        The corpus.
    samples, shards, bytes : int
        What it holds.
    refused : dict of str to int
        Refused pictures by reason.
    already : bool
        Whether the corpus was complete before, and nothing was done.
    resumed : int
        How many shards an earlier build had left.
    address : str
        Where the corpus was sent; empty where it stays in `folder`.
    """

    folder: Path
    samples: int
    shards: int
    bytes: int
    refused: dict[str, int]
    already: bool = False
    resumed: int = 0
    address: str = ""


def plan(recipe: Recipe, engine: Engine | None = None, cache: Path | None = None, report: Report = quiet) -> Planned:
    """Read and measure the backgrounds of a recipe and plan every sample; nothing is drawn.

    Parameters
    ----------
    recipe : Recipe
        As `load_recipe` gives it.
    engine : Engine, optional
        Runs the survey; in this process where not given.
    cache : Path, optional
        File that remembers measurements; see `rainkit.cache.default_path`. None remembers nothing.
    report : callable, optional
        Follows the progress.

    Raises
    ------
    SourceError, BuildError
        If the sources cannot be read, or hold too little for the recipe.
    """
    found = survey(recipe, engine if engine is not None else Serial(), cache, report)
    units, stratification = stratify(recipe, found)
    return Planned(found, stratification, Plan(recipe, found.backgrounds, units, score_pictures(recipe, found)[0]))


def stratify(recipe: Recipe, found: Survey) -> tuple[Units, Stratification]:
    """Score the units of a survey, pictures or patches, and give each its stratum."""
    places = list(list_units(recipe, found.measured))
    owner = np.array([number for number, _ in places], dtype=np.int32)
    rect = np.array([rect for _, rect in places], dtype=np.int32).reshape(-1, 4)
    kinds = [instrument.kind for instrument in recipe.instruments]
    if recipe.complexity.unit == "patch":
        columns = {kind: np.concatenate([item.patches[kind] for item in found.measured]) for kind in kinds}
    else:
        columns = {kind: np.array([item.background.scores[kind] for item in found.measured]) for kind in kinds}
    score, spread = recipe.complexity.combine(columns)
    digests = [background.digest for background in found.backgrounds]
    names = [f"{digests[number]}/{'-'.join(map(str, place))}" for number, place in places]
    kind: str = getattr(recipe.strata, "second", "")
    second_id = recipe.identities(recipe.complexity.unit).get(kind, "")
    second = columns.get(kind)
    made = fit(recipe.strata, score, names, second, scale=recipe.complexity.score_id, second_scale=second_id)
    return Units(owner, rect, score, spread, columns, made.labels), made


def build(
    recipe: Recipe,
    parent: Path,
    engine: Engine | None = None,
    cache: Path | None = None,
    report: Report = quiet,
    *,
    older: Path | None = None,
) -> Built:
    """Build the corpus of a recipe, or continue a build that was cut off.

    Parameters
    ----------
    recipe : Recipe
        As `load_recipe` gives it.
    parent : Path
        Output folder; the corpus is NAME-VERSION in it.
    engine, cache, report
        As for `plan`; no engine can change a byte.
    older : Path, optional
        A finished corpus that this one extends: none of its samples may change, and its whole shards are copied.

    Returns
    -------
    Built
        With `already` true where the corpus was complete, and nothing was done.

    Raises
    ------
    SourceError, BuildError
        As `plan`; also if the folder belongs to another recipe, is being built, or cannot be written.
    """
    engine = engine if engine is not None else Serial()
    with open_workspace(parent / f"{recipe.name}-{recipe.version}", recipe) as work:
        if work.complete:
            work.close()
            return _describe_complete(work.folder)
        planned = plan(recipe, engine, cache, report)
        work.begin(_digest(planned))
        shards = list(planned.plan.shards())
        if older is not None:
            adopt_shards(older, recipe, _tasks(work, planned, shards))
        resumed = _draw(work, planned, shards, engine, report)
        totals = commit(work, planned.plan, planned.survey, planned.stratification, report)
        work.close()
    sizes = totals["samples"], totals["shards"], totals["bytes"]
    return Built(work.folder, *sizes, planned.survey.reasons, resumed=resumed)


def _draw(work: Workspace, planned: Planned, shards: list[ShardPlan], engine: Engine, report: Report) -> int:
    """Draw the shards that are not there yet, and return how many were."""
    left = [shard for shard in shards if work.finished(shard_path(work.recipe, shard.id)) is None]
    total = sum(map(len, shards))
    advance = report("draw", total)
    advance(total - sum(map(len, left)), "")
    for number, (_, counts) in engine(draw_shard, _tasks(work, planned, left)):
        advance(counts["samples"], str(left[number].id))
    return len(shards) - len(left)


def _describe_complete(folder: Path) -> Built:
    """Return what a finished corpus holds, as its own tables say."""
    sizes = [path.stat().st_size for path in folder.glob("data/*/*.tar")]
    samples = pq.read_metadata(folder / "metadata" / "samples.parquet").num_rows
    reasons = Counter(pq.read_table(folder / "metadata" / "refused.parquet", columns=["reason"])["reason"].to_pylist())
    return Built(folder, samples, len(sizes), sum(sizes), dict(reasons.most_common()), already=True)


def _digest(planned: Planned) -> str:
    """Return the digest of everything that was read, and of the strata; with the recipe it decides every byte."""
    digest = hashlib.sha256()
    for background in planned.survey.backgrounds:
        digest.update(f"{background.source}\0{background.path}\0{background.digest}\0{background.sha256}\n".encode())
        depth = planned.survey.pictures[background.id].depth
        if depth is not None:
            digest.update(_read_depth(background, depth).tobytes())
    for component in list_components(planned.plan.recipe.rain):
        digest.update(f"{component.content()}\n".encode())
    digest.update(planned.plan.units.score.tobytes())
    digest.update(planned.plan.units.stratum.tobytes())
    return digest.hexdigest()


def _read_depth(background: Background, depth: Callable[[], NDArray[np.uint16]]) -> NDArray[np.uint16]:
    try:
        return depth()
    except (OSError, PictureError) as error:
        raise SourceError(
            f"the depth map beside {background.source}:{background.path} cannot be read: {error}"
        ) from error


def _tasks(work: Workspace, planned: Planned, shards: list[ShardPlan]) -> Iterator[ShardTask]:
    """Yield the task of each shard, with its own rows and pictures alone; made when a worker is free for it."""
    backgrounds = {background.id: background for background in planned.survey.backgrounds}
    identity = fingerprint(planned.plan.recipe)
    for shard in shards:
        samples = tuple(planned.plan.rows_of(shard))
        needed = {sample.background_id for sample in samples}
        name = shard_path(planned.plan.recipe, shard.id)
        yield ShardTask(
            recipe=planned.plan.recipe,
            identity=identity,
            samples=samples,
            backgrounds={name: backgrounds[name] for name in needed},
            pictures={name: planned.survey.pictures[name] for name in needed},
            shard=work.folder / name,
            rows=work.rows(name),
            name=name,
        )
