"""Parquet into tables, trusting nothing: kind, version, columns and names are checked before anybody uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rainkit.errors import IntegrityError
from rainkit.manifest.schemas import (
    SCHEMA_VERSION,
    TableKind,
    backgrounds_schema,
    member_column,
    members_of,
    metadata_of,
    refused_schema,
    samples_schema,
)

_EXTENSION = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)


def check_path(text: str, where: str) -> PurePosixPath:
    """Return a path of the manifest, which must stay within the corpus.

    Raises
    ------
    IntegrityError
        If the path is empty, absolute, climbs with "..", or has a backslash, a colon or a control character.
    """
    parts = text.split("/")
    if any(part in {"", ".", ".."} for part in parts) or any(c in "\\:" or ord(c) < 32 for c in text):
        raise IntegrityError(
            f"{where}: path {text!r} is absolute or climbs out of the corpus; do not trust this manifest"
        )
    return PurePosixPath(text)


def _expected(kind: TableKind, schema: pa.Schema) -> pa.Schema:
    if kind == "refused":
        return refused_schema()
    estimators = json.loads(metadata_of(schema).get("estimators", "{}"))
    if kind == "backgrounds":
        return backgrounds_schema(estimators)
    members = members_of(schema)
    for name, extension in members.items():
        # Extensions become parts of file names when a corpus is exported.
        if not _EXTENSION.fullmatch(extension) or name != member_column(extension):
            raise ValueError(f"member {name!r} cannot have the extension {extension!r}")
    return samples_schema(list(members.values()), estimators)


def check_schema(schema: pa.Schema, kind: TableKind, where: str) -> None:
    """Raise `IntegrityError` unless a schema is that of a manifest table of this kind, perhaps with more columns."""
    entries = metadata_of(schema)
    if entries.get("table") != kind:
        raise IntegrityError(f"{where} is not a {kind} table of a rainkit manifest")
    version = entries.get("schema_version", "")
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        raise IntegrityError(
            f"{where} has schema version {version!r}, this one reads up to {SCHEMA_VERSION}: install a newer rainkit"
        )
    try:
        expected = _expected(kind, schema)
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise IntegrityError(f"{where}: the metadata of the schema are damaged ({error})") from error
    for field in expected:
        found = schema.field(field.name).type if field.name in schema.names else "missing"
        if found != field.type:
            raise IntegrityError(f"{where}: column {field.name} should be {field.type}, it is {found}")


def read_table(source: Path | str | BinaryIO, kind: TableKind, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a table of a manifest, after checking that it is one and that its paths stay within the corpus.

    Parameters
    ----------
    source : Path, str or binary file
        The Parquet file.
    kind : {"samples", "backgrounds", "refused"}
        Which table it should be.
    columns : sequence of str, optional
        Read these alone.

    Raises
    ------
    IntegrityError
        If the file is missing, damaged, of another kind or a newer version, or holds a path that climbs.
    """
    where = str(source) if isinstance(source, Path | str) else f"{kind}.parquet"
    try:
        file = pq.ParquetFile(source)
        check_schema(file.schema_arrow, kind, where)
        table = file.read(columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"{where} cannot be read as Parquet: {error}") from error
    if kind == "samples":
        _check_names(table, where)
    return table


def _check_names(table: pa.Table, where: str) -> None:
    """Raise `IntegrityError` if a name of the table could lead a reader or an export out of its folder."""
    for name in {"shard", "split"} & set(table.column_names):
        for text in table[name].unique().to_pylist():
            check_path(text, where)
    if "key" in table.column_names:
        wrong = table["key"].filter(pc.invert(pc.match_substring_regex(table["key"], "^[A-Za-z0-9_-]+$")))
        if len(wrong):
            raise IntegrityError(f"{where}: {wrong[0].as_py()!r} is no key of a sample; do not trust this manifest")
