from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest

from rainkit.errors import SourceError
from rainkit.images import pixel_digest
from rainkit.live.held import HeldBackgrounds
from rainkit.records import Background, Picture, Pixels

NAMES = "abcd"
BYTES = 20 * 10 * 3


def draw(name: str) -> Pixels:
    return np.full((20, 10, 3), ord(name), dtype=np.uint8)


def held(capacity: int) -> HeldBackgrounds:
    backgrounds = {
        name: Background(name, "photos", f"{name}.png", "", "", "", pixel_digest(draw(name)), 10, 20, name)
        for name in NAMES
    }
    return HeldBackgrounds(backgrounds, {name: Picture(name, partial(draw, name)) for name in NAMES}, capacity)


def test_the_one_used_longest_ago_makes_room() -> None:
    store = held(2 * BYTES)
    for name in "abacab":  # a stays, because it is used in between
        pixels, depth = store.get(name)
        assert pixels[0, 0, 0] == ord(name)
        assert depth is None
    assert store.decoded == 4
    assert store.size == 2 * BYTES


@pytest.mark.parametrize("capacity", [0, BYTES - 1])
def test_one_is_held_whatever_its_size(capacity: int) -> None:
    store = held(capacity)
    for name in "aabb":
        store.get(name)
    assert (store.decoded, store.size) == (2, BYTES)


def test_it_pickles_without_pictures() -> None:
    store = held(10**9)
    for name in NAMES:
        store.get(name)
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.decoded, copy.size, copy.capacity) == (0, 0, 10**9)
    assert copy.get("c")[0][0, 0, 0] == ord("c")


def test_other_pixels_are_refused() -> None:
    store = held(10**9)
    store.pictures = {**store.pictures, "a": Picture("a", partial(draw, "b"))}
    with pytest.raises(SourceError, match=r"photos:a\.png has changed"):
        store.get("a")


@pytest.mark.parametrize(("capacity", "count"), [(0, 0), (BYTES - 1, 0), (2 * BYTES + 5, 2), (10**9, 4)])
def test_it_is_filled_as_far_as_there_is_room(capacity: int, count: int) -> None:
    store = held(capacity)
    assert store.fill(3) == count
    assert (store.decoded, store.size) == (count, count * BYTES)
    assert store.fill(1) == count
    assert store.decoded == count
    for name in NAMES[:count]:
        store.get(name)
    assert store.decoded == count


def test_filling_tells_what_cannot_be_read() -> None:
    store = held(10**9)
    store.pictures = {**store.pictures, "c": Picture("c", partial(draw, "b"))}
    with pytest.raises(SourceError, match=r"photos:c\.png has changed"):
        store.fill(2)
