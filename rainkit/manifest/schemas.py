"""What stands in the tables of a manifest: names, types, units and meanings of the columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised when a column changes its name, type or meaning; added columns do not raise it."""
TableKind: TypeAlias = Literal["samples", "backgrounds", "refused"]

_PREFIX = "rainkit:"
_PIXEL_SUFFIXES = frozenset({"png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "npy"})


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


def text_field(name: str, description: str) -> pa.Field:
    """Return a column of text for `extra`."""
    return _field(name, pa.string(), description)


def flag_field(name: str, description: str) -> pa.Field:
    """Return a column of true and false for `extra`."""
    return _field(name, pa.bool_(), description)


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
