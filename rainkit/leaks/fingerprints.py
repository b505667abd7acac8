"""What is kept of each picture of a set, so that sets can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainkit import duplicates
from rainkit.errors import SourceError
from rainkit.images import PictureError, decode, pixel_digest, use_threads
from rainkit.pictures import PictureSet
from rainkit.records import Engine, Picture, Pixels

BATCH = 32
"""Pictures of one task."""
_FLAT = 1.0

Report = Callable[[str, int], Callable[[int, str], None]]
"""Called with the name of a stage and how many steps it has; returns what to call for each step done."""


def quiet(stage: str, steps: int) -> Callable[[int, str], None]:
    """Report nothing."""
    return lambda count, word: None


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a picture: its hash, and where it could be read a thumbnail, pixel digest and size."""

    name: str
    hash: int
    thumbnail: Pixels | None = None
    digest: str = ""
    width: int = 0
    height: int = 0

    @property
    def flat(self) -> bool:
        """Whether there is nothing to recognise in the picture, so that only equal pixels count."""
        return self.thumbnail is not None and float(self.thumbnail.std()) < _FLAT


def list_hashes(fingerprints: Sequence[Fingerprint]) -> NDArray[np.uint64]:
    """Return the hashes, uint64, shape (N,)."""
    return np.array([each.hash for each in fingerprints], dtype=np.uint64)


def take_fingerprints(
    pictures: PictureSet, engine: Engine, report: Report = quiet
) -> tuple[list[Fingerprint], list[tuple[str, str]]]:
    """Return the fingerprints of a set, and which pictures could not be read and why.

    Raises
    ------
    SourceError
        If none can be read.
    """
    taken = [Fingerprint(name, value) for name, value in pictures.hashes.items()]
    batches = [pictures.pictures[start : start + BATCH] for start in range(0, len(pictures.pictures), BATCH)]
    found: list[list[Fingerprint | tuple[str, str]]] = [[] for _ in batches]
    advance = report(f"Reading {pictures.path.name}", len(pictures.pictures))
    for number, results in engine(_take_batch, batches):
        found[number] = results
        advance(len(results), batches[number][-1].path)
    unreadable = []
    for result in (result for results in found for result in results):
        if isinstance(result, Fingerprint):
            taken.append(result)
        else:
            unreadable.append(result)
    if not taken:
        why = f"; the first: {unreadable[0][0]}: {unreadable[0][1]}" if unreadable else ""
        raise SourceError(f"{pictures.path}: none of {len(pictures.pictures)} pictures can be read{why}")
    return taken, unreadable


def _take_batch(batch: Sequence[Picture]) -> list[Fingerprint | tuple[str, str]]:
    use_threads(1)
    return [_take(picture) for picture in batch]


def _take(picture: Picture) -> Fingerprint | tuple[str, str]:
    try:
        data = picture.read()
        pixels = decode(data) if isinstance(data, bytes) else data
    except (OSError, PictureError) as error:
        return picture.path, getattr(error, "strerror", None) or str(error)
    height, width = pixels.shape[:2]
    hashed, small = duplicates.perceptual_hash(pixels), duplicates.thumbnail(pixels)
    return Fingerprint(picture.path, hashed, small, pixel_digest(pixels), width, height)
