"""Rebuilding the benchmark from its manifest beside building it from its recipe: one process, one thread, interleaved.

    python benchmarks/release_bench.py [--repeats 3] [--samples 600]

A build reads and measures every background, plans and draws; a rebuild draws what the rows of the manifest say and
compares every sample with them. Both write the same shards, which is checked.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import click
import cv2

from rainkit import __version__
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.release.rebuild import rebuild
from rainkit.release.virtual import release_manifest

RECIPE = Path(__file__).parents[1] / "recipes" / "rainkit-bench.yaml"


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@click.command()
@click.option("--repeats", default=3, show_default=True)
@click.option("--samples", default=600, show_default=True, help="Samples of the training split; the others stay.")
def main(repeats: int, samples: int) -> None:
    cv2.setNumThreads(1)
    recipe = load_recipe(RECIPE)
    train = recipe.splits["train"].model_copy(update={"samples": samples})
    recipe = recipe.model_copy(update={"splits": {**recipe.splits, "train": train}})
    total = sum(split.samples for split in recipe.splits.values())
    built, rebuilt = [], []
    with tempfile.TemporaryDirectory(prefix="rainkit-") as folder:
        place = Path(folder)
        corpus = build(recipe, place / "first").folder  # also compiles what is compiled
        manifest = release_manifest(corpus, place / "manifests")
        for turn in range(repeats):
            built.append(seconds(lambda turn=turn: build(recipe, place / f"build-{turn}")))  # type: ignore[misc]
            start = time.perf_counter()
            done = rebuild(manifest, place / f"rebuild-{turn}", {})
            rebuilt.append(time.perf_counter() - start)
            if not done.identical == done.compared == done.shards:
                raise click.ClickException(f"{done.identical} of {done.shards} shards came out as they were")
    ratio = statistics.median(mine / other for mine, other in zip(rebuilt, built, strict=True))
    print(f"rainkit {__version__}, {total:,} samples, {repeats} repeats, medians\n")
    print("| | samples/s | time over build |\n| --- | ---: | ---: |")
    print(f"| build, nothing remembered | {total / statistics.median(built):.0f} | 1 |")
    print(f"| rebuild | {total / statistics.median(rebuilt):.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
