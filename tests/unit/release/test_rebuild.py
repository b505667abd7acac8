from __future__ import annotations

import filecmp
import io
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rainkit.errors import BuildError, IntegrityError, RainkitError, RecipeError
from rainkit.manifest import add_metadata, read_table, write_table
from rainkit.release import original as originals
from rainkit.release import redraw, verify
from rainkit.release.checksums import write_checksums
from rainkit.release.original import Selection
from rainkit.release.rebuild import rebuild
from rainkit.release.virtual import release_manifest
from rainkit.shards import scan_shard


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit_samples(corpus: Path, edit: Callable[[pa.Table], pa.Table], **metadata: str) -> None:
    """Change the manifest of a copy and write checksums that fit it."""
    path = corpus / "metadata/samples.parquet"
    schema = pq.read_schema(path)
    table = edit(read_table(path, "samples"))
    write_table(path, add_metadata(schema, **metadata), table)
    write_checksums(corpus)


def set_cell(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    index = table.schema.get_field_index(column)
    return table.set_column(index, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def scatter_photos(photos: Path, target: Path) -> None:
    """Put photos elsewhere: other names and folders, one in a tar file, one in a Parquet file, one in another PNG."""
    paths = sorted(photos.rglob("photo-*.png"))
    (target / "a" / "b").mkdir(parents=True)
    with tarfile.open(target / "a" / "some.tar", "w") as archive:
        info = tarfile.TarInfo("x/1.png")
        info.size = paths[0].stat().st_size
        archive.addfile(info, io.BytesIO(paths[0].read_bytes()))
    pq.write_table(pa.table({"image": [paths[1].read_bytes()]}), target / "rows.parquet")
    Image.open(paths[2]).save(target / "again.tif")
    for number, path in enumerate(paths[3:]):
        shutil.copyfile(path, target / "a" / "b" / f"{len(paths) - number}")


def test_the_whole_corpus_comes_out_byte_for_byte(built: Path, home: Path, tmp_path: Path) -> None:
    done = rebuild(built, tmp_path, {"photos": str(home / "photos")})
    assert files_of(done.folder) == files_of(built)
    assert (done.samples, done.of, done.missing) == (16, 16, ())
    assert done.identical == done.compared == done.shards == 4
    again = rebuild(built, tmp_path, {"photos": str(home / "photos")})
    assert again.already
    assert again.samples == 16


def test_renamed_scattered_and_reencoded_backgrounds_are_found(built: Path, home: Path, tmp_path: Path) -> None:
    scatter_photos(home / "photos", tmp_path / "elsewhere")
    virtual = release_manifest(built, tmp_path / "manifests")
    assert not (virtual / "data").exists()
    done = rebuild(virtual, tmp_path / "out", {"photos": str(tmp_path / "elsewhere")})
    assert files_of(done.folder) == files_of(built)
    assert done.identical == done.compared == 4


def test_missing_backgrounds_are_counted_and_named(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(home / "photos", photos)
    table = read_table(built / "metadata/samples.parquet", "samples")
    gone = next(path for path in table["source_path"].to_pylist() if path.endswith(".png"))
    (photos / gone).unlink()
    with pytest.raises(BuildError, match=rf"1 of \d+ backgrounds are not there, .*photos:{re.escape(gone)}"):
        rebuild(built, tmp_path / "out", {"photos": str(photos)})
    assert list((tmp_path / "out").iterdir()) == []
    done = rebuild(built, tmp_path / "out", {"photos": str(photos)}, Selection(partial=True))
    lost = table["source_path"].to_pylist().count(gone)
    assert done.missing == (f"photos:{gone}",)
    assert done.samples == 16 - lost
    assert verify.verify(done.folder, deep=True, jobs=1).ok
    assert "a part of the corpus" in (done.folder / "README.md").read_text()


def test_a_source_without_a_place_is_named(built: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="--source photos=PATH"):
        rebuild(built, tmp_path, {})
    with pytest.raises(RainkitError, match="there is nothing at"):
        rebuild(built, tmp_path, {"photos": str(tmp_path / "nowhere")})
    with pytest.raises(RecipeError, match="no source named 'photo'"):
        rebuild(built, tmp_path, {"photo": str(tmp_path)})


@pytest.mark.parametrize("by", ["split", "shard", "key"])
def test_parts_are_drawn_alone(built: Path, home: Path, tmp_path: Path, by: str) -> None:
    rows = read_table(built / "metadata/samples.parquet", "samples").to_pylist()
    shard = "data/train/small-train-000001.tar"
    selection, wanted = {
        "split": (Selection(splits=("unseen-rain",)), [row["key"] for row in rows if row["split"] == "unseen-rain"]),
        "shard": (Selection(shards=(shard,)), [row["key"] for row in rows if row["shard"] == shard]),
        "key": (Selection(keys=(rows[7]["key"], rows[2]["key"])), [rows[2]["key"], rows[7]["key"]]),
    }[by]
    done = rebuild(built, tmp_path, {"photos": str(home / "photos")}, selection)
    part = read_table(done.folder / "metadata/samples.parquet", "samples")
    assert part["key"].to_pylist() == wanted
    assert verify.verify(done.folder, deep=True, jobs=1).problems == []
    for path in done.folder.rglob("*.tar"):
        whole = filecmp.cmp(path, built / path.relative_to(done.folder), shallow=False)
        assert whole == (by != "key")
        assert {sample.key for sample in scan_shard(path).samples} <= set(wanted)
    with pytest.raises(BuildError, match="another part of this corpus"):
        rebuild(built, tmp_path, {"photos": str(home / "photos")})


def test_the_card_of_a_part_speaks_of_the_part(built: Path, home: Path, tmp_path: Path) -> None:
    whole = (built / "README.md").read_text()
    done = rebuild(built, tmp_path, {"photos": str(home / "photos")}, Selection(splits=("unseen-rain",)))
    part = (done.folder / "README.md").read_text()
    assert "in 2 splits, with 2 kinds of rain" in whole
    assert "in 1 split, with 1 kind of rain" in part


def test_unknown_parts_are_refused(built: Path, tmp_path: Path) -> None:
    for selection in (Selection(splits=("test",)), Selection(shards=("x.tar",)), Selection(keys=("k",))):
        with pytest.raises(RecipeError, match="has no"):
            rebuild(built, tmp_path, {}, selection)


def test_a_killed_rebuild_continues(built: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"photos": str(home / "photos")}
    drawn: list[str] = []
    draw = redraw.draw_shard

    def stop(task: object) -> object:
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(task.name)  # type: ignore[attr-defined]
        return draw(task)  # type: ignore[arg-type]

    monkeypatch.setattr(redraw, "draw_shard", stop)
    with pytest.raises(KeyboardInterrupt):
        rebuild(built, tmp_path, sources)
    monkeypatch.setattr(redraw, "draw_shard", lambda task: (drawn.append(task.name), draw(task))[1])
    done = rebuild(built, tmp_path, sources)
    assert len(drawn) == len(set(drawn)) == 4
    assert files_of(done.folder) == files_of(built)


def test_an_edited_digest_is_found_and_its_shard_not_kept(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]
) -> None:
    corpus = copy_corpus(built)
    edit_samples(corpus, lambda table: set_cell(table, "rainy_digest", 3, "0" * 32))
    key = read_table(built / "metadata/samples.parquet", "samples")["key"][3].as_py()
    with pytest.raises(IntegrityError, match=f"does not come out as the manifest says: rainy_digest of {key}"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})
    assert not list((tmp_path / "out").rglob("*.tar"))


@pytest.mark.parametrize("edit", [("coverage", 0.5), ("simulator", "particles"), ("rain_seed", "00" * 8)])
def test_an_edited_label_is_found(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path], edit: tuple[str, object]
) -> None:
    corpus, (column, value) = copy_corpus(built), edit
    edit_samples(corpus, lambda table: set_cell(table, column, 1, value))
    with pytest.raises(IntegrityError, match="does not come out as the manifest says"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")}, Selection(splits=("train",)))


def test_another_version_of_a_component_is_refused_by_name(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]
) -> None:
    corpus = copy_corpus(built)
    stated = '{"rain/streaks": 99, "rain/noise_blur": 1, "sources/procedural": 1}'
    edit_samples(corpus, lambda table: table, components=stated)
    with pytest.raises(BuildError, match=r"rain/streaks 99 \(here \d"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})


@pytest.mark.parametrize("path", ["data/train/other.tar", "recipe.yaml", "data/train/small-unseen-rain-000000.tar"])
def test_a_manifest_does_not_choose_where_files_go(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path], path: str
) -> None:
    corpus = copy_corpus(built)
    edit_samples(corpus, lambda table: set_cell(table, "shard", 0, path))
    with pytest.raises(IntegrityError, match=r"would write|two splits"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})
    assert not list((tmp_path / "out").rglob("*.tar"))


def test_climbing_paths_are_refused(built: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]) -> None:
    corpus = copy_corpus(built)
    edit_samples(corpus, lambda table: set_cell(table, "shard", 0, "../../x.tar"))
    with pytest.raises(IntegrityError, match="climbs out"):
        rebuild(corpus, tmp_path / "out", {})
    assert list(tmp_path.iterdir()) == [tmp_path / "copy"]


def test_what_is_no_manifest_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"no metadata/samples\.parquet"):
        rebuild(tmp_path, tmp_path / "out", {})


def test_a_corpus_is_not_rebuilt_over_itself(built: Path, home: Path) -> None:
    with pytest.raises(BuildError, match="the manifest itself"):
        rebuild(built, built.parent, {"photos": str(home / "photos")})


def test_verify_draws_samples_again(built: Path, home: Path, tmp_path: Path) -> None:
    virtual = release_manifest(built, tmp_path)
    again = redraw.redrawer(virtual, {"photos": str(home / "photos")})
    outcome = verify.verify(virtual, redraw=again, redraws=16, jobs=1)
    assert outcome.ok
    assert outcome.counts["redrawn"] == 16
    with pytest.raises(BuildError, match=r"is not there, so .* cannot be drawn again"):
        list(redraw.redrawer(virtual, {})(read_table(built / "metadata/samples.parquet", "samples").to_pylist()))


def test_rows_give_back_the_plan(built: Path, home: Path) -> None:
    original = originals.Original(built, {"photos": str(home / "photos")})
    rows = original.table.to_pylist()
    samples = [original.sample(row) for row in rows]
    assert [sample.index for sample in samples if sample.split == "train"] == list(range(12))
    assert np.all([0 <= sample.rain_seed < 2**63 for sample in samples])
