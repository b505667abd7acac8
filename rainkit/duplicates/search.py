"""Pairs of hashes within a Hamming distance, and the groups that they connect, without comparing all with all.

Multi-index hashing [1]_: two hashes within `distance` bits differ, in at least one of four lanes of 16 bits, by no more
than that lane's radius, where the radii plus one add up to distance + 1 (pigeonhole). So only hashes whose lanes lie
that near are compared. The lanes are chosen by the parities of the frequencies, so that mirroring inverts whole lanes:
one bucket serves several orientations, and from the four counts of differing bits the distances of all of them follow.

References
----------
.. [1] M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index hashing",
   IEEE TPAMI 36(6), 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit.duplicates.hashing import orient, swap_axes

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of near-duplicates; all arrays of one length, ordered by first, second.

    Attributes
    ----------
    first, second : int64 array
        Indices into the two sets.
    orientation : int16 array
        Which orientation of the first lies nearest to the second: index into the names of ORIENTATIONS.
    distance : int16 array
        Hamming distance in bits.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    orientation: NDArray[np.int16]
    distance: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Hashes sorted, four times over, into the 65536 buckets of one of their lanes.

    Attributes
    ----------
    starts : int32 array, shape (4, 65537)
        First place of each bucket.
    members : int32 array, shape (4, N)
        Indices of the hashes, by bucket, rising within one.
    words : uint64 array, shape (4, N)
        The lanes of `members`.
    """

    starts: NDArray[np.int32]
    members: NDArray[np.int32]
    words: Hashes

    def arrays(self) -> tuple[Any, ...]:
        """Return the fields in the order that the kernels take them."""
        return self.starts, self.members, self.words


def _sort_into_buckets(hashes: Hashes) -> Buckets:
    # Bit 8 v + u moves to lane 2 (v mod 2) + (u mod 2): mirroring then inverts whole lanes.
    lanes = swap_axes(swap_axes(hashes, 3, 5), 0, 4)
    starts, members = [], []
    for lane in range(4):
        bucket = ((lanes >> np.uint64(16 * lane)) & np.uint64(0xFFFF)).astype(np.int64)
        members.append(np.argsort(bucket, kind="stable").astype(np.int32))
        starts.append(np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=1 << 16))]).astype(np.int32))
    return Buckets(np.stack(starts), np.stack(members), lanes[np.stack(members)])


def _list_probes(distance: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the bits to invert in each lane, shape (4, P), how many of the P each lane has, and the lanes' radii."""
    spare, rest = divmod(distance + 1, 4)
    radii = np.array([spare + (lane < rest) - 1 for lane in range(4)], dtype=np.int64)
    flips = [
        [sum(1 << bit for bit in bits) for size in range(radius + 1) for bits in combinations(range(16), size)]
        for radius in radii.tolist()
    ]
    probes = np.zeros((4, max(map(len, flips))), dtype=np.int32)
    for lane, masks in enumerate(flips):
        probes[lane, : len(masks)] = masks
    return probes, np.array([len(masks) for masks in flips], dtype=np.int64), radii


def _checked(hashes: Hashes | Sequence[int], distance: int) -> Hashes:
    if not 0 <= distance < 32:
        raise ValueError(f"distance must be 0 .. 31 of 64 bits, not {distance}")
    return np.ascontiguousarray(hashes, dtype=np.uint64)


def group(hashes: Hashes | Sequence[int], distance: int = 10, *, orientations: bool = True) -> NDArray[np.int64]:
    """Return, for each picture, the lowest index in its group of near-duplicates.

    Groups are the connected components of "within `distance` bits in some orientation": if a resembles b and b
    resembles c, all three are in one group. The partition does not depend on the order of the pictures.

    Parameters
    ----------
    hashes : uint64 array or sequence of int, shape (N,)
        `perceptual_hash` of each picture.
    distance : int
        Hamming distance in bits, 0 .. 31; 10 is sound for photographs.
    orientations : bool
        Whether mirrored and turned copies count.

    Returns
    -------
    int64 array, shape (N,)
        Label; pictures that resemble no other are labelled by their own index.

    Examples
    --------
    >>> group([0b0110, 0b0111, 2**40 - 1], distance=1).tolist()
    [0, 0, 2]
    """
    array = _checked(hashes, distance)
    unique, inverse = np.unique(array, return_inverse=True)
    roots = np.arange(unique.size, dtype=np.int64)
    if unique.size > 1:
        from rainkit.duplicates import kernels  # noqa: PLC0415 - numba is slow to import

        mirrorings = kernels.MIRRORINGS if orientations else kernels.UPRIGHT
        upright = _sort_into_buckets(unique).arrays()
        probes, counts, _ = _list_probes(distance)
        kernels.unite(*upright, *upright, probes, counts, distance, mirrorings, True, roots)
        if orientations:
            transposed = _sort_into_buckets(orient(unique, "transposed")).arrays()
            kernels.unite(*transposed, *upright, probes, counts, distance, mirrorings, False, roots)
        kernels.flatten(roots)
    joined = roots[inverse]
    first = np.full(unique.size, array.size, dtype=np.int64)
    np.minimum.at(first, joined, np.arange(array.size, dtype=np.int64))
    return np.asarray(first[joined])


def find_pairs(
    first: Hashes | Sequence[int],
    second: Hashes | Sequence[int],
    distance: int = 10,
    *,
    orientations: bool = True,
) -> Pairs:
    """Return all pairs of one picture of each set that are within `distance` bits in some orientation.

    Of several orientations of one pair the nearest is given (the first in ORIENTATIONS if they tie).

    Parameters
    ----------
    first, second : uint64 array or sequence of int, shapes (N,) and (M,)
        Hashes.
    distance : int
        Hamming distance in bits, 0 .. 31.
    orientations : bool
        Whether mirrored and turned copies count.
    """
    left, right = _checked(first, distance), _checked(second, distance)
    if not left.size or not right.size:
        none, small = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int16)
        return Pairs(none, none, small, small)
    from rainkit.duplicates import kernels  # noqa: PLC0415 - numba is slow to import

    mirrorings = kernels.MIRRORINGS if orientations else kernels.UPRIGHT
    targets = _sort_into_buckets(right).arrays()
    found = np.empty((0, 4), dtype=np.int64)
    for turn, name in enumerate(("upright", "transposed") if orientations else ("upright",)):
        queries = _sort_into_buckets(orient(left, name)).arrays()
        rows = kernels.search(*queries, *targets, *_list_probes(distance), distance, mirrorings)
        rows[:, 2] += 4 * turn
        found = np.concatenate([found, rows])
    order = np.lexsort((found[:, 2], found[:, 3], found[:, 1], found[:, 0]))
    found = found[order]
    keep = np.ones(len(found), dtype=np.bool_)
    keep[1:] = (found[1:, :2] != found[:-1, :2]).any(axis=1)
    found = found[keep]
    return Pairs(found[:, 0], found[:, 1], found[:, 2].astype(np.int16), found[:, 3].astype(np.int16))
