"""A corpus in numbers: what its card and its Croissant description say, read from the manifest and one sample."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rainkit.errors import IntegrityError
from rainkit.manifest import check_path, members_of, metadata_of, read_table
from rainkit.release.checksums import hash_file
from rainkit.strata import METADATA_KEY

BINS = 20
"""Bars of the histogram of scores."""

_COLUMNS = ("split", "stratum", "rain", "shard", "score", "coverage", "psnr_rainy", "background_id")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A shard of a corpus: path relative to it, split, samples, and, where its file is known, size and digests."""

    path: str
    split: str
    samples: int
    size: int = 0
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """The samples of one split, stratum and rain: how many, mean coverage (0..1), mean PSNR of rainy (dB)."""

    split: str
    stratum: int
    rain: str
    samples: int
    coverage: float
    psnr: float


@dataclass(frozen=True, slots=True)
class Origin:
    """What one source of the recipe gave to a corpus."""

    name: str
    licenses: tuple[str, ...]
    attributions: tuple[str, ...]
    backgrounds: int
    samples: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus in numbers.

    Attributes
    ----------
    corpus, fingerprint : str
        NAME-VERSION, and the digest of the resolved recipe and the versions of its components.
    components : dict of str to int
        Component to its version.
    members : tuple of str
        Extensions of a sample's members, sorted.
    shards : tuple of ShardFile
        By split, in the order of the recipe, then by path.
    pictures : bool
        Whether the shards are there; a manifest alone can be a release.
    part : bool
        Whether these are some of the corpus's samples, drawn again from its manifest.
    cells : tuple of Cell
        By split, stratum, rain.
    histogram : tuple of (float, int)
        Lower edge of each bar of the scores, and how many samples lie in it.
    edges : tuple of float
        Inner edges of the strata.
    origins : tuple of Origin
        By source.
    refused : dict of str to int
        Reason to number of pictures, the most frequent first.
    example : dict
        JSON member of the first sample; empty without pictures.
    columns : dict of str to str
        Column of samples.parquet to its description.
    """

    corpus: str
    fingerprint: str
    components: dict[str, int]
    members: tuple[str, ...]
    shards: tuple[ShardFile, ...]
    pictures: bool
    part: bool
    cells: tuple[Cell, ...]
    histogram: tuple[tuple[float, int], ...]
    edges: tuple[float, ...]
    origins: tuple[Origin, ...]
    refused: dict[str, int]
    example: dict[str, Any]
    columns: dict[str, pa.Field]

    @property
    def samples(self) -> dict[str, int]:
        """Samples by split, in the order of the splits."""
        counts: dict[str, int] = {}
        for shard in self.shards:
            counts[shard.split] = counts.get(shard.split, 0) + shard.samples
        return counts

    @property
    def total(self) -> int:
        """Samples of the corpus."""
        return sum(self.samples.values())


def summarise_corpus(folder: Path, splits: Iterable[str], known: Mapping[str, Mapping[str, Any]]) -> Summary:
    """Read what a corpus holds.

    Parameters
    ----------
    folder : Path
        With `metadata/`; with `data/`, unless the pictures are no part of the release.
    splits : iterable of str
        Splits in the order in which they are to be named.
    known : mapping
        Path of a shard to a mapping with its size, sha256 and md5, where these were found while writing it; other
        shards are read.

    Raises
    ------
    IntegrityError
        If a table is damaged, or some shards are there and others are not.
    """
    path = folder / "metadata" / "samples.parquet"
    schema = pq.read_schema(path)
    table = read_table(path, "samples", _COLUMNS)
    shards = _list_shards(folder, table, list(splits), known)
    there = [shard.path for shard in shards if shard.size]
    if there and len(there) < len(shards):
        lost = next(shard.path for shard in shards if not shard.size)
        raise IntegrityError(
            f"{folder}: {len(shards) - len(there)} of {len(shards)} shards are missing, such as {lost}"
        )
    entries = metadata_of(schema)
    strata = json.loads((schema.metadata or {}).get(METADATA_KEY) or entries.get("strata", "{}"))
    return Summary(
        corpus=entries.get("corpus", folder.name),
        fingerprint=entries.get("fingerprint", ""),
        components=json.loads(entries.get("components", "{}")),
        members=tuple(sorted(members_of(schema).values())),
        shards=shards,
        pictures=bool(there),
        part="selection" in entries,
        cells=_count_cells(table, [*dict.fromkeys(shard.split for shard in shards)]),
        histogram=_count_scores(table["score"].to_numpy()),
        edges=tuple(strata.get("edges", ())),
        origins=_list_origins(folder, table),
        refused=_count_refused(folder),
        example=_read_example(folder, path) if there else {},
        columns={field.name: field for field in schema},
    )


def _list_shards(
    folder: Path, table: pa.Table, splits: list[str], known: Mapping[str, Mapping[str, Any]]
) -> tuple[ShardFile, ...]:
    counts = table.group_by(["shard", "split"]).aggregate([("shard", "count")]).to_pylist()
    shards = []
    for row in counts:
        path, split = row["shard"], row["split"]
        file = folder / check_path(path, "samples.parquet")
        identity = known.get(path)
        if identity is None:
            identity = _identify(file) if file.is_file() else {}
        digests = {name: identity[name] for name in ("size", "sha256", "md5") if name in identity}
        shards.append(ShardFile(path, split, row["shard_count"], **digests))
    order = {name: number for number, name in enumerate(splits)}
    return tuple(sorted(shards, key=lambda shard: (order.get(shard.split, len(order)), shard.split, shard.path)))


def _identify(path: Path) -> dict[str, Any]:
    """Return size and digests of a file, which is read once."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return {"size": size, "sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def _codes(table: pa.Table, name: str) -> tuple[NDArray[np.int64], list[Any]]:
    column = table[name].combine_chunks().dictionary_encode()
    return np.asarray(column.indices.to_numpy(zero_copy_only=False), dtype=np.int64), column.dictionary.to_pylist()


def _mean(values: NDArray[np.float64]) -> float:
    # fsum is exact, so the mean does not depend on the order of additions, which differs between versions of NumPy.
    return math.fsum(values.tolist()) / len(values)


def _count_cells(table: pa.Table, splits: list[str]) -> tuple[Cell, ...]:
    split, split_names = _codes(table, "split")
    rain, rain_names = _codes(table, "rain")
    stratum = table["stratum"].to_numpy().astype(np.int64)
    least = int(stratum.min()) if len(stratum) else 0
    width = int(stratum.max()) - least + 1 if len(stratum) else 1
    place = (split * width + stratum - least) * max(len(rain_names), 1) + rain
    order = np.argsort(place, kind="stable")
    values, starts = np.unique(place[order], return_index=True)
    coverage, psnr = table["coverage"].to_numpy()[order], table["psnr_rainy"].to_numpy()[order]
    cells = []
    for value, start, stop in zip(values, starts, [*starts[1:], len(order)], strict=True):
        rest, which = divmod(int(value), len(rain_names))
        name, level = split_names[rest // width], rest % width + least
        means = _mean(coverage[start:stop]), _mean(psnr[start:stop])
        cells.append(Cell(name, level, rain_names[which], int(stop - start), *means))
    return tuple(sorted(cells, key=lambda cell: (splits.index(cell.split), cell.stratum, cell.rain)))


def _count_scores(scores: NDArray[np.float64]) -> tuple[tuple[float, int], ...]:
    if not len(scores):
        return ()
    low, high = float(scores.min()), float(scores.max())
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return ((low, len(scores)),)
    step = (high - low) / BINS
    bins = np.minimum(np.floor((scores - low) / step), BINS - 1).astype(np.int64)
    counts = np.bincount(bins, minlength=BINS)
    return tuple((low + step * number, int(count)) for number, count in enumerate(counts))


def _list_origins(folder: Path, table: pa.Table) -> tuple[Origin, ...]:
    """Return what each source gave: backgrounds that samples were cut from, and the samples."""
    uses = table.group_by("background_id").aggregate([("background_id", "count")])
    uses = dict(zip(uses["background_id"].to_pylist(), uses["background_id_count"].to_pylist(), strict=True))
    path = folder / "metadata" / "backgrounds.parquet"
    backgrounds = read_table(path, "backgrounds", ("id", "source", "license", "attribution"))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in backgrounds.to_pylist():
        if row["id"] in uses:
            found.setdefault(row["source"], []).append(row)
    return tuple(
        Origin(
            name,
            tuple(sorted({row["license"] for row in rows})),
            tuple(sorted({row["attribution"] for row in rows})),
            len(rows),
            sum(uses[row["id"]] for row in rows),
        )
        for name, rows in sorted(found.items())
    )


def _count_refused(folder: Path) -> dict[str, int]:
    reasons = pc.value_counts(read_table(folder / "metadata" / "refused.parquet", "refused", ("reason",))["reason"])
    counts = {row["values"]: row["counts"] for row in reasons.to_pylist()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _read_example(folder: Path, path: Path) -> dict[str, Any]:
    """Return the JSON member of the first sample; every other has the same keys and types."""
    with pq.ParquetFile(path) as file:
        row = next(file.iter_batches(1, columns=["shard", "json_offset", "json_size"])).to_pylist()[0]
    with (folder / check_path(row["shard"], str(path))).open("rb") as shard:
        shard.seek(row["json_offset"])
        data = shard.read(row["json_size"])
    try:
        example: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise IntegrityError(f"{folder}: the JSON member of the first sample in {row['shard']} is damaged") from error
    return example


def hash_known(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return path -> SHA-256 of files of a corpus."""
    return {path: hash_file(folder / path)[0] for path in paths}
