"""DuckDB, polars, pandas and litdata read the manifest, with its types."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

TABLES = ("samples", "backgrounds", "refused")


@pytest.mark.parametrize("name", TABLES)
def test_pandas(shelf: Path, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow.parquet")
    path = shelf / "metadata" / f"{name}.parquet"
    frame = pandas.read_parquet(path)
    assert frame.to_dict("list") == pyarrow.read_table(path).to_pydict()
    assert not frame.isna().any().any()


@pytest.mark.parametrize("name", TABLES)
def test_polars(shelf: Path, name: str) -> None:
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow.parquet")
    path = shelf / "metadata" / f"{name}.parquet"
    assert polars.read_parquet(path).to_dict(as_series=False) == pyarrow.read_table(path).to_pydict()
    assert polars.scan_parquet(path).collect().height == pyarrow.read_metadata(path).num_rows


def test_polars_types(shelf: Path) -> None:
    polars = pytest.importorskip("polars")
    schema = polars.read_parquet_schema(shelf / "metadata" / "samples.parquet")
    assert schema["key"] == schema["split"] == polars.String
    assert schema["score"] == polars.Float64
    assert schema["rainy_offset"] == polars.Int64


def test_duckdb(shelf: Path, rows: dict[str, Any]) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = shelf / "metadata" / "samples.parquet"
    found = duckdb.sql(f"SELECT split, count(*), sum(coverage) FROM '{path}' GROUP BY ALL ORDER BY ALL").fetchall()
    for split, count, total in found:
        here = [row["coverage"] for row in rows.values() if row["split"] == split]
        assert count == len(here)
        assert total == pytest.approx(math.fsum(here), rel=1e-12)
    assert duckdb.sql(f"SELECT * FROM '{path}' ORDER BY shard, index").df().key.tolist() == list(rows)


def test_duckdb_runs_the_query_of_the_card(shelf: Path, rows: dict[str, Any]) -> None:
    duckdb = pytest.importorskip("duckdb")
    text = (shelf / "README.md").read_text()
    query = text.split("```sql\n")[1].split("```")[0].replace(f"'{shelf.name}/", f"'{shelf}/")
    found = duckdb.sql(query).fetchall()
    assert sum(row[3] for row in found) == len(rows)


@pytest.mark.reader
@pytest.mark.filterwarnings("default")
def test_litdata_streams_the_manifest(shelf: Path, rows: dict[str, Any], tmp_path: Path, quiet_home: Path) -> None:
    litdata = pytest.importorskip("litdata")
    from litdata.streaming.item_loader import ParquetLoader

    folder = tmp_path / "tables"
    folder.mkdir()
    shutil.copyfile(shelf / "metadata" / "samples.parquet", folder / "samples.parquet")
    litdata.index_parquet_dataset(str(folder))
    dataset = litdata.StreamingDataset(str(folder), item_loader=ParquetLoader())
    assert {row["key"] for row in dataset} == set(rows)
