"""What is kept of each picture of a set, so that sets can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rainkit import duplicates
from rainkit.errors import SourceError
from rainkit.images import PictureError, decode, luma, pixel_digest, use_threads
from rainkit.pictures import PictureSet
from rainkit.records import Engine, Picture, Pixels, Report, quiet

BATCH = 32
"""Pictures of one task."""
_CALM_SIDE, _CALM_WIDTH = 256, 7
_FLAT = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a picture; all but name and hash only where it could be read.

    Attributes
    ----------
    name : str
        Name within its set.
    hash : int
        Perceptual hash, as manifests keep it.
    thumbnail : uint8 array, shape (GRID, GRID), optional
        The picture, small.
    calm : uint8 array, shape (GRID, GRID), optional
        The picture without thin bright things, as `calm` makes it; what pictures are recognised by.
    calm_hash : int
        Perceptual hash of the calm picture.
    digest : str
        Pixel digest.
    width, height : int
        Size in pixels.
    """

    name: str
    hash: int
    thumbnail: Pixels | None = None
    calm: Pixels | None = None
    calm_hash: int = 0
    digest: str = ""
    width: int = 0
    height: int = 0

    @property
    def flat(self) -> bool:
        """Whether there is nothing to recognise in the picture, so that only equal pixels count."""
        return self.calm is not None and float(self.calm.std()) < _FLAT


def calm(pixels: Pixels) -> Pixels:
    """Return the luma of a picture without thin bright things: reduced to 256 px, minimum then maximum of 7 x 7.

    Rain adds thin bright streaks. On 132 photographs under the rain of three presets this finds .95 of the whole copies
    where the plain picture finds .86, with no more false candidates. Whole numbers only.
    """
    grey = luma(pixels)
    longer = max(grey.shape)
    if longer > _CALM_SIDE:
        height, width = (max(1, round(side * _CALM_SIDE / longer)) for side in grey.shape)
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    side = round(_CALM_WIDTH * min(longer, _CALM_SIDE) / _CALM_SIDE) | 1
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)), dtype=np.uint8)


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
    quiet_picture = calm(pixels)
    return Fingerprint(
        name=picture.path,
        hash=duplicates.perceptual_hash(pixels),
        thumbnail=duplicates.thumbnail(pixels),
        calm=duplicates.thumbnail(quiet_picture),
        calm_hash=duplicates.perceptual_hash(quiet_picture),
        digest=pixel_digest(pixels),
        width=width,
        height=height,
    )
