"""Rebuilding the benchmark from its manifest beside building it from its recipe: one process, one thread, interleaved.

    python benchmarks/release_bench.py [--repeats 3] [--samples 600]

A build reads and measures every background, or remembers its measurements, plans and draws; a rebuild draws what the
rows of the manifest say and compares every sample with them. All write the same shards, which is checked.
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


@click.command()
@click.option("--repeats", default=3, show_default=True)
@click.option("--samples", default=600, show_default=True, help="Samples of the training split; the others stay.")
def main(repeats: int, samples: int) -> None:
    cv2.setNumThreads(1)
    recipe = load_recipe(RECIPE)
    train = recipe.splits["train"].model_copy(update={"samples": samples})
    recipe = recipe.model_copy(update={"splits": {**recipe.splits, "train": train}})
    total = sum(split.samples for split in recipe.splits.values())
    times: dict[str, list[float]] = {"build": [], "build, measurements remembered": [], "rebuild": []}
    with tempfile.TemporaryDirectory(prefix="rainkit-") as folder:
        place = Path(folder)
        cache = place / "scores.sqlite"
        corpus = build(recipe, place / "first", cache=cache).folder  # also compiles what is compiled
        manifest = release_manifest(corpus, place / "manifests")
        for turn in range(repeats):
            out = place / str(turn)
            works: list[Callable[[], Path]] = [
                lambda out=out: build(recipe, out / "build").folder,  # type: ignore[misc]
                lambda out=out: build(recipe, out / "remembered", cache=cache).folder,  # type: ignore[misc]
                lambda out=out: rebuild(manifest, out / "rebuild", {}).folder,  # type: ignore[misc]
            ]
            for taken, work in zip(times.values(), works, strict=True):
                start = time.perf_counter()
                made = work()
                taken.append(time.perf_counter() - start)
                if (made / "checksums.sha256").read_bytes() != (corpus / "checksums.sha256").read_bytes():
                    raise click.ClickException(f"{made} is not the corpus that was built first")
    print(f"rainkit {__version__}, {total:,} samples, {repeats} repeats, medians\n")
    print("| | samples/s | time over build |\n| --- | ---: | ---: |")
    for name, taken in times.items():
        ratio = statistics.median(mine / other for mine, other in zip(taken, times["build"], strict=True))
        print(f"| {name} | {total / statistics.median(taken):.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
