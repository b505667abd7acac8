"""An edited manifest is refused by name before anything is written; one without checksums as far as it can be seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rainkit.cli.rebuild import command
from rainkit.errors import IntegrityError, RecipeError
from rainkit.manifest import add_metadata, read_table, write_table
from rainkit.release.checksums import CHECKSUMS, read_checksums, write_checksums
from rainkit.release.original import SHARD_DIGESTS, Original, Selection
from rainkit.release.rebuild import rebuild
from rainkit.release.verify import verify
from rainkit.release.virtual import release_manifest

SAMPLES = "metadata/samples.parquet"
Copy = Callable[[Path], Path]


def set_cell(folder: Path, column: str, row: int, value: Any, table: str = "samples") -> str:
    """Change a cell of a table, and return the key of the row, or the background's id."""
    path = folder / f"metadata/{table}.parquet"
    found = read_table(path, table)  # type: ignore[arg-type]
    values = found[column].to_pylist()
    values[row] = value
    field = found.schema.field(column)
    changed = found.set_column(found.schema.get_field_index(column), field, pa.array(values, field.type))
    write_table(path, add_metadata(pq.read_schema(path)), changed)
    return str(found.column(0)[row].as_py())


def edit_text(folder: Path, old: str, new: str) -> None:
    text = (folder / "recipe.yaml").read_text()
    assert old in text
    (folder / "recipe.yaml").write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        (SAMPLES, lambda folder: set_cell(folder, "stratum", 0, 7)),
        (SAMPLES, lambda folder: set_cell(folder, "index", 0, 7)),
        ("metadata/backgrounds.parquet", lambda folder: set_cell(folder, "license", 0, "MIT", "backgrounds")),
        ("metadata/refused.parquet", lambda folder: set_cell(folder, "detail", 0, "none", "refused")),
        ("recipe.yaml", lambda folder: edit_text(folder, "CC-BY-4.0", "CC0-1.0")),
        ("recipe.yaml", lambda folder: edit_text(folder, "seed: 11", "seed: 12")),
    ],
)
@pytest.mark.parametrize("virtual", [False, True])
def test_an_edit_that_changes_no_pixel_is_refused_by_name(
    built: Path,
    home: Path,
    tmp_path: Path,
    copy_corpus: Copy,
    *,
    name: str,
    edit: Callable[[Path], object],
    virtual: bool,
) -> None:
    corpus = release_manifest(built, tmp_path / "manifests") if virtual else copy_corpus(built)
    edit(corpus)
    with pytest.raises(IntegrityError, match=rf"{name} is not what checksums\.sha256 says: its SHA-256 is .* edited"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")}, Selection(splits=("unseen-rain",)))
    assert not (tmp_path / "out").exists()


def test_files_that_checksums_do_not_list_or_that_are_gone_are_named(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    (corpus / "metadata/refused.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"refused\.parquet cannot be read: No such file"):
        Original(corpus, {})
    lines = (corpus / CHECKSUMS).read_text().splitlines(keepends=True)
    (corpus / CHECKSUMS).write_text("".join(line for line in lines if "recipe.yaml" not in line))
    with pytest.raises(IntegrityError, match=r"checksums\.sha256 does not list recipe\.yaml"):
        Original(corpus, {})


def test_a_manifest_without_checksums_is_drawn_and_said_to_have_none(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Copy
) -> None:
    corpus, place = copy_corpus(built), f"photos={home / 'photos'}"
    (corpus / CHECKSUMS).unlink()
    done = CliRunner().invoke(command, [str(corpus), "--source", place, "-o", str(tmp_path / "a"), "-w", "1"])
    assert done.exit_code == 0, done.output
    assert f"note: {corpus} has no checksums.sha256" in done.stderr
    done = CliRunner().invoke(command, [str(built), "--source", place, "-o", str(tmp_path / "b"), "-w", "1"])
    assert "note:" not in done.stderr
    assert (tmp_path / "a" / built.name / CHECKSUMS).read_bytes() == (built / CHECKSUMS).read_bytes()


def test_shards_with_other_bytes_are_named(built: Path, home: Path, tmp_path: Path, copy_corpus: Copy) -> None:
    """An index is part of the labels in the shard, and of nothing that is drawn."""
    virtual = release_manifest(built, tmp_path / "manifests")
    (virtual / CHECKSUMS).unlink()
    set_cell(virtual, "index", 0, 7)
    first, place = "data/train/small-train-000000.tar", {"photos": str(home / "photos")}
    assert first in (virtual / SHARD_DIGESTS).read_text()
    done = rebuild(virtual, tmp_path / "out", place)
    assert (done.checked, done.differing, done.identical, done.compared) == (False, (first,), 3, 4)
    arguments = [str(virtual), "--source", f"photos={home / 'photos'}", "-o", str(tmp_path / "again"), "-w", "1"]
    assert f"other bytes: {first}\n" in CliRunner().invoke(command, arguments).stderr


def test_shards_drawn_in_part_are_compared_with_nothing(built: Path, home: Path, tmp_path: Path) -> None:
    key = read_table(built / SAMPLES, "samples")["key"][0].as_py()
    done = rebuild(built, tmp_path, {"photos": str(home / "photos")}, Selection(keys=(key,)))
    assert (done.samples, done.compared, done.differing) == (1, 0, ())


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("rain", "nothing", "has rain 'nothing': the recipe has light, noise"),
        ("split", "test", "has split 'test': the recipe has train, unseen-rain"),
        ("rain_seed", "zz", "has rain_seed 'zz': a seed is 16 hexadecimal digits"),
        ("rain_seed", "f" * 16, "has rain_seed 'f{16}': a seed is 16 hexadecimal digits, below"),
        ("crop_x", 99999, r"has crop_x 99999: the crop leaves its background, whose width is \d+ px"),
        ("crop_x", -5, "has crop_x -5: the crop leaves"),
        ("crop_y", 2**31 - 1, "has crop_y 2147483647: the crop leaves its background, whose height"),
        ("crop_w", 0, "has crop_w 0: the crop leaves"),
        ("crop_h", 4000, "has crop_h 4000: the crop leaves"),
        ("score", math.nan, "has score nan: scores are finite"),
        ("background_id", "nobody", r"has background_id 'nobody': backgrounds\.parquet has no such"),
    ],
)
def test_a_row_that_cannot_be_drawn_is_named_before_anything_is_written(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Copy, *, column: str, value: Any, words: str
) -> None:
    corpus = copy_corpus(built)
    (corpus / CHECKSUMS).unlink()
    key = set_cell(corpus, column, 3, value)
    with pytest.raises(IntegrityError, match=f"sample {key} {words}"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})
    assert not (tmp_path / "out").exists()


def test_a_key_that_stands_twice_is_named(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    first = read_table(corpus / SAMPLES, "samples")["key"][0].as_py()
    set_cell(corpus, "key", 3, first)
    write_checksums(corpus)
    with pytest.raises(IntegrityError, match=f"sample {first} has key '{first}': another sample has it too"):
        Original(corpus, {})


def test_a_background_that_is_smaller_than_stated_leaves_nothing_behind(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Copy
) -> None:
    corpus = copy_corpus(built)
    row = read_table(corpus / SAMPLES, "samples").slice(0, 1).to_pylist()[0]
    ids = read_table(corpus / "metadata/backgrounds.parquet", "backgrounds")["id"].to_pylist()
    set_cell(corpus, "width", ids.index(row["background_id"]), 5000, "backgrounds")
    set_cell(corpus, "crop_x", 0, 4000)
    write_checksums(corpus)
    with pytest.raises(IntegrityError, match=f"cannot be drawn as the manifest says: sample {row['key']}: its crop"):
        rebuild(corpus, tmp_path / "out", {"photos": str(home / "photos")})
    assert list((tmp_path / "out").iterdir()) == []


def test_a_sample_that_comes_out_otherwise_leaves_shards_that_were_right(
    built: Path, home: Path, tmp_path: Path, copy_corpus: Copy
) -> None:
    corpus = copy_corpus(built)
    set_cell(corpus, "rainy_digest", 0, "0" * 32)
    write_checksums(corpus)
    with pytest.raises(IntegrityError, match="rainy_digest"):
        rebuild(corpus, tmp_path / "first", {"photos": str(home / "photos")})
    assert list((tmp_path / "first").iterdir()) == []
    right = read_table(built / SAMPLES, "samples")["rainy_digest"].to_pylist()
    set_cell(corpus, "rainy_digest", 0, right[0])
    set_cell(corpus, "rainy_digest", 15, "0" * 32)
    write_checksums(corpus)
    with pytest.raises(IntegrityError, match="rainy_digest"):
        rebuild(corpus, tmp_path / "last", {"photos": str(home / "photos")})
    assert len(list((tmp_path / "last").rglob("*.tar"))) == 3


def test_verify_reports_an_edit_beside_what_is_drawn_again(built: Path, home: Path, copy_corpus: Copy) -> None:
    from rainkit.release.redraw import redrawer

    corpus = copy_corpus(built)
    set_cell(corpus, "source_path", 0, "elsewhere.png")
    outcome = verify(corpus, redraw=redrawer(corpus, {"photos": str(home / "photos")}), redraws=2, jobs=1)
    assert [(problem.kind, problem.file) for problem in outcome.problems] == [("changed", SAMPLES)]
    assert outcome.counts["redrawn"] == 2
    assert read_checksums(corpus) == read_checksums(built)


def test_a_selection_of_what_is_not_there_says_what_there_is(built: Path) -> None:
    original = Original(built, {})
    with pytest.raises(RecipeError, match=r"has no split 'nosplit'; it has train, unseen-rain$"):
        original.select(Selection(splits=("nosplit",)))
    with pytest.raises(RecipeError, match=r"has no shard 'a', nor 1 more .*; it has data/train/.*, \.\.\. 4 in all$"):
        original.select(Selection(shards=("a", "b")))
