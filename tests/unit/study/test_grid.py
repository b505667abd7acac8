"""Overrides, arms and cells."""

from __future__ import annotations

from typing import Any

import pytest

from rainkit.errors import RecipeError
from rainkit.study.grid import Override, apply, expand, list_arms
from rainkit.study.models import Study


def study(**fields: Any) -> Study:
    axes = {
        "a": {"levels": {"x": {"set": {"one.two": 1}}, "y": {"set": {"one.two": 2}}}},
        "b": {"levels": {"u": {"set": {"one.three": 3}}, "v": {}}},
    }
    values = {
        "study": 1, "name": "s", "recipe": {}, "axes": axes, "grids": {"g": {"over": ["a", "b"]}},
        "tests": {"t": {"split": "test", "role": "unseen"}}, "seeds": [0, 1],
    }  # fmt: skip
    return Study.model_validate({**values, **fields})


def test_an_override_replaces_and_the_base_stays() -> None:
    base = {"splits": {"train": {"strata": [0, 1], "rain": "small"}}, "layers": [{"width": 1}]}
    values = apply(base, [Override("a", "x", "splits.train.strata", [2]), Override("a", "x", "layers.0.width", 5)])
    assert values == {"splits": {"train": {"strata": [2], "rain": "small"}}, "layers": [{"width": 5}]}
    assert base["splits"]["train"]["strata"] == [0, 1]
    assert base["layers"] == [{"width": 1}]


def test_an_override_makes_what_is_missing() -> None:
    assert apply({}, [Override("a", "x", "strata.count", 3)]) == {"strata": {"count": 3}}


@pytest.mark.parametrize("path", ["name.two", "layers.4.width", "layers.first"])
def test_an_override_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(RecipeError, match=rf"axes\.a\.levels\.x\.set: {path} leads nowhere"):
        apply({"name": "text", "layers": [{}]}, [Override("a", "x", path, 1)])


def test_a_grid_crosses_its_axes() -> None:
    arms = list_arms(study(), study().grids["g"])
    assert [dict(arm.levels) for arm in arms] == [
        {"a": "x", "b": "u"}, {"a": "x", "b": "v"}, {"a": "y", "b": "u"}, {"a": "y", "b": "v"}
    ]  # fmt: skip
    assert [override.value for override in arms[0].overrides] == [1, 3]


def test_levels_can_be_chosen() -> None:
    chosen = study(grids={"g": {"over": ["a", "b"], "levels": {"a": ["y"]}}})
    assert {dict(arm.levels)["a"] for arm in list_arms(chosen)} == {"y"}


def test_axes_that_set_one_value_cannot_be_crossed() -> None:
    axes = {"a": {"levels": {"x": {"set": {"one": {}}}}}, "b": {"levels": {"u": {"set": {"one.three": 3}}}}}
    with pytest.raises(RecipeError, match="both set one"):
        list_arms(study(axes=axes))


def test_cells_cross_networks_seeds_and_steps() -> None:
    found = list(expand(study(networks=["tiny", "nafnet"], steps=[5, 9])))
    assert len(found) == 4 * 2 * 2 * 2
    assert [cell.seed for cell in found] == [0] * 16 + [1] * 16
    assert len(list(expand(study(), seeds=1))) == 4
    cell = found[0]
    assert [cell.label(axis) for axis in ("a", "network", "steps", "other")] == ["x", "tiny", "5", ""]


def test_a_grid_may_have_its_own() -> None:
    found = list(expand(study(grids={"g": {"seeds": [7], "networks": ["unet"], "steps": [3]}})))
    assert [(cell.seed, cell.network, cell.steps) for cell in found] == [(7, "unet", 3)]


def test_an_unknown_grid_is_named() -> None:
    with pytest.raises(RecipeError, match="no grid named h: there are g"):
        list(expand(study(), ["h"]))
