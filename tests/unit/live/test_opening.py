from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

import rainkit
from rainkit.data import Corpus
from rainkit.errors import BuildError, IntegrityError, RainkitError, RecipeError, SourceError
from rainkit.live import open_live
from rainkit.manifest import add_metadata, metadata_of, read_table, write_table
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.release.checksums import write_checksums
from rainkit.release.original import Selection
from rainkit.release.rebuild import rebuild
from rainkit.release.virtual import release_manifest


def edit_samples(folder: Path, column: str, row: int, value: Any, **metadata: str) -> None:
    path = folder / "metadata/samples.parquet"
    schema, table = pq.read_schema(path), read_table(path, "samples")
    number = schema.get_field_index(column)
    values = table[column].to_pylist()
    values[row] = value
    changed = pa.array(values, schema.field(column).type)
    write_table(path, add_metadata(schema, **metadata), table.set_column(number, schema.field(column), changed))
    write_checksums(folder)


def test_a_release_of_the_manifest_is_drawn_from_renamed_backgrounds(
    patches: Corpus, home: Path, tmp_path: Path
) -> None:
    virtual = release_manifest(Path(patches.address), tmp_path / "manifests")
    assert not (virtual / "data").exists()
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    for number, path in enumerate(sorted((home / "photos").glob("photo-?.png"))):
        name = f"{9 - number}"
        shutil.copyfile(path.with_name(f"{path.stem}_depth.png"), elsewhere / f"{name}_depth.png")
        if number == 0:
            Image.open(path).save(elsewhere / f"{name}.tif")
        else:
            shutil.copyfile(path, elsewhere / f"{name}.png")
    live = rainkit.open_live(virtual, sources={"photos": tmp_path / "elsewhere"})
    assert {each.source for each in live.held.backgrounds.values()} == {"photos", "drawn"}
    for number, row in enumerate(patches.rows("train").tolist()):
        assert np.array_equal(live.read(number)["rainy"], patches.read(row)["rainy"])
    assert live.digest == open_live(patches.address, sources={"photos": home / "photos"}).digest


def test_an_address_will_do(patches: Corpus, home: Path) -> None:
    system = fsspec.filesystem("memory")
    system.put(patches.address, "/live-release", recursive=True)
    try:
        live = open_live("memory://live-release", sources={"photos": str(home / "photos")})
    finally:
        system.rm("/live-release", recursive=True)
    assert repr(live) == "LiveCorpus('memory://live-release', 'train')"
    assert np.array_equal(live.read(0)["clean"], patches.read("train-" + live.sample(0).key[6:])["clean"])


def test_missing_backgrounds_are_counted_and_the_place_is_asked_for(
    patches: Corpus, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as told:
        open_live(patches.address)
    message = str(told.value)
    assert "7 of the 12 backgrounds that 'train' of patches-1.0.0 needs" in message
    assert "strata of patches are cut over all backgrounds" in message
    assert message.endswith("say where photos lies with --source photos=PATH")
    some = tmp_path / "photos"
    some.mkdir()
    for number in range(3):
        shutil.copyfile(home / "photos" / f"photo-{number}.png", some / f"{number}.png")
    with pytest.raises(SourceError, match=f"4 of the 12 .*; 4 of photos are not below {re.escape(str(some))}"):
        open_live(patches.address, sources={"photos": some})


def test_where_pictures_are_scored_only_those_of_the_split_are_needed(
    pictures: Corpus, home: Path, tmp_path: Path
) -> None:
    live = open_live(pictures.address, "unseen", sources={"photos": home / "photos"})
    used = {each.path for each in live.held.backgrounds.values() if each.source == "photos"}
    shutil.copytree(home / "photos", tmp_path / "photos")
    for path in (tmp_path / "photos").glob("photo-?.png"):
        if path.name not in used:
            path.unlink()
    again = open_live(pictures.address, "unseen", sources={"photos": tmp_path / "photos"})
    assert np.array_equal(again.read(77)["rainy"], live.read(77)["rainy"])
    with pytest.raises(SourceError, match=r"that 'train' of pictures-1\.0\.0 needs are not there"):
        open_live(pictures.address, "train", sources={"photos": tmp_path / "photos"})


def test_what_was_measured_is_remembered(patches: Corpus, home: Path, tmp_path: Path) -> None:
    stages: list[tuple[str, int]] = []

    def report(stage: str, steps: int) -> Callable[[int, str], None]:
        stages.append((stage, steps))
        return lambda count, word: None

    options: dict[str, Any] = {"sources": {"photos": home / "photos"}, "cache": tmp_path / "cache.sqlite"}
    first = open_live(patches.address, report=report, **options)
    assert stages == [("survey", 12)]
    assert (tmp_path / "cache.sqlite").stat().st_size > 0
    again = open_live(patches.address, **options)
    assert again.digest == first.digest
    assert again.sample(500) == first.sample(500)


def test_what_a_build_measured_is_not_measured_again(
    home: Path, patches: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache.sqlite"
    folder = build(load_recipe(home / "patches-1.0.0.yaml"), tmp_path, cache=cache).folder

    def measure(*_: object) -> None:
        raise AssertionError("the cache knows this picture")

    monkeypatch.setattr("rainkit.survey.measuring._measure", measure)
    live = open_live(folder, sources={"photos": home / "photos"}, cache=cache)
    assert live.read(0)["clean"].shape == (48, 48, 3)
    with pytest.raises(AssertionError, match="knows this picture"):
        open_live(folder, sources={"photos": home / "photos"})


def test_streak_layers_need_a_place_and_are_found_there(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 80, (48, 64, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "bank" / f"{number}.png"), noise)
    recipe = {
        "rainkit": 1, "name": "layers", "version": "1.0.0", "seed": 2,
        "sources": {"drawn": {"kind": "procedural", "count": 3, "size": 64, "families": ["dead_leaves"]}},
        "backgrounds": {"min_size": 32}, "strata": {"method": "quantile", "count": 1}, "samples": {"patch": 32},
        "rain": {"layers": {"kind": "layer_bank", "folder": "bank"}, "own": {"kind": "layer_bank"}},
        "splits": {name: {"share": 0.5, "samples": 3, "rain": name} for name in ("layers", "own")},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    corpus = rainkit.open_corpus(build(load_recipe(tmp_path / "recipe.yaml"), tmp_path).folder)
    with pytest.raises(SourceError, match=r"rain 'layers' of layers-1\.0\.0 is made from .* in files.*layers=PATH"):
        open_live(corpus.address, "layers")
    live = open_live(corpus.address, "layers", sources={"layers": tmp_path / "bank"})
    key = live.sample(2).key
    assert np.array_equal(live.read(2)["rainy"], corpus.read(key)["rainy"])
    assert open_live(corpus.address, "own").read(9)["rainy"].shape == (32, 32, 3)


def test_splits_and_sources_that_are_not_there_are_named(patches: Corpus, home: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no split 'test': it has train, unseen"):
        open_live(patches.address, "test")
    with pytest.raises(RecipeError, match="no source named 'photo'"):
        open_live(patches.address, sources={"photo": home / "photos"})
    with pytest.raises(SourceError, match=r"nothing at .*nowhere"):
        open_live(patches.address, sources={"photos": tmp_path / "nowhere"})
    with pytest.raises(IntegrityError, match="is no manifest"):
        open_live(tmp_path)


def test_a_part_of_a_split_is_no_beginning(patches: Corpus, home: Path, tmp_path: Path) -> None:
    keys = tuple(patches.samples["key"].to_pylist()[:5])
    part = rebuild(Path(patches.address), tmp_path, {"photos": str(home / "photos")}, Selection(keys=keys))
    with pytest.raises(IntegrityError, match="holds 5 of the 12 samples of 'train'"):
        open_live(part.folder, sources={"photos": home / "photos"})


@pytest.mark.parametrize("cell", [(0, "crop_x"), (11, "crop_y"), (11, "stratum")])
def test_a_manifest_that_does_not_follow_from_its_recipe_is_refused(
    patches: Corpus,
    home: Path,
    copy_corpus: Callable[[Corpus], Path],
    monkeypatch: pytest.MonkeyPatch,
    cell: tuple[int, str],
) -> None:
    row, column = cell
    monkeypatch.setattr("rainkit.live.planning._COMPARED", 3)  # so that the first rows are not the last ones too
    folder, sources = copy_corpus(patches), {"photos": home / "photos"}
    value = 1 - patches.samples[column][row].as_py() if column == "stratum" else 7
    edit_samples(folder, column, row, value)
    with pytest.raises(
        IntegrityError, match=f"{column.partition('_')[0]} of train-.*would be planned otherwise here.*edited"
    ):
        open_live(folder, sources=sources)
    stated = json.loads(metadata_of(patches.samples.schema)["components"])
    estimator = next(name for name in stated if name.startswith("complexity/"))
    components = json.dumps(stated | {estimator: 77})
    edit_samples(folder, column, row, value, components=components)
    with pytest.raises(IntegrityError, match=rf"other versions: {estimator} 77 \(here \d+\); install the rainkit"):
        open_live(folder, sources=sources)


def test_rain_of_another_version_is_refused(patches: Corpus, copy_corpus: Callable[[Corpus], Path]) -> None:
    folder = copy_corpus(patches)
    stated = json.loads(metadata_of(patches.samples.schema)["components"])
    edit_samples(folder, "rain", 0, "light", components=json.dumps(stated | {"rain/streaks": 0}))
    with pytest.raises(BuildError, match="rain/streaks 0"):
        open_live(folder)


def test_pictures_that_are_drawn_otherwise_are_named(
    patches: Corpus, home: Path, copy_corpus: Callable[[Corpus], Path]
) -> None:
    folder = copy_corpus(patches)
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    recipe["sources"]["drawn"]["seed"] += 1
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    write_checksums(folder)
    with pytest.raises(SourceError, match=r"drawn:\S+ has other pixels here than the manifest says"):
        open_live(folder, sources={"photos": home / "photos"})


@pytest.mark.parametrize("name", ["recipe.yaml", "metadata/backgrounds.parquet", "metadata/samples.parquet"])
def test_damaged_files_are_named(patches: Corpus, copy_corpus: Callable[[Corpus], Path], name: str) -> None:
    folder = copy_corpus(patches)
    (folder / name).write_bytes((folder / name).read_bytes()[:200])
    with pytest.raises(RainkitError, match=re.escape(Path(name).name)):
        open_live(folder)
