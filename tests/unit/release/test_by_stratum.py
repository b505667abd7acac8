"""A corpus whose shards hold one stratum each: the same samples in other shards, in everything that is done with it."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from rainkit.data import open_corpus
from rainkit.engines.serial import Serial
from rainkit.errors import IntegrityError
from rainkit.manifest import read_table, write_table
from rainkit.pipeline import build
from rainkit.recipe import Recipe, load_recipe, parse_shard
from rainkit.release.checksums import write_checksums
from rainkit.release.diff import diff
from rainkit.release.original import Selection
from rainkit.release.rebuild import rebuild
from rainkit.release.verify import verify
from rainkit.release.virtual import release_manifest

Rows = list[dict[str, Any]]
PLACES = ("shard", "_offset", "_size")


def rows_of(corpus: Path) -> Rows:
    return read_table(corpus / "metadata/samples.parquet", "samples").to_pylist()


def unplaced(corpus: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a manifest by key, without what says where a sample lies."""
    return {
        row["key"]: {name: value for name, value in row.items() if not name.endswith(PLACES)} for row in rows_of(corpus)
    }


def list_files(corpus: Path) -> dict[str, bytes]:
    return {path.relative_to(corpus).as_posix(): path.read_bytes() for path in corpus.rglob("*") if path.is_file()}


def write_recipe(home: Path, folder: Path, version: str = "1.0.0", train: int = 12, by: str = "stratum") -> Recipe:
    """Return the recipe of the corpus, changed."""
    text = (home / "recipe-1.0.0-by-stratum.yaml").read_text()
    text = text.replace("version: 1.0.0", f"version: {version}").replace("samples: 12", f"samples: {train}")
    path = folder / f"recipe-{version}-{by}.yaml"
    path.write_text(text.replace("by: stratum", f"by: {by}").replace("path: photos", f"path: {home / 'photos'}"))
    return load_recipe(path)


def test_samples_and_pixels_are_those_of_shards_by_split(built: Path, by_stratum: Path) -> None:
    assert unplaced(by_stratum) == unplaced(built)
    both = open_corpus(built), open_corpus(by_stratum)
    for key in unplaced(built):
        first, second = (corpus.read_bytes(key) for corpus in both)
        assert {name: bytes(data) for name, data in first.items()} == {name: bytes(d) for name, d in second.items()}
    found = diff(built, by_stratum)
    assert set(found.reasons) == {"packed anew", "recipe changed"}
    assert found.verdict == "patch"


def test_every_shard_holds_one_stratum_in_the_order_of_the_split(by_stratum: Path) -> None:
    rows = rows_of(by_stratum)
    names = list(dict.fromkeys(row["shard"] for row in rows))
    assert names == sorted(path.relative_to(by_stratum).as_posix() for path in by_stratum.glob("data/*/*.tar"))
    for name in names:
        here = [row for row in rows if row["shard"] == name]
        shard = parse_shard(name)
        assert shard is not None
        assert {(row["split"], row["stratum"]) for row in here} == {(shard.split, shard.stratum)}
        assert [row["index"] for row in here] == sorted(row["index"] for row in here)
        assert len(here) <= 5
    assert {parse_shard(name).stratum for name in names} == {0, 1}  # type: ignore[union-attr]


def test_indexes_number_samples_as_the_manifest_does(by_stratum: Path) -> None:
    for split in ("train", "unseen-rain"):
        listed = json.loads((by_stratum / f"wids-{split}.json").read_text())["shardlist"]
        rows = [row for row in rows_of(by_stratum) if row["split"] == split]
        assert [shard["url"] for shard in listed for _ in range(shard["nsamples"])] == [row["shard"] for row in rows]
    described = json.loads((by_stratum / "croissant.json").read_text())["distribution"]
    archives = {item["@id"] for item in described if item.get("encodingFormat") == "application/x-tar"}
    assert archives == {row["shard"] for row in rows_of(by_stratum)}
    for item in described:
        if item["@type"] == "cr:FileSet":
            assert {place["@id"] for place in item["containedIn"]} == archives


def test_it_is_sound_to_the_pixel(by_stratum: Path) -> None:
    assert verify(by_stratum, deep=True, jobs=1).problems == []


class OneShard(Serial):
    """Runs a survey whole, and stops after one shard."""

    def __call__(self, function: Any, tasks: Any) -> Any:
        for index, task in enumerate(tasks):
            yield index, function(task)
            if not isinstance(task, list):
                raise KeyboardInterrupt


def test_a_killed_build_ends_in_the_same_bytes(by_stratum: Path, home: Path, tmp_path: Path) -> None:
    recipe = write_recipe(home, tmp_path)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            build(recipe, tmp_path, OneShard())
    done = build(recipe, tmp_path)
    assert done.resumed == 2
    assert list_files(done.folder) == list_files(by_stratum)


@pytest.fixture(scope="module")
def longer(by_stratum: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1.1.0, with 23 samples of training instead of 12, made from 1.0.0."""
    folder = tmp_path_factory.mktemp("longer")
    return build(write_recipe(home, folder, "1.1.0", 23), folder, older=by_stratum).folder


def test_an_extension_keeps_samples_and_full_shards(by_stratum: Path, longer: Path, home: Path, tmp_path: Path) -> None:
    before, after = unplaced(by_stratum), unplaced(longer)
    assert len(after) == 27
    assert {key: after[key] for key in before} == before
    sizes: dict[str, int] = {}
    for row in rows_of(by_stratum):
        sizes[row["shard"]] = sizes.get(row["shard"], 0) + 1
    assert set(sizes.values()) - {5}, "shards that are partly filled"
    for name, size in sizes.items():
        same = filecmp.cmp(by_stratum / name, longer / name, shallow=False)
        assert same or size < 5
        keys = [[row["key"] for row in rows_of(corpus) if row["shard"] == name] for corpus in (by_stratum, longer)]
        assert keys[1][:size] == keys[0]
    whole = build(write_recipe(home, tmp_path, "1.1.0", 23), tmp_path).folder
    assert list_files(whole) == list_files(longer)


def test_an_extension_may_pack_anew(built: Path, longer: Path, home: Path, tmp_path: Path) -> None:
    recipe = write_recipe(home, tmp_path, "1.1.0", 23)
    assert list_files(build(recipe, tmp_path, older=built).folder) == list_files(longer)
    back = build(write_recipe(home, tmp_path, "1.2.0", 23, by="split"), tmp_path, older=longer).folder
    assert unplaced(back) == unplaced(longer)


@pytest.mark.parametrize("part", ["all", "shard", "keys"])
def test_it_is_drawn_again_from_its_manifest(by_stratum: Path, home: Path, tmp_path: Path, part: str) -> None:
    virtual = release_manifest(by_stratum, tmp_path / "manifests")
    rows = rows_of(by_stratum)
    shard = next(row["shard"] for row in rows if row["stratum"] == 1)
    keys = tuple(row["key"] for row in rows[::3])
    selection = {"all": Selection(), "shard": Selection(shards=(shard,)), "keys": Selection(keys=keys)}[part]
    done = rebuild(virtual, tmp_path / "out", {"photos": str(home / "photos")}, selection)
    if part == "all":
        assert verify(virtual, jobs=1).ok
        assert list_files(done.folder) == list_files(by_stratum)
        return
    assert verify(done.folder, deep=True, jobs=1).problems == []
    wanted = [row["key"] for row in rows if row["shard"] == shard] if part == "shard" else list(keys)
    assert [row["key"] for row in rows_of(done.folder)] == wanted
    if part == "shard":
        assert filecmp.cmp(done.folder / shard, by_stratum / shard, shallow=False)
        header = (done.folder / "README.md").read_text().split("---\n")[1]
        assert [each["config_name"] for each in yaml.safe_load(header)["configs"]] == ["default", "stratum-1"]


def move_last(rows: Rows) -> Rows:
    """Place the last sample of the first stratum in the shard of the second."""
    number = max(i for i, row in enumerate(rows) if row["split"] == "train" and row["stratum"] == 0)
    rows[number]["shard"] = rows[number + 1]["shard"]
    return rows


def swap(rows: Rows) -> Rows:
    return [rows[1], rows[0], *rows[2:]]


def repeat_number(rows: Rows) -> Rows:
    rows[-1]["index"] = next(row["index"] for row in rows if row["split"] == rows[-1]["split"])
    return rows


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (move_last, "is of stratum 0 of train, and data/train/small-train-stratum-1-000000.tar of another"),
        (swap, "out of turn; split train should ascend from shard to shard"),
        (repeat_number, "out of turn; split unseen-rain should count from 0 to 3, each once"),
    ],
)
def test_a_manifest_that_mixes_strata_or_numbers_is_found(
    by_stratum: Path, copy_corpus: Callable[[Path], Path], edit: Callable[[Rows], Rows], words: str
) -> None:
    corpus = copy_corpus(by_stratum)
    path = corpus / "metadata/samples.parquet"
    write_table(path, pq.read_schema(path), edit(rows_of(corpus)))
    write_checksums(corpus)
    problems = verify(corpus, jobs=1).problems
    assert any(problem.kind == "manifest" and words in problem.detail for problem in problems), problems


@pytest.mark.parametrize(
    "name", ["small-train-stratum-1-000000", "small-train-000000", "small-train-stratum-00-000000"]
)
def test_a_manifest_does_not_choose_where_strata_go(
    by_stratum: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path], name: str
) -> None:
    corpus = copy_corpus(by_stratum)
    path, rows = corpus / "metadata/samples.parquet", rows_of(corpus)
    assert rows[0]["stratum"] == 0
    rows[0]["shard"] = f"data/train/{name}.tar"
    write_table(path, pq.read_schema(path), rows)
    write_checksums(corpus)
    with pytest.raises(IntegrityError, match="of stratum 0 of 'train' that no build of its recipe would write"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})
    assert not list((tmp_path / "out").rglob("*.tar"))
