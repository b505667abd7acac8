"""The Croissant description of a corpus: JSON-LD from which other programs find its files and load its records.

Written after the Croissant format specification 1.1 [1]_. Files are named by paths relative to the description and
carry their SHA-256. Record sets: `manifest`, the columns of samples.parquet, and one for each kind of picture, such as
`rainy` and `clean`, by key.

References
----------
.. [1] MLCommons, "Croissant Format Specification 1.1", http://mlcommons.org/croissant/1.1
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from rainkit.manifest import member_column
from rainkit.recipe import CHANNELS, Recipe
from rainkit.release.licences import license_url
from rainkit.release.summary import Summary

TABLES = ("metadata/samples.parquet", "metadata/backgrounds.parquet", "metadata/refused.parquet")
"""The manifest of a corpus."""
MAX_SHARDS = 1000
"""Most shards that are described one by one; a larger corpus is described by its manifest, which names every shard."""
NO_DATE = "1970-01-01"
"""datePublished of a corpus whose recipe states no date; the format requires one."""

# The context that the specification prescribes for version 1.1, name to meaning.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
            "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
            "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
            "separator", "source", "subField", "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "sc": "https://schema.org/",
}  # fmt: skip
# A key has no dot. The pattern must also leave a key as it is, because a join applies it to both sides.
_KEY = "^([^./]+)"
_LABELS = ("split", "stratum", "score", "rain", "coverage", "psnr_rainy")
_ENCODINGS = {"png": "image/png", "json": "application/json", "npy": "application/octet-stream"}


def format_croissant(recipe: Recipe, summary: Summary, digests: Mapping[str, str]) -> str:
    """Return the description as JSON text.

    Parameters
    ----------
    recipe : Recipe
        The recipe of the corpus.
    summary : Summary
        What it holds.
    digests : mapping of str to str
        Path -> SHA-256 of the tables and of every shard.
    """
    shards = summary.shards if summary.pictures and len(summary.shards) <= MAX_SHARDS else ()
    files = [_file(path, "application/x-parquet", digests[path]) for path in TABLES]
    files += [_file(shard.path, "application/x-tar", digests[shard.path]) for shard in shards]
    records = [_manifest(summary)]
    if shards:
        files += [_file_set(extension, [shard.path for shard in shards]) for extension in summary.members]
        records += _pictures(summary)
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": recipe.name,
        "description": recipe.description or _describe(summary),
        "license": license_url(recipe.license),
        "url": "./README.md",
        "creator": {"@type": "sc:Organization", "name": f"The authors of {recipe.name}"},
        "datePublished": recipe.date or NO_DATE,
        "version": recipe.version,
        "keywords": ["deraining", "image restoration", "synthetic rain", "image complexity"],
        "citeAs": cite(recipe, summary),
        "isLiveDataset": False,
        "distribution": files,
        "recordSet": records,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _describe(summary: Summary) -> str:
    return f"Paired rainy and clean pictures with exact labels: {summary.total} samples, strata by complexity."


def cite(recipe: Recipe, summary: Summary) -> str:
    """Return a BibTeX entry; the fingerprint names the recipe and the versions of its components."""
    year = f"\n  year = {{{recipe.date[:4]}}}," if recipe.date else ""
    return (
        f"@misc{{{recipe.name},\n  title = {{{recipe.name} {recipe.version}: a deraining corpus}},"
        f"{year}\n  note = {{built with rainkit, recipe {summary.fingerprint[:16]}}}\n}}"
    )


def _file(path: str, encoding: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def _set_id(extension: str) -> str:
    return f"members-{member_column(extension)}"


def _file_set(extension: str, archives: list[str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _set_id(extension),
        "name": _set_id(extension),
        "description": f"{extension} of every sample: {CHANNELS.get(member_column(extension), 'what the sample is')}.",
        "containedIn": [{"@id": path} for path in archives],
        "encodingFormat": _ENCODINGS[extension.rpartition(".")[2]],
        "includes": f"*.{extension}",
    }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"


def _manifest(summary: Summary) -> dict[str, Any]:
    """Return the record set of samples.parquet, one record a sample."""
    text = "One record a sample: where it lies, what it was made from, what was drawn and measured."
    return _record_set("manifest", text, [_column("manifest", name, field) for name, field in summary.columns.items()])


def _pictures(summary: Summary) -> Iterator[dict[str, Any]]:
    """Yield a record set for each kind of picture, joined with the manifest by the key that its name begins with.

    A record set joins two sources at most, so the rainy and the clean pictures stand in one each, under equal keys.
    """
    for extension in summary.members:
        if not extension.endswith(".png"):
            continue
        channel = member_column(extension)
        files = {"fileSet": {"@id": _set_id(extension)}}
        key = {
            **_field(channel, "key", f"Key of the sample, as the name of {extension} says it.", "sc:Text"),
            "source": {**files, "extract": {"fileProperty": "filename"}, "transform": {"regex": _KEY}},
            "references": {"field": {"@id": "manifest/key"}},
        }
        picture = {
            **_field(channel, "image", f"{CHANNELS[channel]}.", "sc:ImageObject"),
            "source": {**files, "extract": {"fileProperty": "content"}},
        }
        labels = [
            {**_column(channel, name, summary.columns[name]), "source": {"field": {"@id": f"manifest/{name}"}}}
            for name in _LABELS
        ]
        yield _record_set(channel, f"Of every sample, {CHANNELS[channel]}.", [key, picture, *labels])


def _field(records: str, name: str, description: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
    }


def _column(records: str, name: str, field: pa.Field) -> dict[str, Any]:
    """Return the field of a column of samples.parquet."""
    metadata = field.metadata or {}
    text = metadata.get(b"description", name.encode()).decode()
    unit = metadata.get(b"unit", b"").decode()
    description = f"{text} Unit: {unit}." if unit else text
    source = {"fileObject": {"@id": TABLES[0]}, "extract": {"column": name}}
    return {**_field(records, name, description, _data_type(field.type)), "source": source}


def _record_set(name: str, description: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": {"@id": f"{name}/key"},
        "field": fields,
    }
