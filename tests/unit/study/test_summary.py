"""What a study says of several comparisons together."""

from __future__ import annotations

import math

import numpy as np

from rainkit.study.models import Study
from rainkit.study.running import Planned
from rainkit.study.summary import Comparison, Group, compare_groups, conclude, tabulate_differences, write_markdown
from rainkit.study.verdict import COMPARED, Difference, Judged, Verdict
from rainkit.train.metrics import METRICS


def comparison(first: str, second: str, mean: float, test: str = "unseen") -> Comparison:
    found = Difference("removal_per_damage", mean, mean - 0.5, mean + 0.5, (mean - 0.1, mean + 0.1))
    differences = {test: {"removal_per_damage": found}, "seen": {"removal_per_damage": found}}
    return Comparison("complexity", first, second, (("rain", "small"),), differences, {test: Verdict(0, "no verdict")})


def test_a_level_that_was_compared_with_several_is_held_against_all_on_unseen_rain() -> None:
    said = list(conclude([comparison("mixture", "simplest", 2), comparison("mixture", "natural", 2)]))
    assert said == [
        "**mixture against all** (rain small, test unseen): at equal damage mixture removes more than every one of "
        "simplest, natural"
    ]


def test_a_single_comparison_needs_no_conclusion() -> None:
    assert list(conclude([comparison("simplest", "complex", 2), comparison("mixture", "complex", 2)])) == []


def page(seeds: int, low: float = -0.4, high: float = 2.6) -> str:
    ends = (low, high) if seeds > 1 else (math.nan, math.nan)
    found = {name: Difference(name, 1.0, 0.5, 1.5, (1.0,) * seeds, *ends) for name in COMPARED}
    each = Comparison("main", "mixture", "simplest", (), {"unseen": found})
    names = ["low_with_seeds", "high_with_seeds"]
    row = tabulate_differences([each]).select(names).to_pylist()[0]
    assert row == dict(zip(names, ends if seeds > 1 else (None, None), strict=True))
    return write(each)


def write(each: Comparison) -> str:
    tests = {"unseen": {"split": "a", "role": "unseen"}}
    study = Study(study=1, name="small", recipe={}, grids={"main": {}}, tests=tests)
    groups = [Group("main", "other", (), {}, (), {}, {})]
    return write_markdown(study, Planned((), {}, (), {}, {}), groups, [each])


def test_a_difference_without_an_interval_stands_alone() -> None:
    nothing = (math.nan, math.nan)
    found = {name: Difference(name, 1.0, *nothing, (1.0, 1.0), *nothing) for name in COMPARED}
    each = Comparison("main", "mixture", "simplest", (), {"unseen": found})
    assert "| mixture - simplest |  | unseen | +1.00 | +1.00 |" in write(each)


def test_a_page_says_that_seeds_are_fixed_and_shows_the_intervals_where_they_are_not() -> None:
    text = page(3)
    assert "The seeds are held fixed" in text
    assert "3 seeds show only 67% of the variance between trainings. No verdict rests on them" in text
    assert "| mixture - simplest |  | unseen | [-0.40, +2.60] |" in text
    assert "drawn again beside" not in page(1)


def test_a_verdict_rests_on_tests_unseen_to_both_sides() -> None:
    unseen = {"light": ["heavy", "lines"], "heavy": ["light", "lines"]}
    roles = {"light": "seen", "heavy": "unseen", "lines": "unseen"}
    study = Study.model_validate({
        "study": 1, "name": "small", "recipe": {},
        "axes": {"rain": {"levels": {level: {} for level in unseen}}},
        "grids": {"main": {"over": ["rain"], "compare": [["light", "heavy"]]}},
        "tests": {name: {"split": name, "role": role} for name, role in roles.items()},
    })  # fmt: skip
    judged = {seed: Judged({name: np.arange(1.0, 5.0) + seed for name in METRICS}) for seed in (0, 1)}
    groups = [
        Group("main", test, (("rain", level), ("network", "tiny"), ("steps", "5")), judged, tuple("abcd"),
              {"unseen": tests}, {})
        for level, tests in unseen.items()
        for test in roles
    ]  # fmt: skip
    planned = Planned((), {}, (), {name: {"role": role} for name, role in roles.items()}, {})
    (found,) = compare_groups(study, planned, groups)
    assert list(found.differences) == ["light", "heavy", "lines"]
    assert list(found.verdicts) == ["lines"]
    assert [group.unseen for group in groups] == [False, True, True, True, False, True]
