"""Pictures in columns of tables, as Parquet and Arrow files of `datasets` have them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.errors import SourceError
from rainkit.records import Picture

Layout = Literal["parquet", "arrow"]


def list_table(file: Path, name: str, column: str | None, layout: Layout) -> Iterator[Picture]:
    """Yield the pictures of one table; the path of one is "NAME/ROW".

    Parameters
    ----------
    file : Path
        A Parquet file, or an Arrow file as a stream.
    name : str
        Name of the table in the paths of its pictures.
    column : str, optional
        The column of pictures; without it there must be exactly one that can be.
    layout : str
        `parquet` or `arrow`.

    Raises
    ------
    SourceError
        If the file cannot be read or has no such column.
    """
    try:
        if layout == "parquet":
            with pq.ParquetFile(file) as table:
                schema = table.schema_arrow
                counts = [table.metadata.row_group(i).num_rows for i in range(table.metadata.num_row_groups)]
        else:
            batches = _open_arrow(file)
            schema = batches.schema
            counts = [len(chunk) for chunk in batches.column(0).chunks] if batches.num_columns else []
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"{file} cannot be read as {layout}: {error}") from error
    chosen = _choose_column(schema, column, file)
    row = 0
    for part, count in enumerate(counts):
        for i in range(count):
            yield Picture(f"{name}/{row:06d}", partial(_read_cell, file, layout, chosen, (part, i)))
            row += 1


def _choose_column(schema: Any, column: str | None, file: Path) -> str:
    able = [field.name for field in schema if _is_picture(field.type)]
    if column is not None and column not in able:
        raise SourceError(f"{file} has no column {column!r} with pictures; there are: {', '.join(able) or 'none'}")
    if column is None and len(able) != 1:
        found = f"several ({', '.join(able)}); name one with `column`" if able else "none"
        raise SourceError(f"{file} must have one column of encoded pictures, and has {found}")
    return column or str(able[0])


def _is_picture(kind: Any) -> bool:
    """Tell whether a column can hold encoded files: bytes, or a struct with bytes as `datasets` writes it."""
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


@lru_cache(maxsize=1)
def _read_group(file: Path, column: str, part: int) -> Any:
    # One group at a time: rows are asked for in order, and a group of pictures may take much memory.
    with pq.ParquetFile(file) as table:
        return table.read_row_group(part, columns=[column]).column(0).combine_chunks()


@lru_cache(maxsize=8)
def _open_arrow(file: Path) -> Any:
    # Mapped, not read.
    return pa.ipc.open_stream(pa.memory_map(str(file))).read_all()


def _read_cell(file: Path, layout: Layout, column: str, place: tuple[int, int]) -> bytes:
    part, row = place
    try:
        values = (
            _read_group(file, column, part) if layout == "parquet" else _open_arrow(file).column(column).chunk(part)
        )
        cell = values[row].as_py()
    except (pa.ArrowInvalid, IndexError) as error:
        raise OSError(0, f"row {row} of part {part} cannot be read: {error}") from error
    if isinstance(cell, dict):
        data, path = cell.get("bytes"), cell.get("path")
        if data is None and path is not None:
            return Path(file.parent, path).read_bytes()
        cell = data
    if cell is None:
        raise OSError(0, "the cell is empty")
    return bytes(cell)
