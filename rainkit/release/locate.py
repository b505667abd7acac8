"""Find backgrounds by their content, wherever they lie and whatever they are called.

A background is looked for where the manifest says it was, then by the SHA-256 of its file among everything that lies at
the given places - files of any name, members of tar files, rows of Parquet files - and last by the digest of its pixels
among pictures of its size, which finds it in another lossless file too.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rainkit.errors import SourceError
from rainkit.images import PictureError, decode, pixel_digest, probe
from rainkit.records import Background, Engine, Picture
from rainkit.sources import FolderSource, ParquetSource, WebdatasetSource

BATCH = 16
"""Files of one task: long enough to hide the cost of handing it over."""

_CONTAINERS: dict[str, type[WebdatasetSource] | type[ParquetSource]] = {
    ".tar": WebdatasetSource,
    ".parquet": ParquetSource,
}

Facts = tuple[str, tuple[int, int]] | None
"""SHA-256 of a file and the sides of its picture, shorter first; None for a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Located:
    """What a search found.

    Attributes
    ----------
    pictures : dict of str to Picture
        Background id to how it is read.
    missing : tuple of Background
        Backgrounds that lie at none of the places, in the order of the search.
    """

    pictures: dict[str, Picture]
    missing: tuple[Background, ...]


def locate(
    backgrounds: Sequence[Background], sources: Mapping[str, Any], placed: Iterable[str], engine: Engine
) -> Located:
    """Find backgrounds.

    Parameters
    ----------
    backgrounds : sequence of Background
        What is looked for.
    sources : mapping of str to source
        Sources of the recipe by name, with their new places.
    placed : iterable of str
        Names of the sources that have a place on this disk; others are looked for at the places of these.
    engine : Engine
        Reads and hashes files.

    Raises
    ------
    SourceError
        If a place does not exist.
    """
    found: dict[str, Picture] = {}
    offers: list[Picture] = []
    wanted = {background.id: background for background in backgrounds}
    for name, source in sources.items():
        if not source.location_fields:
            # What is drawn has no file: its path says what to draw, and drawing it checks its digest.
            drawn = {picture.path: picture for picture in source()}
            found |= {each.id: drawn[each.path] for each in backgrounds if each.source == name and each.path in drawn}
        elif name in placed:
            listed = list(_list_own(source))
            known = {picture.path: picture for picture in listed}
            here = [each for each in backgrounds if each.source == name and each.path in known]
            found |= _match_files(here, [known[each.path] for each in here], engine)
            offers += [*listed, *_list_everything(Path(source.path))]
    left = [wanted[name] for name in wanted if name not in found]
    if left and offers:
        facts = _examine(offers, engine)
        found |= _match_sha256(left, offers, facts)
        left = [background for background in left if background.id not in found]
        found |= _match_pixels(left, offers, facts, engine)
    return Located(found, tuple(background for background in backgrounds if background.id not in found))


def _list_own(source: Any) -> Iterator[Picture]:
    """Yield what a source offers at its place, nothing where it finds nothing that it knows."""
    if not Path(source.path).exists():
        raise SourceError(f"there is nothing at {source.path}: check the path that --source gives")
    try:
        yield from source()
    except SourceError:
        return


def _list_everything(place: Path) -> Iterator[Picture]:
    """Yield every file at a place as a picture that it may be, and what lies in tar and Parquet files there."""
    containers = [place] if place.is_file() else []
    if place.is_dir():
        for picture in _quietly(FolderSource(path=place, include=("*",))):
            if Path(picture.path).suffix not in _CONTAINERS:
                yield picture
        containers = sorted(path for end in _CONTAINERS for path in place.rglob(f"*{end}"))
    for path in containers:
        kind = _CONTAINERS.get(path.suffix)
        if kind is not None:
            yield from _quietly(kind(path=path))


def _quietly(source: FolderSource | WebdatasetSource | ParquetSource) -> Iterator[Picture]:
    try:
        yield from source()
    except SourceError:
        return


def hash_pictures(pictures: Sequence[Picture]) -> list[Facts]:
    """Return SHA-256 and sides of each picture; the task of a worker."""
    return [_hash_picture(picture) for picture in pictures]


def _hash_picture(picture: Picture) -> Facts:
    try:
        data = picture.read()
        if not isinstance(data, bytes):
            return None
        digest = hashlib.sha256(data).hexdigest()
        header = probe(data)
    except PictureError:
        return digest, (0, 0)
    except OSError:
        return None
    return digest, (min(header.width, header.height), max(header.width, header.height))


def digest_pictures(pictures: Sequence[Picture]) -> list[str]:
    """Return the pixel digest of each picture, "" for one that cannot be decoded; the task of a worker."""
    return [_digest_picture(picture) for picture in pictures]


def _digest_picture(picture: Picture) -> str:
    try:
        data = picture.read()
        return pixel_digest(decode(data) if isinstance(data, bytes) else np.asarray(data))
    except (OSError, PictureError):
        return ""


def _run(function: Any, pictures: Sequence[Picture], engine: Engine) -> list[Any]:
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    results: list[Any] = [None] * len(batches)
    for number, result in engine(function, batches):
        results[number] = result
    return [item for batch in results for item in batch]


_examine = functools.partial(_run, hash_pictures)


def _match_files(backgrounds: Sequence[Background], pictures: Sequence[Picture], engine: Engine) -> dict[str, Picture]:
    """Return those backgrounds whose own path still holds their file."""
    facts = _examine(pictures, engine)
    return {
        background.id: picture
        for background, picture, fact in zip(backgrounds, pictures, facts, strict=True)
        if fact is not None and fact[0] == background.sha256
    }


def _match_sha256(
    backgrounds: Sequence[Background], offers: Sequence[Picture], facts: Sequence[Facts]
) -> dict[str, Picture]:
    by_digest: dict[str, Picture] = {}
    for picture, fact in zip(offers, facts, strict=True):
        if fact is not None:
            by_digest.setdefault(fact[0], picture)
    return {each.id: by_digest[each.sha256] for each in backgrounds if each.sha256 in by_digest}


def _match_pixels(
    backgrounds: Sequence[Background], offers: Sequence[Picture], facts: Sequence[Facts], engine: Engine
) -> dict[str, Picture]:
    """Return backgrounds that are there in another file: only pictures of the size of a missing one are decoded."""
    sides = {(min(each.width, each.height), max(each.width, each.height)) for each in backgrounds}
    like = [picture for picture, fact in zip(offers, facts, strict=True) if fact is not None and fact[1] in sides]
    by_digest: dict[str, Picture] = {}
    for picture, digest in zip(like, _run(digest_pictures, like, engine), strict=True):
        by_digest.setdefault(digest, picture)  # what a source itself lists comes first, and has its depth map
    return {each.id: by_digest[each.digest] for each in backgrounds if each.digest in by_digest}
