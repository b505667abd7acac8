"""The manifest: three Parquet tables that describe a corpus, and from which it can be rebuilt.

Columns are flat and of plain types (strings, integers, doubles), because every reader of Parquet has those. Each field
carries its description, and its unit where it has one, in the schema; the schema carries its version.
"""

from rainkit.manifest.reading import check_path, check_schema, read_table
from rainkit.manifest.schemas import (
    SCHEMA_VERSION,
    TableKind,
    add_metadata,
    backgrounds_schema,
    flag_field,
    has_pixels,
    member_column,
    members_of,
    metadata_of,
    number_field,
    refused_schema,
    samples_schema,
    text_field,
)
from rainkit.manifest.writing import BATCH, ROW_GROUP, to_batches, write_table

__all__ = [
    "BATCH",
    "ROW_GROUP",
    "SCHEMA_VERSION",
    "TableKind",
    "add_metadata",
    "backgrounds_schema",
    "check_path",
    "check_schema",
    "flag_field",
    "has_pixels",
    "member_column",
    "members_of",
    "metadata_of",
    "number_field",
    "read_table",
    "refused_schema",
    "samples_schema",
    "text_field",
    "to_batches",
    "write_table",
]
