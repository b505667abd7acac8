"""Compare two sets of pictures, or one with itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rainkit import duplicates
from rainkit.duplicates import GRID, ORIENTATIONS
from rainkit.engines.serial import Serial
from rainkit.leaks.crops import find_crops
from rainkit.leaks.findings import Leak, LeakReport
from rainkit.leaks.fingerprints import Fingerprint, take_fingerprints
from rainkit.pictures import PictureSet
from rainkit.records import Engine, Report, quiet

MARGIN = 4
"""Bits that whole pictures may differ by beyond `distance`, since their agreement is checked too."""
_WHOLE = (0, 0, GRID, GRID)
_NAMES = tuple(ORIENTATIONS)


def find_leaks(
    first: PictureSet,
    second: PictureSet | None = None,
    *,
    distance: int = 10,
    crops: bool = True,
    engine: Engine | None = None,
    report: Report = quiet,
) -> LeakReport:
    """Return the pictures that two sets share, or that one set holds more than once.

    Parameters
    ----------
    first, second : PictureSet
        As `pictures.open_pictures` returns them; without a second, the first is compared with itself.
    distance : int
        Hamming distance up to which hashes count as near, bits, 0 .. 20; 4 more for whole pictures that can be checked.
    crops : bool
        Whether crops are looked for: those that keep at least 60 % of each side.
    engine : Engine, optional
        Runs the batches; one after the other without it.
    report : callable, optional
        Follows the progress.

    Raises
    ------
    SourceError
        If no picture of a set can be read.
    """
    if not 0 <= distance <= 20:
        raise ValueError(f"distance must be 0 .. 20 bits, not {distance}")
    engine = engine or Serial()
    left, unreadable = take_fingerprints(first, engine, report)
    right, more = (left, []) if second is None else take_fingerprints(second, engine, report)
    found = dict(_find_whole(left, right, distance))
    if crops:
        for scene_first in (True, False):
            scenes, parts = (left, right) if scene_first else (right, left)
            for i, j, crop in find_crops(scenes, parts, distance, engine, report):
                pair = (i, j) if scene_first else (j, i)
                if pair not in found:
                    found[pair] = crop.leak(scenes[i], parts[j], scene_first=scene_first)
    if second is None:
        # A pair of one set is found from both ends; a picture is no leak of itself.
        found = {pair: leak for pair, leak in found.items() if pair[0] != pair[1]}
        found = {(i, j): leak for (i, j), leak in found.items() if i < j or (j, i) not in found}
    leaks = sorted(found.values(), key=lambda leak: (leak.first, leak.second))
    return LeakReport(leaks, len(left), len(right), unreadable + more)


def _find_whole(
    left: Sequence[Fingerprint], right: Sequence[Fingerprint], distance: int
) -> Iterator[tuple[tuple[int, int], Leak]]:
    """Yield pairs of whole pictures: those with equal pixels, and those whose hashes are near and detail agrees."""
    by_digest: dict[str, list[int]] = {}
    for j, each in enumerate(right):
        if each.digest:
            by_digest.setdefault(each.digest, []).append(j)
    for i, each in enumerate(left):
        for j in by_digest.get(each.digest, []):
            yield (i, j), _describe(each, right[j], "upright", 0, 1.0)
    for read_left in (True, False):
        for read_right in (True, False):
            ours = [i for i, each in enumerate(left) if (each.calm is not None) == read_left and not each.flat]
            theirs = [j for j, each in enumerate(right) if (each.calm is not None) == read_right and not each.flat]
            read = read_left and read_right
            for a, b, orientation, bits in _near([left[i] for i in ours], [right[j] for j in theirs], distance, read):
                one, other = left[ours[a]], right[theirs[b]]
                if one is other or (one.digest and one.digest == other.digest):
                    continue
                agreed = None
                if one.calm is not None and other.calm is not None:
                    agreed = duplicates.agreement(other.calm, duplicates.turn(one.calm, orientation), _WHOLE)
                if agreed is None or agreed >= duplicates.ALIKE_WHOLE:
                    yield (ours[a], theirs[b]), _describe(one, other, orientation, bits, agreed)


def _near(
    left: Sequence[Fingerprint], right: Sequence[Fingerprint], distance: int, read: bool
) -> Iterator[tuple[int, int, str, int]]:
    """Yield pairs by their hashes: of the calm pictures where both could be read, and so can be checked."""
    ours, theirs = (
        np.array([each.calm_hash if read else each.hash for each in side], dtype=np.uint64) for side in (left, right)
    )
    pairs = duplicates.find_pairs(ours, theirs, distance + MARGIN if read else distance)
    columns = (pairs.first, pairs.second, pairs.orientation, pairs.distance)
    for a, b, number, bits in zip(*(column.tolist() for column in columns), strict=True):
        yield a, b, _NAMES[number], bits


def _describe(one: Fingerprint, other: Fingerprint, orientation: str, distance: int, agreed: float | None) -> Leak:
    change, lighter, resized = "unknown", 0.0, False
    if one.thumbnail is not None and other.thumbnail is not None:
        difference = other.thumbnail.astype(np.float64) - duplicates.turn(one.thumbnail, orientation)
        lighter = float(difference.mean())
        change = "encoded" if float(np.abs(difference).mean()) < 2 else "altered"
        turned = (one.height, one.width) if ORIENTATIONS[orientation][0] else (one.width, one.height)
        resized = turned != (other.width, other.height)
    if one.digest and one.digest == other.digest:
        change = "identical"
    return Leak(one.name, other.name, orientation, "", (0.0, 0.0, 1.0, 1.0), change, lighter, resized, distance, agreed)
