"""Rows into Parquet, in bounded memory, and into the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.files import committing

ROW_GROUP = 122_880
"""Rows of a row group: one unit of parallel work for DuckDB and polars, some 30 MB of a samples table in memory."""
BATCH = 4096
"""Rows that are held as Python objects at a time while a table is written."""


# Nearly every value of these is distinct: a dictionary would cost time and save nothing.
_DISTINCT = ("key", "rain_seed", "sha256", "digest", "id", "_digest", "rain_params", "_offset")


def _make_batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    names = set(schema.names)
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"a row has columns {sorted(set(row) ^ names)} too many or too few")
    return pa.RecordBatch.from_pylist(list(rows), schema=schema)


def to_batches(
    rows: pa.Table | Iterable[Mapping[str, Any]] | Iterable[pa.RecordBatch], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield rows as record batches of bounded size.

    Raises
    ------
    ValueError
        If a row lacks a column, has another one, or a value is null or of another type.
    """
    iterator = iter(rows.to_batches() if isinstance(rows, pa.Table) else rows)
    while chunk := list(islice(iterator, 1)):
        if isinstance(chunk[0], pa.RecordBatch):
            batch = chunk[0].cast(schema)
        else:
            batch = _make_batch([*chunk, *islice(iterator, BATCH - 1)], schema)
        nulls = [name for name, column in zip(schema.names, batch.columns, strict=True) if column.null_count]
        if nulls:
            raise ValueError(f"columns {', '.join(nulls)} hold nulls; a manifest has a value in every cell")
        yield batch


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of `ROW_GROUP` rows and a last shorter one: how rows arrived must not show in the file."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += len(batch)
        while count >= ROW_GROUP:
            table = pa.Table.from_batches(held, schema).combine_chunks()
            yield table.slice(0, ROW_GROUP)
            held, count = table.slice(ROW_GROUP).to_batches(), count - ROW_GROUP
    if count:
        yield pa.Table.from_batches(held, schema).combine_chunks()


def write_table(
    path: Path | str, schema: pa.Schema, rows: pa.Table | Iterable[Mapping[str, Any]] | Iterable[pa.RecordBatch]
) -> None:
    """Write a table as Parquet, whole or not at all.

    Equal rows give equal bytes under one version of pyarrow, whose name stands in the file.

    Parameters
    ----------
    path : Path or str
        The file; its folder must exist.
    schema : pyarrow.Schema
        One of the schemas above.
    rows : pyarrow.Table, or iterable of mapping or of pyarrow.RecordBatch
        Consumed lazily; memory is bounded by one row group.

    Raises
    ------
    BuildError
        If the file cannot be written.
    ValueError
        If a row does not fit the schema.
    """
    dictionary = [name for name in schema.names if not name.endswith(_DISTINCT)]
    # Version 2.6 keeps integers of 16 bits what they are; the page index lets a query skip pages of a row group.
    options = {"version": "2.6", "compression": "zstd", "use_dictionary": dictionary, "write_page_index": True}
    with committing(Path(path)) as file, pq.ParquetWriter(file, schema, **options) as writer:
        for table in _row_groups(to_batches(rows, schema), schema):
            writer.write_table(table, row_group_size=ROW_GROUP)
