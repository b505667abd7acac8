"""Patches of a finished corpus, scored again from its shards, fall in the strata that its manifest states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from rainkit.complexity import measure_patches
from rainkit.complexity.instrument import whole
from rainkit.images import decode, luma
from rainkit.pictures import open_pictures
from rainkit.recipe import load_recipe
from rainkit.strata import Edges, fit, read_stratification


def test_patches_scored_again_fall_in_their_stated_strata(corpus: Path) -> None:
    complexity = load_recipe(corpus / "recipe.yaml").complexity
    rows = pq.read_table(corpus / "metadata" / "samples.parquet").to_pylist()
    pictures = {picture.path: picture for picture in open_pictures(corpus).pictures}
    columns: dict[str, list[float]] = {each.kind: [] for each in complexity.instruments}
    for row in rows:
        patch = decode(pictures[row["key"]].read())  # type: ignore[arg-type]
        for kind, values in measure_patches(patch, complexity.instruments, whole(luma(patch))).items():
            columns[kind].append(float(values[0]))
    scores, _ = complexity.combine({kind: np.array(values) for kind, values in columns.items()})
    assert scores.tolist() == [row["score"] for row in rows]
    edges = tuple(read_stratification(corpus)["edges"])
    again = fit(Edges(edges=edges), scores, [row["key"] for row in rows], scale=complexity.score_id)
    assert again.labels.tolist() == [row["stratum"] for row in rows]
    assert set(again.labels.tolist()) == {0, 1, 2}


def test_edges_of_a_corpus_serve_the_next(corpus: Path) -> None:
    scale = load_recipe(corpus / "recipe.yaml").complexity.score_id
    document = read_stratification(corpus)
    resolved = Edges(edges_from=str(corpus)).resolved()
    assert resolved.edges == tuple(document["edges"])
    assert resolved.scale == document["scale"] == scale
