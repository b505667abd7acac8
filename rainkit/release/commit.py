"""The last step of a build: the manifest, the indexes, the card, and the file that makes the corpus complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rainkit.complexity import GUARDS
from rainkit.complexity.views import AREA
from rainkit.manifest import (
    add_metadata,
    backgrounds_schema,
    flag_field,
    number_field,
    refused_schema,
    text_field,
    write_table,
)
from rainkit.recipe import Recipe, component_versions, fingerprint, shard_path
from rainkit.records import Report
from rainkit.release.checksums import write_checksums
from rainkit.release.describe import write_descriptions
from rainkit.samples import Plan
from rainkit.samples.draw import rows_schema
from rainkit.strata import METADATA_KEY, Stratification
from rainkit.survey import Survey, score_pictures
from rainkit.workspace import Workspace


def commit(
    work: Workspace, plan: Plan, found: Survey, stratification: Stratification, report: Report
) -> dict[str, int]:
    """Write everything beside the shards, the checksums last.

    Parameters
    ----------
    work : Workspace
        Every shard of the plan is finished in it.
    plan : Plan
        The plan.
    found : Survey
        Backgrounds and refusals.
    stratification : Stratification
        Edges and labels of the units.
    report : callable
        Follows the progress.

    Returns
    -------
    dict of str to int
        Number of samples, shards and bytes of shards.
    """
    recipe, folder = work.recipe, work.folder
    shards = [shard_path(recipe, id_) for id_ in sorted(shard.id for shard in plan.shards())]
    identities = [work.finished(shard) or {} for shard in shards]
    advance = report("commit", len(shards))
    schema = add_metadata(rows_schema(recipe), **corpus_metadata(recipe))
    strata = json.dumps(stratification.document(), sort_keys=True).encode()
    schema = schema.with_metadata({**schema.metadata, METADATA_KEY: strata})
    rows = [work.rows(shard) for shard in shards]
    write_table(folder / "metadata" / "samples.parquet", schema, _rows(rows, advance))
    _write_backgrounds(folder / "metadata" / "backgrounds.parquet", plan, found)
    refused = [{"source": r.source, "path": r.path, "reason": r.reason, "detail": r.detail} for r in found.refused]
    write_table(folder / "metadata" / "refused.parquet", refused_schema(), refused)
    known = write_descriptions(folder, recipe, dict(zip(shards, identities, strict=True)))
    write_checksums(folder, known)
    return {
        "samples": sum(identity["samples"] for identity in identities),
        "shards": len(shards),
        "bytes": sum(identity["size"] for identity in identities),
    }


def corpus_metadata(recipe: Recipe) -> dict[str, str]:
    """Return what identifies a corpus in the metadata of its tables."""
    return {
        "corpus": f"{recipe.name}-{recipe.version}",
        "fingerprint": fingerprint(recipe),
        "components": json.dumps(component_versions(recipe), sort_keys=True),
    }


def _rows(paths: list[Path], advance: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of every shard, one shard in memory at a time."""
    for path in paths:
        yield from pq.read_table(path).to_pylist()
        advance(1, path.stem)


def _write_backgrounds(path: Path, plan: Plan, found: Survey) -> None:
    recipe = plan.recipe
    kinds = recipe.identities("picture")
    extra = [
        number_field("score_spread", "Spread of the members of a composite score: how far they disagree."),
        text_field("phash", "Perceptual hash of the picture, 16 hexadecimal digits; see rainkit.duplicates."),
        flag_field("below_view", "Whether the picture has fewer pixels than the view that it is measured on."),
        *(number_field(name, f"Guard: {guard.meaning}.", guard.unit) for name, guard in GUARDS.items()),
    ]
    schema = add_metadata(backgrounds_schema(kinds, extra), **corpus_metadata(recipe))
    write_table(path, schema, _background_rows(plan, found))


def _background_rows(plan: Plan, found: Survey) -> Iterator[dict[str, Any]]:
    recipe = plan.recipe
    score, spread = score_pictures(recipe, found)
    labels = plan.units.stratum if recipe.complexity.unit == "picture" else [-1] * len(found.backgrounds)
    for number, background in enumerate(found.backgrounds):
        yield {
            "id": background.id,
            "source": background.source,
            "path": background.path,
            "license": background.license,
            "attribution": background.attribution,
            "sha256": background.sha256,
            "digest": background.digest,
            "width": background.width,
            "height": background.height,
            "group": background.group,
            "split": plan.splits[number],
            "stratum": int(labels[number]),
            **background.scores,
            "below_view": background.width * background.height < AREA,
            "phash": f"{found.measured[number].hash:016x}",
            **found.measured[number].guards,
            "score": float(score[number]),
            "score_spread": float(spread[number]),
        }
