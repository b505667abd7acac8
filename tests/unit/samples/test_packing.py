from __future__ import annotations

import numpy as np

from rainkit.recipe import ShardId
from rainkit.samples.packing import EVERY, ShardPlan, Turns


def test_every_sample_has_its_turn() -> None:
    assert EVERY.indices(3, 6).tolist() == [3, 4, 5]
    assert EVERY.count(7) == 7


def test_turns_come_again_in_every_period() -> None:
    turns = Turns(5, np.array([1, 4]))
    assert turns.indices(0, 5).tolist() == [1, 4, 6, 9, 11]
    assert turns.indices(3, 3).tolist() == []
    assert [turns.count(samples) for samples in range(12)] == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4]


def test_turns_far_out_need_no_list() -> None:
    turns = Turns(5, np.array([1, 4]))
    assert turns.indices(2 * 10**11, 2 * 10**11 + 2).tolist() == [5 * 10**11 + 1, 5 * 10**11 + 4]


def test_the_length_of_a_shard_is_its_samples() -> None:
    assert len(ShardPlan(ShardId("train", 2, 1), 50, 73)) == 23
