"""The folder of a build: one builder at a time, and no trace of a build that never began."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from rainkit.errors import BuildError
from rainkit.manifest import add_metadata, write_table
from rainkit.recipe import Recipe, component_versions, parse_recipe
from rainkit.workspace import LAST, open_workspace

RECIPE = """
rainkit: 1
name: locked
version: 1.0.0
seed: 1
sources: {drawn: {kind: procedural}}
rain: {a: {kind: noise_blur}}
splits: {train: {share: 1, samples: 1, rain: a}}
"""


@pytest.fixture
def recipe() -> Recipe:
    return parse_recipe(RECIPE)


@pytest.mark.parametrize("begun", [False, True])
def test_a_refused_build_does_not_open_the_folder_to_a_third(recipe: Recipe, tmp_path: Path, begun: bool) -> None:
    folder = tmp_path / "locked-1.0.0"
    with open_workspace(folder, recipe) as work:
        if begun:
            work.begin("pictures")
        for _ in range(3):
            with pytest.raises(BuildError, match="is being built by another process"), open_workspace(folder, recipe):
                pass
        assert (work.state / "lock").exists()
    with open_workspace(folder, recipe):
        pass


def test_a_lock_that_was_removed_keeps_nobody_out(recipe: Recipe, tmp_path: Path, monkeypatch: Any) -> None:
    """Between the opening of the lock and the locking, its last holder may leave and take the file along."""
    folder = tmp_path / "locked-1.0.0"
    lock = fcntl.flock

    def late(handle: int, operation: int) -> None:
        (folder / ".rainkit" / "lock").unlink()
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(BuildError, match="is being built by another process"), open_workspace(folder, recipe):
        pass


def test_a_build_that_never_began_leaves_nothing(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_workspace(tmp_path / "locked-1.0.0", recipe):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_build_that_began_is_kept_and_knows_its_pictures(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "locked-1.0.0"
    with open_workspace(folder, recipe) as work:
        work.begin("pictures")
    with open_workspace(folder, recipe) as work:
        work.begin("pictures")
        with pytest.raises(BuildError, match="unfinished build of the same recipe from other pictures"):
            work.begin("others")
    other = parse_recipe(RECIPE.replace("seed: 1", "seed: 2"))
    with pytest.raises(BuildError, match="belongs to another recipe"), open_workspace(folder, other):
        pass


def test_a_folder_that_is_a_file_is_named(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "locked-1.0.0").write_text("mine")
    with (
        pytest.raises(BuildError, match=r"locked-1\.0\.0 is a file"),
        open_workspace(tmp_path / "locked-1.0.0", recipe),
    ):
        pass
    assert (tmp_path / "locked-1.0.0").read_text() == "mine"


@pytest.mark.parametrize("complete", [False, True])
def test_a_corpus_of_other_components_is_neither_continued_nor_called_complete(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete: bool
) -> None:
    folder = tmp_path / "locked-1.0.0"
    with open_workspace(folder, recipe) as work:
        work.begin("pictures")
        if complete:
            schema = add_metadata(pa.schema([]), components=json.dumps(component_versions(recipe)))
            write_table(folder / "metadata" / "samples.parquet", schema, [])
            (folder / LAST).write_text("")
            work.close()
    with open_workspace(folder, recipe) as work:
        assert work.complete == complete
    monkeypatch.setattr(type(recipe.rain["a"]), "version", 99)
    with pytest.raises(BuildError, match="other versions of rain/noise_blur"), open_workspace(folder, recipe):
        pass


def test_thresholds_of_validation_make_no_other_recipe(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "locked-1.0.0"
    with open_workspace(folder, recipe) as work:
        work.begin("pictures")
    (folder / "data" / "train" / "locked-train-000000.tar").write_bytes(b"a shard")
    stricter = parse_recipe(RECIPE + "validation: {gain_seen: 3}\n")
    with open_workspace(folder, stricter) as work:
        work.begin("pictures")
    other = parse_recipe(RECIPE.replace("seed: 1", "seed: 2"))
    with pytest.raises(BuildError, match="belongs to another recipe"), open_workspace(folder, other):
        pass


def test_a_begin_that_was_cut_off_binds_nobody(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "locked-1.0.0"
    with open_workspace(folder, recipe) as work:
        work.begin("pictures")
    (folder / ".rainkit" / "build.json").unlink()
    other = parse_recipe(RECIPE.replace("seed: 1", "seed: 2"))
    with open_workspace(folder, other) as work:
        work.begin("other pictures")
    assert "seed: 2" in (folder / "recipe.yaml").read_text()


def test_what_was_begun_and_not_finished_is_removed(recipe: Recipe, tmp_path: Path) -> None:
    """A worker that had to be killed leaves parts behind; the build that ends, however it ends, takes them away."""
    folder = tmp_path / "locked-1.0.0"

    def stop_halfway() -> None:
        with open_workspace(folder, recipe) as work:
            work.begin("pictures")
            for part in (folder / "data" / "train" / ".a.tar.part", work.state / "rows" / ".a.parquet.part"):
                part.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_halfway()
    assert not list(folder.rglob("*.part"))
    assert (folder / ".rainkit" / "build.json").exists()
