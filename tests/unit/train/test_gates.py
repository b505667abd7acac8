"""Each deliberately broken corpus must fail the gate that is meant for it, and the sound one none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rainkit.errors import RecipeError
from rainkit.recipe import Validation
from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.train import gates
from rainkit.train.gates import GATES, Finding, PlannedSplit, follow
from rainkit.train.inspection import inspect_pair, tabulate
from rainkit.train.metrics import psnr

LIMITS = Validation()
COUNT, SIZE = 24, 64


def draw(number: int) -> tuple[Pixels, Pixels]:
    """A textured picture, finer for higher numbers, and sparse upright streaks on it."""
    rng = Stream(number, "gates")
    block = (16, 8, 4)[number % 3]
    side = SIZE // block
    tiles = rng.integers(40, 180, side * side * 3).reshape(side, side, 3)
    clean = (tiles.repeat(block, 0).repeat(block, 1) + rng.integers(0, 8, SIZE * SIZE).reshape(SIZE, SIZE, 1)).astype(
        "u1"
    )
    rainy = clean.copy()
    for column, top in zip(rng.integers(0, SIZE, 30), rng.integers(0, SIZE - 12, 30), strict=True):
        rainy[top : top + 12, column] = np.minimum(clean[top : top + 12, column].astype(int) + 60, 255)
    return rainy, clean


PAIRS = [draw(number) for number in range(COUNT)]
SAMPLES = pa.table(
    {
        "key": [f"k{number}" for number in range(COUNT)],
        "split": ["train"] * 18 + ["validation"] * 6,
        "stratum": [number % 3 for number in range(COUNT)],
        "score": [float(number % 3) + number / 100 for number in range(COUNT)],
        "group": [f"g{number}" for number in range(COUNT)],
        "background_id": [f"b{number}" for number in range(COUNT)],
        "rain": ["small", "large"] * (COUNT // 2),
    }
)
PLANNED = {
    "train": PlannedSplit(18, {"small": 1, "large": 1}, (0, 1, 2)),
    "validation": PlannedSplit(6, {"small": 1, "large": 1}, (0, 1, 2)),
}


def inspect(
    change: Callable[[int, Pixels, Pixels], tuple[Pixels, Pixels]] | None = None, *, honest: bool = True
) -> pa.Table:
    """Measure the pairs after a change that the manifest knows of (`honest`) or not."""
    rows: list[tuple[dict[str, Any], Any]] = []
    for number, ((rainy, clean), labels) in enumerate(zip(PAIRS, SAMPLES.to_pylist(), strict=True)):
        pair = change(number, rainy, clean) if change else (rainy, clean)
        recorded = {"psnr_rainy": psnr(*pair) if honest else psnr(rainy, clean)}
        recorded |= {"veil": False, "score_measured": labels["score"], "wrong": ""}
        rows.append((labels | recorded, inspect_pair(*pair)))
    return tabulate(rows)


def judge(pairs: pa.Table) -> dict[str, Finding]:
    found = [
        gates.check_complexity(pairs, LIMITS),
        gates.check_alignment(pairs, LIMITS),
        gates.check_partners(pairs, LIMITS),
        gates.check_brightness(pairs, LIMITS),
        gates.check_rain(pairs, LIMITS),
    ]
    return {finding.gate: finding for finding in found}


def failed(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if not finding.passed}


def flatten_stratum(number: int, rainy: Pixels, clean: Pixels) -> tuple[Pixels, Pixels]:
    flat = np.full_like(clean, 90) if number % 3 == 0 else clean
    return (flat + (rainy - clean)).astype(np.uint8), flat


BROKEN = {
    "sound": (None, set()),
    "moved by one": (lambda number, rainy, clean: (np.roll(rainy, 1, axis=1), clean), {"alignment"}),
    "moved by two": (lambda number, rainy, clean: (rainy, np.roll(clean, 2, axis=0)), {"alignment"}),
    "dimmed target": (lambda number, rainy, clean: (rainy, (clean * 0.85).astype(np.uint8)), {"brightness"}),
    "dimmed input": (lambda number, rainy, clean: ((rainy * 0.7).astype(np.uint8), clean), {"brightness"}),
    "stronger rain than recorded": (lambda number, rainy, clean: (np.maximum(rainy, 60), clean), {"brightness"}),
    "empty rain": (lambda number, rainy, clean: (clean, clean), {"rain"}),
    "shuffled": (lambda number, rainy, clean: (PAIRS[(number * 7 + 5) % COUNT][0], clean), {"partners"}),
    "flat stratum": (flatten_stratum, {"complexity"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pairs_fail_their_gate(name: str) -> None:
    change, expected = BROKEN[name]
    found = judge(inspect(change, honest=name != "stronger rain than recorded"))
    wrong = failed(found)
    assert expected <= wrong
    assert name != "sound" or not wrong
    # What only moves or darkens pixels must not be taken for something else that it leaves alone.
    assert not (wrong - expected) & {"alignment", "partners", "complexity"} or name == "shuffled"
    assert all(finding.reason for finding in found.values())


def test_rain_is_held_to_the_coverage_that_the_recipe_asks() -> None:
    pairs = inspect()
    assert gates.check_rain(pairs, Validation(coverage={"small": (0.01, 0.9)})).passed
    asked = gates.check_rain(pairs, Validation(coverage={"large": (0.5, 0.9)}))
    assert not asked.passed
    assert asked.value == 1.0
    assert "rain large" in asked.reason


def test_rain_is_held_to_other_draws_of_the_same_rain() -> None:
    pairs = inspect()
    drawn = pairs.select(["rain", "coverage", "brightening"])
    assert gates.check_rain(pairs, LIMITS, drawn).passed
    for column, factor in (("coverage", 3.0), ("brightening", 5.0)):
        values = np.array(drawn[column].to_pylist()) * factor
        other = drawn.set_column(drawn.column_names.index(column), column, pa.array(values))
        found = gates.check_rain(pairs, LIMITS, other)
        assert not found.passed
        assert "drawn again" in found.reason


def test_scores_measured_again_must_agree() -> None:
    pairs = inspect()
    column = pairs.schema.get_field_index("score_measured")
    other = pairs.set_column(column, "score_measured", pa.array(np.arange(COUNT) / 7.0))
    assert not gates.check_complexity(other, LIMITS).passed
    assert gates.check_complexity(pairs.drop_columns("score_measured"), LIMITS).passed


def test_integrity_and_counts() -> None:
    assert gates.check_integrity([]).passed
    assert "shard 3" in gates.check_integrity(["shard 3 is cut"]).reason
    assert gates.check_counts(SAMPLES, PLANNED).passed
    more = {**PLANNED, "train": PlannedSplit(20, {"small": 1}), "test": PlannedSplit(2, {"small": 1})}
    assert gates.check_counts(SAMPLES, more).reason == "test has 0 of 2 samples; train has 18 of 20 samples"
    assert "1 keys are repeated" in gates.check_counts(pa.concat_tables([SAMPLES, SAMPLES[:1]]), PLANNED).reason


def test_rains_and_strata_come_in_proportion() -> None:
    skewed = {**PLANNED, "train": PlannedSplit(18, {"small": 8, "large": 1})}
    assert "train has 9 samples of rain small instead of 16" in gates.check_counts(SAMPLES, skewed).reason
    unknown = {**PLANNED, "train": PlannedSplit(18, {"small": 1, "medium": 1})}
    assert "rain large, which is not planned" in gates.check_counts(SAMPLES, unknown).reason
    even = {"train": PlannedSplit(18, {}, (0, 1, 2), {0: 1.0, 1: 1.0, 2: 1.0})}
    assert gates.check_strata(SAMPLES, even).passed
    uneven = {"train": PlannedSplit(18, {}, (0, 1, 2), {0: 10.0, 1: 1.0, 2: 1.0})}
    assert "stratum 0 instead of 15" in gates.check_strata(SAMPLES, uneven).reason


def test_strata_are_planned_rise_and_hold_their_scores() -> None:
    assert gates.check_strata(SAMPLES, PLANNED).passed
    fewer = {**PLANNED, "train": PlannedSplit(18, {}, (0, 1))}
    assert "train has strata [0, 1, 2], planned are [0, 1]" in gates.check_strata(SAMPLES, fewer).reason
    falling = SAMPLES.set_column(3, "score", pa.array([-float(number % 3) for number in range(COUNT)]))
    assert "no more complex" in gates.check_strata(falling, PLANNED).reason
    assert gates.check_strata(falling, PLANNED, rising=False).passed
    misplaced = SAMPLES.append_column("misplaced", pa.array([number == 4 for number in range(COUNT)]))
    assert "1 samples have scores of other strata" in gates.check_strata(misplaced, PLANNED).reason


@pytest.mark.parametrize("name", ["group", "background_id"])
def test_a_picture_in_two_splits_is_a_leak(name: str) -> None:
    assert gates.check_leaks(SAMPLES).passed
    values = SAMPLES[name].to_pylist()
    values[20] = values[2]
    leaked = gates.check_leaks(SAMPLES.set_column(SAMPLES.schema.get_field_index(name), name, pa.array(values)))
    assert not leaked.passed
    assert leaked.reason == f"splits share pictures: 1 by {name}, such as {values[2]} in train and validation"


def test_twins_in_two_splits_are_a_leak() -> None:
    found = gates.check_leaks(SAMPLES, ["a (train) and b (validation): mirrored"], 24)
    assert not found.passed
    assert found.reason == "splits share pictures: 1 by pixels, such as a (train) and b (validation): mirrored"


def test_labels_that_contradict_pixels_are_found() -> None:
    pairs = inspect()
    assert gates.check_exactness(pairs).passed
    place = pairs.column_names.index("wrong")
    wrong = pairs.set_column(place, "wrong", pa.array([None, "the mask differs", *[""] * (COUNT - 2)]))
    found = gates.check_exactness(wrong)
    assert not found.passed
    assert found.value == pytest.approx(1 / (COUNT - 1))
    assert "k1: the mask differs" in found.reason
    silent = gates.check_exactness(pairs.set_column(place, "wrong", pa.array([None] * COUNT, pa.string())))
    assert silent.passed
    assert "not shipped" in silent.reason


def test_pictures_of_another_stratum_than_stated_are_found() -> None:
    pairs = inspect().append_column("misplaced", pa.array([number < 3 for number in range(COUNT)]))
    found = gates.check_complexity(pairs, LIMITS)
    assert not found.passed
    assert found.value == pytest.approx(3 / COUNT)


def results(**columns: Any) -> pa.Table:
    plain = {
        "removal": [0.4, 0.5, 0.4, 0.5],
        "seed": [0, 0, 1, 1], "stratum": [0, 1, 0, 1], "background_id": list("abab"),
        "gain_psnr_y": [3.0, 4.0, 3.2, 4.2], "e_b": [5.0, None, 6.0, 7.0], "rain_free_error": [8.0, 9.0, 8.0, 9.0],
    }  # fmt: skip
    return pa.table({**plain, **columns})


def test_networks_that_learned_pass() -> None:
    seen = results()
    unseen = results(gain_psnr_y=[0.5, 0.7, 0.4, 0.9])
    assert gates.check_learning(seen, LIMITS).value == pytest.approx(3.5)
    assert gates.check_background(seen, LIMITS).passed
    assert gates.check_seeds(seen, LIMITS).value == pytest.approx(0.2)
    general = gates.check_generalisation(seen, unseen, LIMITS)
    assert general.passed
    assert "0: +0.45 (+3.10)" in general.reason


@pytest.mark.parametrize(
    ("check", "columns"),
    [
        (gates.check_learning, {"gain_psnr_y": [3.0, 3.0, 0.1, 0.2]}),
        (gates.check_learning, {"gain_psnr_y": [None] * 4}),
        (gates.check_learning, {"removal": [0.02] * 4}),
        (gates.check_background, {"e_b": [40.0, 40.0, 40.0, None]}),
        (gates.check_background, {"rain_free_error": [50.0] * 4}),
        (gates.check_background, {"e_b": [None] * 4, "rain_free_error": [None] * 4}),
        (gates.check_seeds, {"gain_psnr_y": [1.0, 1.0, 4.0, 4.0]}),
        (gates.check_seeds, {"seed": [0, 0, 0, 0]}),
    ],
)
def test_networks_that_did_not_fail(check: Callable[..., Finding], columns: dict[str, Any]) -> None:
    if None in next(iter(columns.values())):
        columns = {name: pa.array(values, pa.float64()) for name, values in columns.items()}
    found = check(results(**columns), LIMITS)
    assert not found.passed
    assert found.reason


def test_harm_to_unseen_rain_in_one_stratum_is_found() -> None:
    found = gates.check_generalisation(results(), results(gain_psnr_y=[4.0, -1.9, 4.0, -1.7]), LIMITS)
    assert not found.passed
    assert found.value == pytest.approx(-1.8)
    assert "stratum 1 is harmed" in found.reason
    assert gates.check_generalisation(results(), results(gain_psnr_y=[2.0, -0.5, 2.0, -0.3]), LIMITS).passed
    overall = gates.check_generalisation(results(), results(gain_psnr_y=[-0.5] * 4), LIMITS)
    assert not overall.passed
    assert (overall.value, overall.threshold) == (pytest.approx(-0.5), 0.0)
    bright = results(gain_psnr_y=[2.0] * 4, removal=[0.02] * 4)
    assert gates.check_generalisation(results(), bright, LIMITS).unit == "share"


def test_a_gate_that_follows_is_not_judged() -> None:
    found = follow("rain", "partners")
    assert found.status == "not judged"
    assert found.to_dict() == {
        "gate": "rain", "status": "not judged", "value": None, "threshold": None, "unit": "",
        "reason": "not judged, because partners failed",
    }  # fmt: skip
    assert set(GATES) >= {"partners", "rain"}


def test_what_cannot_be_judged_does_not_pass() -> None:
    nothing = inspect()[:0]
    assert not gates.check_alignment(nothing, LIMITS).passed
    assert not gates.check_partners(nothing, LIMITS).passed
    assert not gates.check_complexity(nothing, LIMITS).passed
    assert not gates.check_rain(nothing, LIMITS).passed
    assert not gates.check_exactness(nothing).passed
    with pytest.raises(RecipeError, match="lacks the column floor"):
        gates.check_brightness(inspect().drop_columns("floor"), LIMITS)
