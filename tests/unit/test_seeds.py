"""Streams: addressed, stable, uniform."""

from __future__ import annotations

import json
import math
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainkit.seeds import Stream, derive, share

PARTS = st.one_of(st.text(max_size=12), st.integers(-(2**40), 2**40))


def test_the_words_are_those_of_philox() -> None:
    key = derive(5, "rain", "a")
    words = np.array([key & (2**64 - 1), key >> 64], dtype=np.uint64)
    expected = np.random.Philox(key=words).random_raw(1001)
    stream = Stream(5, "rain", "a")
    drawn = np.concatenate([stream.bits(n) for n in (1, 2, 3, 4, 5, 0, 986)])
    assert np.array_equal(drawn, expected)


def test_words_are_golden() -> None:
    """They may never change: every corpus depends on them."""
    assert Stream(1, "rain", "a").bits(3).tolist() == [0x30F9BB8FD63797B1, 0x89C9E7F19BCE0B0C, 0x1CF6C9C805D0FC75]
    assert derive(1, "rain", "a") == 0x456C7E36E038CCE5EF7C52D37C67DA68


def test_streams_do_not_disturb_one_another() -> None:
    first, second = Stream(1, "a"), Stream(1, "b")
    mixed = [first.bits(3), second.bits(2), first.bits(3), second.bits(5)]
    assert np.array_equal(np.concatenate(mixed[::2]), Stream(1, "a").bits(6))
    assert np.array_equal(np.concatenate(mixed[1::2]), Stream(1, "b").bits(7))


@given(st.lists(st.tuples(st.sampled_from(["number", "integer", "index", "deviate", "skip"]), st.integers(0, 7))))
def test_single_draws_are_those_of_arrays(steps: list[tuple[str, int]]) -> None:
    """Any mixture of single draws, arrays and skips reads the same words as arrays alone."""
    single, arrays = Stream(7, "single"), Stream(7, "single")
    weights = [0.3, 0.0, 0.5, 0.2]
    for name, more in steps:
        if name == "number":
            assert single.number(-3.25, 1.1) == arrays.uniform(1, -3.25, 1.1)[0]
        elif name == "integer":
            assert single.integer(-5, 2**31 - 5) == arrays.integers(-5, 2**31 - 5, 1)[0]
        elif name == "index":
            assert single.index(weights) == arrays.choice(weights, 1)[0]
        elif name == "deviate":
            assert single.deviate(0.1, 3.3) == arrays.normal(1, 0.1, 3.3)[0]
        else:
            single.skip(more)
            arrays.bits(more)
        assert np.array_equal(single.bits(more), arrays.bits(more))


def test_threads_do_not_disturb_one_another() -> None:
    results: dict[int, np.ndarray] = {}

    def draw(i: int) -> None:
        stream = Stream(i)
        results[i] = np.concatenate([stream.bits(7) for _ in range(200)])

    threads = [threading.Thread(target=draw, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(results[i], Stream(i).bits(1400)) for i in range(8))


def test_a_stream_travels() -> None:
    stream = Stream(3, "x")
    stream.bits(5)
    again = pickle.loads(pickle.dumps(stream))
    assert np.array_equal(again.bits(9), stream.bits(9))


@given(st.integers(0, 2**63), st.lists(PARTS, max_size=4))
def test_a_key_is_the_hash_of_the_path_as_json(seed: int, path: list[str | int]) -> None:
    import hashlib

    text = json.dumps([seed, *path], separators=(",", ":"))
    assert derive(seed, *path) == int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
    assert 0 <= share(seed, *path) < 1


@given(st.integers(-1000, 1000), st.integers(1, 2**31), st.integers(0, 50))
def test_integers_stay_in_range(low: int, span: int, count: int) -> None:
    drawn = Stream(1, span).integers(low, low + span, count)
    assert drawn.shape == (count,)
    assert ((drawn >= low) & (drawn < low + span)).all()


def test_distributions_have_their_moments() -> None:
    count = 400_000
    error = 5 / math.sqrt(count)
    assert Stream(1, "u").uniform(count).mean() == pytest.approx(0.5, abs=error / math.sqrt(12))
    normal = Stream(1, "n").normal(count, 2.0, 3.0)
    assert normal.mean() == pytest.approx(2, abs=3 * error)
    assert normal.std() == pytest.approx(3, rel=error)
    exponential = Stream(1, "e").exponential(count)
    assert exponential.mean() == pytest.approx(1, abs=error)
    assert np.quantile(exponential, 0.5) == pytest.approx(math.log(2), abs=2 * error)
    gamma = Stream(1, "g").gamma(4, count)
    assert gamma.mean() == pytest.approx(4, abs=2 * error)
    assert gamma.var() == pytest.approx(4, rel=3 * error)
    shares = np.bincount(Stream(1, "c").choice([1, 0, 3], count), minlength=3) / count
    assert shares == pytest.approx([0.25, 0, 0.75], abs=error)


def test_the_logarithm_is_exact_to_its_claim() -> None:
    words = (Stream(9).bits(200_000) >> np.uint64(12)).astype(np.float64) + 1
    assert np.abs(Stream(9).exponential(200_000) + np.log(words / 2**52)).max() < 8e-9


def test_a_permutation_holds_each_number_once() -> None:
    assert sorted(Stream(2).permutation(1000).tolist()) == list(range(1000))


@pytest.mark.parametrize("weights", [[], [0, 0], [-1, 2], [float("inf")], [float("nan"), 1]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        Stream(1).choice(weights, 1)
    with pytest.raises(ValueError, match="weights must be"):
        Stream(1).index(weights)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="0 < high - low"):
        Stream(1).integers(3, 3, 1)
    with pytest.raises(ValueError, match="0 < high - low"):
        Stream(1).integer(3, 3)


def test_the_generator_for_libraries_starts_at_the_beginning() -> None:
    stream = Stream(4, "library")
    stream.bits(10)
    expected = np.random.Generator(np.random.Philox(key=np.array(stream._halves(), dtype=np.uint64))).integers(
        0, 100, 5
    )
    assert np.array_equal(stream.generator().integers(0, 100, 5), expected)
