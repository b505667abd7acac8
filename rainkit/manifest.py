"""The manifest: three Parquet tables that describe a corpus, and from which it can be rebuilt.

Columns are flat and of plain types (strings, integers, doubles), because every reader of Parquet has those. Each field
carries its description, and its unit where it has one, in the schema; the schema carries its version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rainkit.errors import IntegrityError
from rainkit.files import committing

SCHEMA_VERSION = 1
"""Raised when a column changes its name, type or meaning; added columns do not raise it."""
ROW_GROUP = 122_880
"""Rows of a row group: one unit of parallel work for DuckDB and polars, some 30 MB of a samples table in memory."""
BATCH = 4096
"""Rows that are held as Python objects at a time while a table is written."""

TableKind: TypeAlias = Literal["samples", "backgrounds", "refused"]

_PREFIX = "rainkit:"
_PIXEL_SUFFIXES = frozenset({"png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "npy"})
# Nearly every value of these is distinct: a dictionary would cost time and save nothing.
_DISTINCT = ("key", "rain_seed", "sha256", "digest", "id", "_digest", "rain_params", "_offset")


def _field(name: str, kind: pa.DataType, description: str, unit: str = "") -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=False, metadata=metadata)


_SAMPLE_FIELDS = (
    _field("key", pa.string(), "Name of the sample, unique in the corpus; its members are KEY.EXTENSION in the shard."),
    _field("split", pa.string(), "Split of the recipe that the sample belongs to."),
    _field("index", pa.int64(), "Position of the sample in its split, from 0; rows are sorted by split and index."),
    _field("stratum", pa.int16(), "Stratum of background complexity, from 0 (simplest)."),
    _field("shard", pa.string(), "Path of the tar file, relative to the corpus folder, with '/' between parts."),
)
_ORIGIN_FIELDS = (
    _field("background_id", pa.string(), "Background that the sample was cut from: `id` in backgrounds.parquet."),
    _field("source", pa.string(), "Name of the background's source in the recipe."),
    _field("source_path", pa.string(), "Path of the background within its source when the corpus was built."),
    _field("license", pa.string(), "Licence of the background as its source states it; empty when unknown."),
    _field("group", pa.string(), "Group of nearly identical backgrounds; a group lies within one split."),
    _field("crop_x", pa.int32(), "Left edge of the crop in the upright background.", "px"),
    _field("crop_y", pa.int32(), "Top edge of the crop in the upright background.", "px"),
    _field("crop_w", pa.int32(), "Width of the crop.", "px"),
    _field("crop_h", pa.int32(), "Height of the crop.", "px"),
)
_SCORE = _field("score", pa.float64(), "Complexity by which strata are made, as the recipe's `complexity.score` says.")
_RAIN_FIELDS = (
    _field("rain", pa.string(), "Name of the rain in the recipe."),
    _field("simulator", pa.string(), "Kind of the simulator that drew the rain."),
    _field("rain_params", pa.string(), "What the simulator drew for this sample, as a JSON object."),
    _field("rain_seed", pa.string(), "Seed of the sample's rain, 16 hexadecimal digits."),
    _field("coverage", pa.float64(), "Share of the pixels that have rain, 0 to 1."),
    _field("rain_mean", pa.float64(), "Mean of the rain layer over all pixels, 0 to 255."),
    _field("psnr_rainy", pa.float64(), "PSNR of rainy against clean over RGB; infinite where they are equal.", "dB"),
)
_BACKGROUND_FIELDS = (
    _field("id", pa.string(), "First 16 hexadecimal digits of `digest`."),
    _field("source", pa.string(), "Name of the source in the recipe."),
    _field("path", pa.string(), "Path of the picture within its source."),
    _field("license", pa.string(), "Licence as the source states it; empty when unknown."),
    _field("attribution", pa.string(), "Whom to credit, as the source states it; empty when unknown."),
    _field("sha256", pa.string(), "SHA-256 of the encoded file; of the raw pixels for a picture that was drawn."),
    _field("digest", pa.string(), "xxh3-128 over shape, dtype and bytes of the decoded, upright pixels."),
    _field("width", pa.int32(), "Width after orientation.", "px"),
    _field("height", pa.int32(), "Height after orientation.", "px"),
    _field("group", pa.string(), "Identifier shared by pictures that are nearly identical."),
    _field("split", pa.string(), "Split that holds the group; empty when no split uses it."),
    _field("stratum", pa.int16(), "Stratum of the whole picture, from 0 (simplest); -1 for none."),
)
_REFUSED_FIELDS = (
    _field("source", pa.string(), "Name of the source in the recipe."),
    _field("path", pa.string(), "Path of the picture within its source."),
    _field("reason", pa.string(), "Why it was not admitted, one of a fixed set of words."),
    _field("detail", pa.string(), "The reason as a sentence, with the numbers that decided."),
)


def member_column(extension: str) -> str:
    """Return the name of a member in column names: without its format, other dots as underscores.

    Examples
    --------
    >>> member_column("rainy.png"), member_column("json"), member_column("rain.layer.npy")
    ('rainy', 'json', 'rain_layer')
    """
    head, _, _ = extension.rpartition(".")
    return (head or extension).replace(".", "_")


def has_pixels(extension: str) -> bool:
    """Return whether a member of this extension is a picture or an array, and so has a pixel digest."""
    return extension.rpartition(".")[2] in _PIXEL_SUFFIXES


def _member_fields(extension: str) -> Iterator[pa.Field]:
    name, member = member_column(extension), f"member KEY.{extension}"
    yield _field(f"{name}_offset", pa.int64(), f"Where the content of {member} begins in the shard.", "byte")
    yield _field(f"{name}_size", pa.int64(), f"Length of the content of {member}.", "byte")
    if has_pixels(extension):
        yield _field(f"{name}_digest", pa.string(), f"xxh3-128 over shape, dtype and bytes of the array in {member}.")


def _estimator_fields(estimators: Mapping[str, str], what: str) -> Iterator[pa.Field]:
    for kind, identity in sorted(estimators.items()):
        yield _field(kind, pa.float64(), f"Estimator {identity} of {what}.")


def _schema(kind: TableKind, fields: Iterable[pa.Field], **metadata: object) -> pa.Schema:
    fields = list(fields)
    names = [field.name for field in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"column {', '.join(twice)} would appear twice in the {kind} table: rename a member or estimator"
        )
    head = {"table": kind, "schema_version": str(SCHEMA_VERSION)}
    head |= {name: json.dumps(value, sort_keys=True) for name, value in metadata.items()}
    return pa.schema(fields, metadata={_PREFIX + name: value for name, value in head.items()})


def samples_schema(members: Sequence[str], estimators: Mapping[str, str], extra: Sequence[pa.Field] = ()) -> pa.Schema:
    """Return the schema of `samples.parquet`: one row a sample.

    Parameters
    ----------
    members : sequence of str
        Extensions of a sample's members, such as `("rainy.png", "clean.png", "json")`.
    estimators : mapping of str to str
        Kind of each estimator, which names its column, to its id, "kind@view/version".
    extra : sequence of pyarrow.Field
        Further columns, with a description each; they come last.

    Raises
    ------
    ValueError
        If two columns would have one name.
    """
    places = [field for extension in sorted(members) for field in _member_fields(extension)]
    scores = [*_estimator_fields(estimators, "the crop"), _SCORE]
    fields = [*_SAMPLE_FIELDS, *places, *_ORIGIN_FIELDS, *scores, *_RAIN_FIELDS, *extra]
    columns = {member_column(extension): extension for extension in members}
    return _schema("samples", fields, members=columns, estimators=dict(estimators))


def backgrounds_schema(estimators: Mapping[str, str], extra: Sequence[pa.Field] = ()) -> pa.Schema:
    """Return the schema of `backgrounds.parquet`: one row an admitted picture; parameters as for `samples_schema`."""
    scores = [*_estimator_fields(estimators, "the whole picture"), _SCORE]
    return _schema("backgrounds", [*_BACKGROUND_FIELDS, *scores, *extra], estimators=dict(estimators))


def refused_schema() -> pa.Schema:
    """Return the schema of `refused.parquet`: one row a picture that was not admitted."""
    return _schema("refused", _REFUSED_FIELDS)


def number_field(name: str, description: str, unit: str = "") -> pa.Field:
    """Return a column of doubles for `extra`."""
    return _field(name, pa.float64(), description, unit)


def add_metadata(schema: pa.Schema, **metadata: str) -> pa.Schema:
    """Return the schema with further entries, such as `corpus="name-1.0.0"` or `recipe=fingerprint`."""
    added = {(_PREFIX + name).encode(): value.encode() for name, value in metadata.items()}
    return schema.with_metadata({**(schema.metadata or {}), **added})


def metadata_of(schema: pa.Schema) -> dict[str, str]:
    """Return the entries that rainkit wrote into a schema: table, schema_version, and what `add_metadata` added."""
    entries = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    return {key.removeprefix(_PREFIX): value for key, value in entries.items() if key.startswith(_PREFIX)}


def members_of(schema: pa.Schema) -> dict[str, str]:
    """Return column prefix -> extension of a samples table, such as {"rainy": "rainy.png"}, sorted."""
    return dict(sorted(json.loads(metadata_of(schema)["members"]).items()))


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
    options = {"version": "2.6", "compression": "zstd", "use_dictionary": dictionary, "write_page_index": True}
    with committing(Path(path)) as file, pq.ParquetWriter(file, schema, **options) as writer:
        for table in _row_groups(to_batches(rows, schema), schema):
            writer.write_table(table, row_group_size=ROW_GROUP)


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
    return samples_schema(list(members_of(schema).values()), estimators)


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
    except (KeyError, ValueError, AttributeError) as error:
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
