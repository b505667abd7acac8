"""The compiled loops of the search: look into the buckets around a query and compare what is there."""

# ruff: noqa: PLR0917 - compiled loops take arrays one by one

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_M8 = np.uint64(0x00FF00FF00FF00FF)
# Which of the lanes mirroring inverts; the order is that of ORIENTATIONS: as it is, left-right, up-down, both.
_INVERTED = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0]], dtype=np.int64)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _count_lanes(word: Any) -> Any:
    """Return the number of set bits in each 16-bit lane, in that lane."""
    word = word - ((word >> np.uint64(1)) & _M1)
    word = (word & _M2) + ((word >> np.uint64(2)) & _M2)
    word = (word + (word >> np.uint64(4))) & _M4
    return (word + (word >> np.uint64(8))) & _M8


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _nearest(differing: Any, mirrored: bool) -> Any:
    """Return the least distance over the mirrorings of a query, and which of them has it."""
    counts = np.int64(_count_lanes(differing))
    d0, d1, d2, d3 = counts & 255, (counts >> 16) & 255, (counts >> 32) & 255, counts >> 48
    best, which = d0 + d1 + d2 + d3, 0
    if mirrored:
        # An inverted lane differs where it agreed before; the mean's bit (lane 0) is in none of them.
        across, down, both = d0 + 32 - d1 + d2 - d3, d0 + d1 + 32 - d2 - d3, d0 + 32 - d1 - d2 + d3
        if across < best:
            best, which = across, 1
        if down < best:
            best, which = down, 2
        if both < best:
            best, which = both, 3
    return best, which


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _root(roots: Any, node: int) -> int:
    while roots[node] != node:
        roots[node] = roots[roots[node]]
        node = roots[node]
    return node


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def unite(
    starts: Any, members: Any, words: Any, other_starts: Any, other_members: Any, other_words: Any,
    probes: Any, probe_counts: Any, distance: int, mirrored: bool, alike: bool, roots: Any,
) -> None:  # fmt: skip
    """Join, in `roots`, the members of two bucket tables that lie near to one another in some mirroring.

    `alike` says that both tables are the same, so that one of each two ordered pairs of buckets is enough. A root is
    the lowest index of its set.
    """
    for lane in range(4):
        for inverted in range(2 if mirrored and lane > 0 else 1):
            for bucket in range(0x10000):
                first, last = starts[lane, bucket], starts[lane, bucket + 1]
                if first == last:
                    continue
                around = bucket ^ (0xFFFF if inverted else 0)
                for probe in range(probe_counts[lane]):
                    other = around ^ probes[lane, probe]
                    if alike and other < bucket:
                        continue
                    for there in range(other_starts[lane, other], other_starts[lane, other + 1]):
                        word = other_words[lane, there]
                        for here in range(first, last):
                            if _nearest(word ^ words[lane, here], mirrored)[0] <= distance:
                                a = _root(roots, np.int64(members[lane, here]))
                                b = _root(roots, np.int64(other_members[lane, there]))
                                if a != b:
                                    roots[max(a, b)] = min(a, b)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def flatten(roots: Any) -> None:
    """Point every node at the root of its set."""
    for node in range(roots.size):
        roots[node] = _root(roots, node)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _found_before(differing: Any, which: int, lane: int, radii: Any) -> bool:
    """Return whether an earlier lane of the same orientation leads to the same pair."""
    counts = np.int64(_count_lanes(differing))
    for earlier in range(lane):
        apart = (counts >> (16 * earlier)) & 255
        if _INVERTED[which, earlier]:
            apart = 16 - apart
        if apart <= radii[earlier]:
            return True
    return False


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def search(
    starts: Any, members: Any, words: Any, other_starts: Any, other_members: Any, other_words: Any,
    probes: Any, probe_counts: Any, radii: Any, distance: int, mirrored: bool,
) -> Any:  # fmt: skip
    """Return rows (member, other member, mirroring, distance) of the near pairs of two bucket tables, each pair once.

    Of several mirrorings of one pair the nearest is given.
    """
    found = np.empty((1024, 4), dtype=np.int64)
    count = 0
    for lane in range(4):
        for inverted in range(2 if mirrored and lane > 0 else 1):
            for bucket in range(0x10000):
                first, last = starts[lane, bucket], starts[lane, bucket + 1]
                if first == last:
                    continue
                around = bucket ^ (0xFFFF if inverted else 0)
                for probe in range(probe_counts[lane]):
                    other = around ^ probes[lane, probe]
                    for there in range(other_starts[lane, other], other_starts[lane, other + 1]):
                        for here in range(first, last):
                            differing = words[lane, here] ^ other_words[lane, there]
                            apart, which = _nearest(differing, mirrored)
                            if apart > distance or _INVERTED[which, lane] != inverted:
                                continue
                            if _found_before(differing, which, lane, radii):
                                continue
                            if count == found.shape[0]:
                                more = np.empty((2 * count, 4), dtype=np.int64)
                                more[:count] = found
                                found = more
                            found[count, 0], found[count, 1] = members[lane, here], other_members[lane, there]
                            found[count, 2], found[count, 3] = which, apart
                            count += 1
    return found[:count]
