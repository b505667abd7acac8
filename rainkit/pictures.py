"""Open any set of pictures by its path: a folder, WebDataset shards, a Parquet file, a corpus, a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.errors import SourceError
from rainkit.manifest import metadata_of
from rainkit.records import Picture
from rainkit.sources import SOURCES, FolderSource

HASH_COLUMN = "phash"
"""Column of backgrounds.parquet with `duplicates.perceptual_hash` of each background, 16 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures of one place.

    Attributes
    ----------
    path : Path
        Where they were looked for.
    kind : str
        What lies there: folder, webdataset, parquet, corpus, or manifest.
    pictures : list of Picture
        Pictures that can be read.
    hashes : dict of str to int
        Name to perceptual hash of pictures that are known by their hash alone: backgrounds of a manifest.
    """

    path: Path
    kind: str
    pictures: list[Picture] = field(default_factory=list)
    hashes: dict[str, int] = field(default_factory=dict)


def open_pictures(path: str | Path, *, hashes: bool = False, member: str | None = None) -> PictureSet:
    """Return the pictures of a folder, shards, Parquet file, corpus or manifest; no pixel is read yet.

    Parameters
    ----------
    path : str or Path
        A folder of pictures, a tar file or a folder of them, a Parquet file of pictures, a corpus or manifest folder,
        or a backgrounds.parquet.
    hashes : bool
        Whether the hashes of a manifest will do instead of pictures. Of a corpus that has them they are preferred: they
        are of whole backgrounds, and its samples may be small crops.
    member : str, optional
        Which member of each sample to read from shards that are no corpus, such as "clean.png"; else every picture.

    Raises
    ------
    SourceError
        If there is nothing there, or nothing that can be read as pictures.
    """
    place = Path(path)
    if not place.exists():
        raise SourceError(f"{place}: there is nothing there; give a folder, shards, a Parquet file or a corpus")
    table = _find_table(place, "backgrounds")
    known = _read_hashes(table) if hashes and table is not None else {}
    if known:
        return PictureSet(place, "manifest", hashes=known)
    samples = _find_table(place, "samples")
    if samples is not None:
        found = PictureSet(place, "corpus", list(_clean_members(place, samples)))
        if found.pictures:
            return found
    if table is not None or samples is not None:
        raise SourceError(
            f"{place}: the manifest has neither shards beside it nor perceptual hashes of its backgrounds; give the "
            "corpus, or the folder of its backgrounds"
        )
    return _from_source(place, member)


def _find_table(place: Path, kind: str) -> Path | None:
    """Return the Parquet file of a manifest's table: the file itself, or in a corpus or manifest folder."""
    candidates = [place / "metadata" / f"{kind}.parquet", place / f"{kind}.parquet"] if place.is_dir() else [place]
    for candidate in candidates:
        if candidate.suffix != ".parquet" or not candidate.is_file():
            continue
        try:
            schema = pq.read_schema(candidate)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{candidate}: not a Parquet file that can be read: {error}") from error
        if metadata_of(schema).get("table") == kind:
            return candidate
    return None


def _read_hashes(table: Path) -> dict[str, int]:
    if HASH_COLUMN not in pq.read_schema(table).names:
        return {}
    rows = pq.read_table(table, columns=["source", "path", HASH_COLUMN]).to_pylist()
    return {f"{row['source']}:{row['path']}": int(row[HASH_COLUMN], 16) for row in rows}


def _clean_members(place: Path, samples: Path) -> Iterator[Picture]:
    """Yield the clean member of every sample whose shard is there."""
    root = samples.parent.parent if samples.parent.name == "metadata" else samples.parent
    names = pq.read_schema(samples).names
    if not {"shard", "clean_offset", "clean_size"} <= set(names):
        return
    for row in pq.read_table(samples, columns=["key", "shard", "clean_offset", "clean_size"]).to_pylist():
        shard = root / row["shard"]
        if shard.is_file():
            yield Picture(row["key"], partial(_read_slice, str(shard), row["clean_offset"], row["clean_size"]))


def _read_slice(path: str, offset: int, size: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _from_source(place: Path, member: str | None) -> PictureSet:
    kind = _guess_kind(place)
    if kind == "file":
        return PictureSet(place, "folder", [Picture(place.name, place.read_bytes)])
    fields: dict[str, Any] = {"path": place}
    if kind == "webdataset":
        fields |= {"member": member} | ({"shards": "**/*.tar"} if place.is_dir() else {})
    source: Any = SOURCES[kind].model_validate(fields)
    return PictureSet(place, kind, list(source()))


def _guess_kind(place: Path) -> str:
    """Return which source reads what lies at a place."""
    if place.is_file():
        if place.suffix == ".parquet":
            return "parquet"
        return "webdataset" if place.suffix in {".tar", ".tgz"} or place.name.endswith(".tar.gz") else "file"
    try:
        next(iter(FolderSource(path=place)()))
    except SourceError:
        if next(place.rglob("*.tar"), None) is not None:
            return "webdataset"
        if next(place.rglob("*.parquet"), None) is not None:
            return "parquet"
    return "folder"
