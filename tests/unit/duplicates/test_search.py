"""Pairs and groups; the property tests compare them with all comparisons."""

import numpy as np
import pytest

from rainkit.duplicates import find_pairs, group
from rainkit.seeds import Stream


def test_groups_chain_and_are_labelled_by_their_first_member() -> None:
    # 0 ~ 2 ~ 4 by three bits each, 0 and 4 are six apart; 1 and 3 are equal.
    assert group([0b0, 2**60 - 1, 0b111, 2**60 - 1, 0b111111], distance=3).tolist() == [0, 1, 0, 1, 0]
    assert group([0b0, 2**60 - 1, 0b111, 2**60 - 1, 0b111111], distance=2).tolist() == [0, 1, 2, 1, 4]


def test_mirrored_hashes_join_only_where_orientations_count() -> None:
    across = int(sum(1 << (8 * v + u) for v in range(8) for u in range(1, 8, 2)))
    hashes = [0b10110100, 0b10110100 ^ across]
    assert group(hashes, 0).tolist() == [0, 0]
    assert group(hashes, 0, orientations=False).tolist() == [0, 1]


def test_nothing_is_a_group_of_nothing() -> None:
    assert group([]).tolist() == []
    assert group([7]).tolist() == [0]
    assert len(find_pairs([], [1])) == len(find_pairs([1], [])) == 0


def test_planted_copies_are_found_among_many() -> None:
    hashes = Stream(1, "hashes").bits(20_000)
    copies = hashes[:50] ^ np.uint64((1 << 5) | (1 << 20) | (1 << 37) | (1 << 52))
    labels = group(np.concatenate([hashes, copies]), 10)
    assert labels[20_000:].tolist() == labels[:50].tolist()
    assert len(set(labels.tolist())) > 19_900


def test_many_equal_hashes_are_one_group() -> None:
    assert set(group(np.zeros(100_000, dtype=np.uint64)).tolist()) == {0}


def test_pairs_say_where_and_how() -> None:
    pairs = find_pairs([0b1], [2**63, 0b111], distance=2)
    assert list(zip(pairs.first, pairs.second, pairs.distance, strict=True)) == [(0, 0, 2), (0, 1, 2)]


@pytest.mark.parametrize("distance", [-1, 32])
def test_distances_that_cannot_be_searched(distance: int) -> None:
    with pytest.raises(ValueError, match=r"distance must be 0 \.\. 31"):
        group([1, 2], distance)
