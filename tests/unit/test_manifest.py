"""The manifest keeps what it is given, describes itself, and does not trust a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit import manifest
from rainkit.errors import BuildError, IntegrityError

MEMBERS = ("rainy.png", "clean.png", "streaks.npy", "json")
ESTIMATORS = {"gradient_entropy": "gradient_entropy@luma256/1", "jpeg_ratio": "jpeg_ratio@luma256/1"}
COLUMNS = """
    key split index stratum shard background_id source source_path license group crop_x crop_y crop_w crop_h score rain
    simulator rain_params rain_seed coverage rain_mean psnr_rainy
"""
SCHEMA = manifest.samples_schema(MEMBERS, ESTIMATORS)


def make_row(index: int, schema: pa.Schema = SCHEMA) -> dict[str, Any]:
    values = {pa.string(): f"text {index}", pa.float64(): index / 7}
    row = {field.name: values.get(field.type, index % 1000) for field in schema}
    return row | {"shard": "data/train/x-train-000000.tar", "key": f"k{index}"} if "shard" in row else row


def test_columns_are_flat_plain_and_described() -> None:
    schemas = [SCHEMA, manifest.backgrounds_schema(ESTIMATORS), manifest.refused_schema()]
    plain = {pa.string(), pa.int16(), pa.int32(), pa.int64(), pa.float64()}
    for schema in schemas:
        assert {field.type for field in schema} <= plain
        assert all(field.metadata[b"description"].endswith(b".") for field in schema)
        assert manifest.metadata_of(schema)["schema_version"] == str(manifest.SCHEMA_VERSION)
    assert SCHEMA.field("crop_w").metadata[b"unit"] == b"px"


def test_samples_have_the_columns_of_the_design() -> None:
    expected = set(COLUMNS.split())
    expected |= set(ESTIMATORS)
    expected |= {
        f"{member}_{what}" for member in ("rainy", "clean", "streaks") for what in ("offset", "size", "digest")
    }
    assert set(SCHEMA.names) == expected | {"json_offset", "json_size"}
    assert manifest.members_of(SCHEMA) == {
        "clean": "clean.png", "json": "json", "rainy": "rainy.png", "streaks": "streaks.npy",
    }  # fmt: skip


def test_columns_that_would_collide_are_refused() -> None:
    with pytest.raises(ValueError, match="rainy_offset"):
        manifest.samples_schema(("rainy.png", "rainy.npy"), {})
    with pytest.raises(ValueError, match="score"):
        manifest.samples_schema(MEMBERS, {"score": "score@x/1"})


def test_rows_come_back(tmp_path: Path) -> None:
    rows = [make_row(i) for i in range(10)]
    rows[3]["psnr_rainy"] = float("inf")
    schema = manifest.add_metadata(SCHEMA, corpus="a-1.0.0")
    manifest.write_table(tmp_path / "samples.parquet", schema, iter(rows))
    table = manifest.read_table(tmp_path / "samples.parquet", "samples")
    assert table.to_pylist() == rows
    assert manifest.metadata_of(table.schema)["corpus"] == "a-1.0.0"
    assert table.schema.field("coverage").metadata[b"description"]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]
    some = manifest.read_table(tmp_path / "samples.parquet", "samples", columns=["key", "split"])
    assert some.column_names == ["key", "split"]


def test_bytes_are_a_function_of_the_rows(tmp_path: Path) -> None:
    count = manifest.ROW_GROUP + 100
    schema = manifest.refused_schema()
    rows = [make_row(i, schema) for i in range(count)]
    manifest.write_table(tmp_path / "a", schema, rows)
    table = pa.Table.from_pylist(rows, schema)
    ragged = pa.concat_tables([table.slice(0, 5000), table.slice(5000, 7), table.slice(5007)])
    manifest.write_table(tmp_path / "b", schema, ragged)
    manifest.write_table(tmp_path / "c", schema, iter(ragged.to_batches(777)))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    groups = pq.ParquetFile(tmp_path / "a").metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [manifest.ROW_GROUP, 100]
    assert groups.row_group(0).column(0).compression == "ZSTD"


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    manifest.write_table(tmp_path / "a", manifest.refused_schema(), [])
    table = manifest.read_table(tmp_path / "a", "refused")
    assert (table.num_rows, table.column_names) == (0, ["source", "path", "reason", "detail"])


def test_pandas_and_duckdb_read_it(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    manifest.write_table(path, SCHEMA, [make_row(i) for i in range(10)])
    frame = pandas.read_parquet(path)
    assert frame["crop_x"].tolist() == list(range(10))
    assert duckdb.sql(f"select sum(crop_x) from '{path}'").fetchall() == [(45,)]


@pytest.mark.reader
@pytest.mark.filterwarnings("ignore")  # of the readers' own
def test_polars_and_hugging_face_read_it(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    rows = [make_row(i) for i in range(10)]
    manifest.write_table(path, SCHEMA, rows)
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path / "cache"), split="train")
    assert loaded.to_list() == rows
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(path).to_dicts() == rows
    assert polars.scan_parquet(path).filter(polars.col("crop_x") > 7).collect().height == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": None}, "score hold nulls"),
        ({"more": 1}, "more"),
        ({"crop_x": "left"}, "left"),
        ({"crop_x": 2**40}, "out of bounds|too large"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    rows = [make_row(0), make_row(1) | change]
    with pytest.raises((ValueError, pa.ArrowException), match=words):
        manifest.write_table(tmp_path / "a", SCHEMA, rows)
    assert list(tmp_path.iterdir()) == []


def test_batches_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    schema = manifest.refused_schema()
    nullable = pa.schema([pa.field(name, pa.string()) for name in schema.names])
    batch = pa.RecordBatch.from_pylist([dict.fromkeys(schema.names, "a") | {"reason": None}], nullable)
    with pytest.raises((ValueError, pa.ArrowException), match="null"):
        manifest.write_table(tmp_path / "a", schema, [batch])
    with pytest.raises((ValueError, pa.ArrowException), match="names"):
        manifest.write_table(tmp_path / "a", schema, [batch.select(["source"])])
    assert list(tmp_path.iterdir()) == []


def test_a_row_without_a_column_is_refused(tmp_path: Path) -> None:
    row = make_row(0)
    del row["split"]
    with pytest.raises(ValueError, match="split"):
        manifest.write_table(tmp_path / "a", SCHEMA, [row])


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="the folder does not exist"):
        manifest.write_table(tmp_path / "no" / "a", SCHEMA, [make_row(0)])


@pytest.mark.parametrize(
    "shard", ["/etc/passwd", "../a.tar", "data/../../a.tar", "data//a.tar", "C:a", "a\\b", "", "a\n"]
)
def test_paths_that_climb_are_refused(tmp_path: Path, shard: str) -> None:
    manifest.write_table(tmp_path / "a", SCHEMA, [make_row(0), make_row(1) | {"shard": shard}])
    with pytest.raises(IntegrityError, match="climbs"):
        manifest.read_table(tmp_path / "a", "samples")


@pytest.mark.parametrize("key", ["../a", "a/b", "a.b", "", "a\nb", "/a"])
def test_keys_that_are_no_names_are_refused(tmp_path: Path, key: str) -> None:
    manifest.write_table(tmp_path / "a", SCHEMA, [make_row(0), make_row(1) | {"key": key}])
    with pytest.raises(IntegrityError, match="no key of a sample"):
        manifest.read_table(tmp_path / "a", "samples")


def _write(schema: pa.Schema) -> io.BytesIO:
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    return buffer


def test_files_that_are_no_manifest_are_named(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        manifest.read_table(tmp_path / "none.parquet", "samples")
    with pytest.raises(IntegrityError, match="cannot be read"):
        manifest.read_table(io.BytesIO(b"PAR1 not really"), "samples")
    with pytest.raises(IntegrityError, match="not a samples table"):
        manifest.read_table(_write(pa.schema([("key", pa.string())])), "samples")
    with pytest.raises(IntegrityError, match="not a backgrounds table"):
        manifest.read_table(_write(SCHEMA), "backgrounds")
    newer = manifest.add_metadata(SCHEMA, schema_version="2")
    with pytest.raises(IntegrityError, match="install a newer rainkit"):
        manifest.read_table(_write(newer), "samples")
    with pytest.raises(IntegrityError, match="column split should be string, it is missing"):
        manifest.read_table(_write(SCHEMA.remove(1)), "samples")
    other = SCHEMA.set(1, pa.field("split", pa.int64()))
    with pytest.raises(IntegrityError, match="column split should be string, it is int64"):
        manifest.read_table(_write(other), "samples")
    for damaged in (
        "[",
        json.dumps(["rainy"]),
        json.dumps({"rainy": "rainy.png", "rainy2": "rainy.npy"}),
        '{"rainy": "rainy./../../x"}',
        '{"json": 1}',
    ):
        with pytest.raises(IntegrityError, match="damaged"):
            manifest.read_table(_write(manifest.add_metadata(SCHEMA, members=damaged)), "samples")


def test_further_columns_are_welcome(tmp_path: Path) -> None:
    extra = [manifest.number_field("noise", "Deviation of the noise.", "grey level")]
    schema = manifest.backgrounds_schema(ESTIMATORS, extra)
    manifest.write_table(tmp_path / "a", schema, [make_row(1, schema)])
    assert manifest.read_table(tmp_path / "a", "backgrounds").column_names[-1] == "noise"
