"""Near-duplicates: the fast search finds what comparing all with all finds, in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.duplicates import ORIENTATIONS, find_pairs, group, orient

NAMES = tuple(ORIENTATIONS)
WORDS = st.integers(0, 2**64 - 1)


@st.composite
def clusters(draw: st.DrawFn) -> np.ndarray:
    """A few hashes, and copies of them that are turned and have some bits changed."""
    hashes = draw(st.lists(WORDS, min_size=1, max_size=8))
    for _ in range(draw(st.integers(0, 12))):
        word = draw(st.sampled_from(hashes))
        for bit in draw(st.lists(st.integers(0, 63), max_size=12)):
            word ^= 1 << bit
        hashes.append(int(orient(np.array([word], dtype=np.uint64), draw(st.sampled_from(NAMES)))[0]))
    return np.array(hashes, dtype=np.uint64)


def _distances(first: np.ndarray, second: np.ndarray, orientations: bool) -> np.ndarray:
    names = NAMES if orientations else NAMES[:1]
    return np.stack([np.bitwise_count(orient(first, name)[:, None] ^ second[None]) for name in names], axis=-1)


def _components(near: np.ndarray) -> list[int]:
    labels = list(range(len(near)))
    for i, j in np.argwhere(near):
        old, new = max(labels[i], labels[j]), min(labels[i], labels[j])
        labels = [new if label == old else label for label in labels]
    return labels


@settings(deadline=None, max_examples=150)
@given(clusters(), st.integers(0, 14), st.booleans())
def test_groups_are_the_components_of_all_comparisons(hashes: np.ndarray, distance: int, orientations: bool) -> None:
    near = _distances(hashes, hashes, orientations).min(axis=-1) <= distance
    assert group(hashes, distance, orientations=orientations).tolist() == _components(near)


@settings(deadline=None, max_examples=100)
@given(clusters(), st.integers(0, 14), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(hashes: np.ndarray, distance: int, random: Any) -> None:
    order = list(range(len(hashes)))
    random.shuffle(order)
    straight, shuffled = group(hashes, distance), group(hashes[order], distance)
    together = straight[:, None] == straight[None]
    assert ((shuffled[:, None] == shuffled[None]) == together[np.ix_(order, order)]).all()


@settings(deadline=None, max_examples=150)
@given(clusters(), clusters(), st.integers(0, 14), st.booleans())
def test_pairs_are_those_of_all_comparisons(
    first: np.ndarray, second: np.ndarray, distance: int, orientations: bool
) -> None:
    distances = _distances(first, second, orientations)
    pairs = find_pairs(first, second, distance, orientations=orientations)
    expected = np.argwhere(distances.min(axis=-1) <= distance)
    assert np.stack([pairs.first, pairs.second], axis=1).tolist() == expected.tolist()
    rows, columns = expected[:, 0], expected[:, 1]
    assert pairs.distance.tolist() == distances.min(axis=-1)[rows, columns].tolist()
    assert pairs.orientation.tolist() == distances.argmin(axis=-1)[rows, columns].tolist()
