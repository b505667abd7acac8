"""What only all pictures together decide."""

from __future__ import annotations

from typing import Any

import pytest

from rainkit.errors import BuildError
from rainkit.recipe import Recipe, parse_recipe
from rainkit.records import Background, Picture, Refused
from rainkit.survey.measuring import Measured, Offer
from rainkit.survey.settling import settle

RECIPE = """
rainkit: 1
name: settled
version: 1.0.0
seed: 1
sources: {{drawn: {{kind: procedural}}}}
backgrounds: {backgrounds}
samples: {{patch: {patch}}}
rain: {{a: {{kind: noise_blur}}}}
splits: {{train: {{share: 1, samples: 1, rain: a}}}}
"""


def make_recipe(backgrounds: str = "{deduplicate: null}", patch: int = 32) -> Recipe:
    return parse_recipe(RECIPE.format(backgrounds=backgrounds, patch=patch))


def offer(path: str) -> Offer:
    return Offer(Picture(path, lambda: b""), "drawn", "", "", "")


def measured(path: str, digest: str, sha256: str = "", **fields: Any) -> Measured:
    size = fields.pop("size", 64)
    digest = digest.ljust(32, "0")
    background = Background(digest[:16], "drawn", path, "", "", sha256 or path, digest, size, size, digest[:16], {})
    guards = {"border": 0.0, "upsampling": 0.0, "blocking": 0.0, "noise": 0.0, **fields.pop("guards", {})}
    return Measured(background, fields.pop("hash", int(digest[:15], 16)), guards, {})


def run(recipe: Recipe, *found: Measured | Refused) -> Any:
    paths = [item.background.path if isinstance(item, Measured) else item.path for item in found]
    return settle(recipe, [offer(path) for path in paths], list(found))


def reasons(result: Any) -> dict[str, str]:
    return {item.path: item.reason for item in result.refused}


def test_the_order_is_that_of_the_digests() -> None:
    result = run(make_recipe(), measured("a", "9"), measured("b", "1"), measured("c", "5"))
    assert [background.path for background in result.backgrounds] == ["b", "c", "a"]


def test_the_same_bytes_and_the_same_pixels_are_told_apart() -> None:
    result = run(make_recipe(), measured("a", "1", "x"), measured("b", "1", "x"), measured("c", "1", "y"))
    assert reasons(result) == {"b": "duplicate_bytes", "c": "duplicate_pixels"}
    assert result.reasons == {"duplicate_bytes": 1, "duplicate_pixels": 1}


def test_near_duplicates_are_dropped_or_kept_together() -> None:
    found = [measured("a", "1", hash=0b1000), measured("b", "2", hash=0b1010), measured("c", "3", hash=2**63 - 1)]
    dropped = run(make_recipe("{deduplicate: 4}"), *found)
    assert reasons(dropped) == {"b": "near_duplicate"}
    kept = run(make_recipe("{deduplicate: 4, near_duplicates: keep_together}"), *found)
    groups = {background.path: background.group for background in kept.backgrounds}
    assert groups["a"] == groups["b"] != groups["c"]


def test_guards_refuse_by_name() -> None:
    recipe = make_recipe("{deduplicate: null, guards: {noise: 6}}")
    result = run(recipe, measured("a", "1", guards={"noise": 7.0}), measured("b", "2"), measured("c", "3"))
    assert reasons(result) == {"a": "noisy"}


def test_the_limit_and_the_patch() -> None:
    recipe = make_recipe("{deduplicate: null, limit: 1}", patch=48)
    result = run(recipe, measured("a", "3"), measured("b", "2"), measured("c", "1", size=40))
    assert reasons(result) == {"a": "limit", "c": "too_small"}


def test_a_refusal_stops_where_the_recipe_says_so() -> None:
    bad = Refused("drawn", "bad", "truncated", "half of it")
    with pytest.raises(
        BuildError, match=r"drawn:bad is refused .truncated: half of it. and backgrounds.on_refusal is stop"
    ):
        run(make_recipe("{on_refusal: stop}"), measured("a", "1"), bad)
    many = [Refused("drawn", f"bad{i}", "unreadable", "no picture") for i in range(3)]
    with pytest.raises(BuildError, match=r"3 of 4 pictures are refused .3 unreadable., more than"):
        run(make_recipe(), measured("a", "1"), *many)


def test_duplicates_count_towards_no_share() -> None:
    copies = [measured(f"copy{i}", "1", "x") for i in range(9)]
    assert len(run(make_recipe(), measured("a", "1", "x"), *copies).backgrounds) == 1
