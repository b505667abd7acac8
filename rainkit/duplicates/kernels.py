"""The compiled loops of the search: look into the buckets around a query and compare what is there."""

# ruff: noqa: PLR0917 - compiled loops take arrays one by one

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H01 = np.uint64(0x0101010101010101)
# Lanes that each mirroring inverts; the order is that of ORIENTATIONS: as it is, left-right, up-down, both.
MIRRORINGS = np.array([0, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000, 0x0000FFFFFFFF0000], dtype=np.uint64)
UPRIGHT = np.zeros(4, dtype=np.uint64)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _count_ones(word: Any) -> Any:
    # LLVM knows this form and uses the processor's instruction, many words at once where it can.
    word = word - ((word >> np.uint64(1)) & _M1)
    word = (word & _M2) + ((word >> np.uint64(2)) & _M2)
    word = (word + (word >> np.uint64(4))) & _M4
    return (word * _H01) >> np.uint64(56)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _least(differing: Any, mirrorings: Any) -> Any:
    """Return the least distance over the mirrorings."""
    across = min(_count_ones(differing ^ mirrorings[0]), _count_ones(differing ^ mirrorings[1]))
    down = min(_count_ones(differing ^ mirrorings[2]), _count_ones(differing ^ mirrorings[3]))
    return min(across, down)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _count_near(word: Any, words: Any, first: int, last: int, mirrorings: Any, distance: int) -> int:
    """Return how many of words[first:last] are near: a loop without branches, before the one that looks closer."""
    near = 0
    for place in range(first, last):
        near += _least(word ^ words[place], mirrorings) <= np.uint64(distance)
    return near


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _root(roots: Any, node: int) -> int:
    while roots[node] != node:
        roots[node] = roots[roots[node]]
        node = roots[node]
    return node


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def unite(
    starts: Any, members: Any, words: Any, other_starts: Any, other_members: Any, other_words: Any,
    probes: Any, probe_counts: Any, distance: int, mirrorings: Any, alike: bool, roots: Any,
) -> None:  # fmt: skip
    """Join, in `roots`, the members of two bucket tables that lie near to one another in some mirroring.

    `alike` says that both tables are the same, so that one of each two ordered pairs of buckets is enough. A root is
    the lowest index of its set.
    """
    for lane in range(4):
        for inverted in range(2 if mirrorings[3] and lane > 0 else 1):
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
                        if not _count_near(word, words[lane], first, last, mirrorings, distance):
                            continue
                        for here in range(first, last):
                            if _least(word ^ words[lane, here], mirrorings) <= np.uint64(distance):
                                a = _root(roots, np.int64(members[lane, here]))
                                b = _root(roots, np.int64(other_members[lane, there]))
                                if a != b:
                                    roots[max(a, b)] = min(a, b)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def flatten(roots: Any) -> None:
    """Point every node at the root of its set."""
    for node in range(roots.size):
        roots[node] = _root(roots, node)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _judge(differing: Any, lane: int, inverted: int, radii: Any, mirrorings: Any, distance: int) -> Any:
    """Return the distance and the nearest mirroring of a pair, or -1 if it is not near or is found by another lane."""
    best, which = np.int64(65), 0
    for mirroring in range(4):
        apart = np.int64(_count_ones(differing ^ mirrorings[mirroring]))
        if apart < best:
            best, which = apart, mirroring
    if best > distance or ((mirrorings[which] >> np.uint64(16 * lane)) & np.uint64(1)) != np.uint64(inverted):
        return -1, which
    for earlier in range(lane):
        part = ((differing ^ mirrorings[which]) >> np.uint64(16 * earlier)) & np.uint64(0xFFFF)
        if np.int64(_count_ones(part)) <= radii[earlier]:
            return -1, which
    return best, which


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def search(
    starts: Any, members: Any, words: Any, other_starts: Any, other_members: Any, other_words: Any,
    probes: Any, probe_counts: Any, radii: Any, distance: int, mirrorings: Any,
) -> Any:  # fmt: skip
    """Return rows (member, other member, mirroring, distance) of the near pairs of two bucket tables, each pair once.

    Of several mirrorings of one pair the nearest is given.
    """
    found = np.empty((1024, 4), dtype=np.int64)
    count = 0
    for lane in range(4):
        for inverted in range(2 if mirrorings[3] and lane > 0 else 1):
            for bucket in range(0x10000):
                first, last = starts[lane, bucket], starts[lane, bucket + 1]
                if first == last:
                    continue
                around = bucket ^ (0xFFFF if inverted else 0)
                for probe in range(probe_counts[lane]):
                    other = around ^ probes[lane, probe]
                    for there in range(other_starts[lane, other], other_starts[lane, other + 1]):
                        word = other_words[lane, there]
                        if not _count_near(word, words[lane], first, last, mirrorings, distance):
                            continue
                        for here in range(first, last):
                            apart, which = _judge(word ^ words[lane, here], lane, inverted, radii, mirrorings, distance)
                            if apart < 0:
                                continue
                            if count == found.shape[0]:
                                more = np.empty((2 * count, 4), dtype=np.int64)
                                more[:count] = found
                                found = more
                            found[count, 0], found[count, 1] = members[lane, here], other_members[lane, there]
                            found[count, 2], found[count, 3] = which, apart
                            count += 1
    return found[:count]
