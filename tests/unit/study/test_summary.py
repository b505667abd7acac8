"""What a study says of several comparisons together."""

from __future__ import annotations

from rainkit.study.summary import Comparison, conclude
from rainkit.study.verdict import Difference, Verdict


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
