"""The benchmark that the repository holds: its manifest is whole, and its samples come out as it says."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit import open_corpus
from rainkit.images import encode_png, pixel_digest
from rainkit.manifest import read_table, write_table
from rainkit.pipeline import plan
from rainkit.recipe import load_recipe, parse_recipe, resolve
from rainkit.release.checksums import write_checksums
from rainkit.sources import ProceduralSource

Run = Callable[..., subprocess.CompletedProcess[str]]
Row = dict[str, Any]

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "manifests" / "rainkit-bench-1.0.0"
RECIPE = ROOT / "recipes" / "rainkit-bench.yaml"
PAPER = sorted((ROOT / "recipes" / "paper").glob("*.yaml"))
PICTURES = ("rainy", "clean", "rain", "mask", "transmission")
CELLS = 3 * 8 * 5 + 5 * 5
"""Combinations of split, rain and stratum."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of the manifest."""
    return read_table(MANIFEST / "metadata" / "samples.parquet", "samples").to_pylist()


def test_a_sample_of_every_split_rain_and_stratum_comes_out_as_the_manifest_says(
    rainkit: Run, rows: list[Row], tmp_path: Path
) -> None:
    first = {(row["split"], row["rain"], row["stratum"]): row for row in reversed(rows)}
    assert len(first) == CELLS
    chosen = {row["key"]: row for row in first.values()}
    (tmp_path / "keys.txt").write_text("\n".join(chosen))
    rainkit("rebuild", MANIFEST, "--keys", tmp_path / "keys.txt", "-o", tmp_path, "--workers", "1")
    corpus = open_corpus(tmp_path / MANIFEST.name)
    assert len(corpus) == CELLS
    for key, row in chosen.items():
        drawn = corpus.read(key, PICTURES)
        assert {name: pixel_digest(drawn[name]) for name in PICTURES} == {
            name: row[f"{name}_digest"] for name in PICTURES
        }, key


def test_a_digest_that_is_not_that_of_the_pixels_is_found(rainkit: Run, rows: list[Row], tmp_path: Path) -> None:
    copy = tmp_path / "manifests" / MANIFEST.name
    shutil.copytree(MANIFEST, copy)
    path = copy / "metadata" / "samples.parquet"
    key, digest = rows[0]["key"], rows[0]["mask_digest"]
    wrong = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    digests = pa.array([wrong, *(row["mask_digest"] for row in rows[1:])], pa.string())
    schema, table = pq.read_schema(path), read_table(path, "samples")
    position = schema.get_field_index("mask_digest")
    write_table(path, schema, table.set_column(position, schema.field(position), digests))
    write_checksums(copy)
    done = rainkit("rebuild", copy, "--key", key, "-o", tmp_path / "out", "--workers", "1", code=1)
    assert f"mask_digest of {key}" in done.stderr
    assert not list((tmp_path / "out").rglob("*.tar"))


def test_the_manifest_is_whole_and_belongs_to_the_recipe(rainkit: Run) -> None:
    rainkit("verify", MANIFEST)
    stated = parse_recipe((MANIFEST / "recipe.yaml").read_text(), "recipe.yaml")
    ours = resolve(load_recipe(RECIPE))
    # Thresholds of `rainkit validate` may move on; they cannot change a pixel.
    assert resolve(stated) == {**ours, "validation": resolve(stated)["validation"]}


def test_cells_are_equally_full_and_splits_share_no_background(rows: list[Row]) -> None:
    cells = Counter((row["split"], row["stratum"], row["rain"]) for row in rows)
    sizes = {"train": (60, 40), "validation": (8, 40), "seen-test": (8, 40), "unseen-test": (12, 25)}
    for split, (size, number) in sizes.items():
        assert [count for (name, *_), count in cells.items() if name == split] == [size] * number
    groups = Counter(group for _, group in {(row["split"], row["group"]) for row in rows})
    assert set(groups.values()) == {1}


def test_no_family_of_unseen_rain_is_in_training(rows: list[Row]) -> None:
    families = {
        split: {row["simulator"] for row in rows if row["split"] == split} for split in load_recipe(RECIPE).splits
    }
    assert families["train"] == families["validation"] == families["seen-test"]
    assert not families["train"] & families["unseen-test"]
    rains = {split: {row["rain"] for row in rows if row["split"] == split} for split in families}
    assert rains["train"] == rains["seen-test"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pictures, in the place of a set that nobody may pass on."""
    folder = tmp_path_factory.mktemp("pictures")
    for picture in ProceduralSource(count=140, size=(192, 160))():
        (folder / f"{picture.path.replace('/', '-')}.png").write_bytes(encode_png(picture.read()))
    return folder


def test_there_is_a_recipe_for_each_set_of_the_paper() -> None:
    assert [path.stem for path in PAPER] == ["celeba", "div2k", "manga109", "urban100"]


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_recipes_of_the_paper_need_only_a_path(path: Path, pictures: Path) -> None:
    planned = plan(load_recipe(path, {path.stem: str(pictures)}))
    assert set(planned.plan.splits) == set(planned.plan.recipe.splits)
    assert planned.plan.rows("train", 29_999, 30_000)[0].rain == "small"
    assert planned.plan.rows("unseen-large", 0, 1)[0].rain == "large"
