from __future__ import annotations

import filecmp
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from rainkit import pipeline
from rainkit.cli.extend import command
from rainkit.errors import BuildError, IntegrityError
from rainkit.manifest import read_table
from rainkit.recipe import Recipe, load_recipe
from rainkit.release.clearing import withdraw
from rainkit.release.extend import adopt_shards
from rainkit.samples.draw import ShardTask
from rainkit.workspace import open_workspace


def digests(corpus: Path) -> dict[str, tuple[str, ...]]:
    table = read_table(corpus / "metadata/samples.parquet", "samples")
    names = [name for name in table.column_names if name.endswith("_digest")]
    return {row["key"]: tuple(row[name] for name in names) for row in table.to_pylist()}


def write_recipe(home: Path, old: str = "", new: str = "") -> Recipe:
    """Return the recipe of version 1.1.0, with a change."""
    text = (home / "recipe-1.1.0.yaml").read_text()
    assert old in text
    path = home / "recipe-changed.yaml"
    path.write_text(text.replace(old, new) if old else text)
    return load_recipe(path)


def adopt(recipe: Recipe, older: Path, parent: Path) -> int:
    """Begin a build and take over what an older corpus has."""
    planned = pipeline.plan(recipe)
    with open_workspace(parent / f"{recipe.name}-{recipe.version}", recipe) as work:
        work.begin(pipeline._digest(planned))
        tasks: list[ShardTask] = list(pipeline._tasks(work, planned, list(planned.plan.shards())))
        return adopt_shards(older, recipe, tasks)


def test_more_samples_leave_the_others_as_they_were(built: Path, extended: Path) -> None:
    before, after = digests(built), digests(extended)
    assert len(before) == 16
    assert len(after) == 27
    assert {key: after[key] for key in before} == before
    for name in ("train/small-train-000000.tar", "train/small-train-000001.tar"):
        assert filecmp.cmp(built / "data" / name, extended / "data" / name, shallow=False)


def test_whole_shards_are_taken_over(built: Path, extended: Path, home: Path, tmp_path: Path) -> None:
    recipe = write_recipe(home)
    assert adopt(recipe, built, tmp_path) == 3  # two full shards of train, the one of unseen-rain
    done = pipeline.build(recipe, tmp_path)
    assert done.resumed == 3
    same = filecmp.dircmp(done.folder, extended)
    assert not same.diff_files
    assert not same.left_only
    assert not same.right_only
    for path in extended.rglob("*.*"):
        if path.is_file():
            assert filecmp.cmp(path, done.folder / path.relative_to(extended), shallow=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("noise: {kind: noise_blur}", "noise: {kind: streaks}"), r"rain\.noise changed"),
        (("patch: 48", "patch: 40"), "samples changed"),
        (("seed: 11", "seed: 12"), "would be"),
        (("count: 2", "count: 3"), "would be cut from another place"),
        (("samples: 4,", "samples: 3,"), "1 of its 16 samples would be gone"),
        (("research-only", "MIT"), "would be cut from another place or rained on otherwise"),
    ],
)
@pytest.mark.usefixtures("extended")
def test_what_changes_samples_is_no_extension(
    built: Path, home: Path, tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    with pytest.raises(BuildError, match=words):
        adopt(write_recipe(home, *change), built, tmp_path)
    assert not list(tmp_path.rglob("*.tar"))


@pytest.mark.usefixtures("extended")
def test_a_refused_extension_leaves_the_disk_as_it_was(built: Path, home: Path, tmp_path: Path) -> None:
    write_recipe(home, "samples: 23", "samples: 11")
    arguments = [str(built), str(home / "recipe-changed.yaml"), "-w", "1", "--no-cache", "-o"]
    refused = CliRunner().invoke(command, [*arguments, str(tmp_path)])
    assert "1 of its 16 samples would be gone" in str(refused.exception)
    assert list(tmp_path.iterdir()) == []
    ours = tmp_path / "ours" / "small-1.1.0"
    ours.mkdir(parents=True)
    CliRunner().invoke(command, [*arguments, str(ours.parent)])
    assert ours.is_dir(), "a folder that was there before is no concern of the command"


@pytest.mark.usefixtures("extended")
def test_what_is_cut_off_later_goes_on(
    built: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> int:
        raise BuildError("the disk is full")

    write_recipe(home)
    arguments = [str(built), str(home / "recipe-changed.yaml"), "-w", "1", "--no-cache", "-o", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_draw", stop)
        assert "the disk is full" in str(CliRunner().invoke(command, arguments).exception)
    assert len(list(tmp_path.rglob("*.tar"))) == 3
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output


def test_a_folder_that_another_process_builds_in_is_left_alone(home: Path, extended: Path, tmp_path: Path) -> None:
    recipe = load_recipe(home / "recipe-1.1.0.yaml")
    with open_workspace(tmp_path / extended.name, recipe) as work:
        work.begin("")
        withdraw(work.folder, recipe)
        assert (work.state / "build.json").exists()
    withdraw(work.folder, recipe)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_shard_is_not_taken_over(
    extended: Path, built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]
) -> None:
    older = copy_corpus(built)
    shard = older / "data/train/small-train-000000.tar"
    data = bytearray(shard.read_bytes())
    data[700] ^= 1
    shard.write_bytes(data)
    with pytest.raises(IntegrityError, match="not what its checksum says"):
        adopt(write_recipe(home), older, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.tar"))
