from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from rainkit.seeds import Stream
from rainkit.train import bootstrap


def test_draws_are_whole_counts_that_sum_to_the_backgrounds() -> None:
    counts = bootstrap.resample(7, Stream(1, "a"), 50)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert (counts == bootstrap.resample(7, Stream(1, "a"), 50)).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for trial in range(120):
        values = Stream(trial, "values").normal(40, 5.0, 2.0)
        found = bootstrap.estimate(values, [str(i) for i in range(40)], Stream(trial, "draws"), 300)
        hits += found.low <= 5.0 <= found.high
    assert 105 <= hits <= 119


def test_copies_of_a_background_add_no_certainty() -> None:
    values = Stream(2, "values").normal(12)
    ids = [str(i) for i in range(12)]
    once = bootstrap.estimate(values, ids, Stream(2, "draws"))
    often = bootstrap.estimate(np.repeat(values, 50), np.repeat(ids, 50).tolist(), Stream(2, "draws"))
    naive = bootstrap.estimate(np.repeat(values, 50), [str(i) for i in range(600)], Stream(2, "draws"))
    assert often.high - often.low == pytest.approx(once.high - once.low)
    assert naive.high - naive.low < 0.3 * (once.high - once.low)
    assert (often.samples, often.backgrounds) == (600, 12)


def test_one_background_has_no_interval_and_no_value_no_mean() -> None:
    single = bootstrap.estimate(np.array([1.0, 2.0]), ["a", "a"], Stream(0, "x"))
    assert single.mean == 1.5
    assert math.isnan(single.low)
    nothing = bootstrap.estimate(np.array([math.nan]), ["a"], Stream(0, "x"))
    assert math.isnan(nothing.mean)
    assert nothing.samples == 0


def test_ratio_of_means_is_not_mean_of_ratios() -> None:
    columns = {"removal": np.array([0.2, 0.4]), "rain_free_error": np.array([10.0, 20.0])}
    found = bootstrap.estimate_all(columns, bootstrap.RATIO_OF_MEANS, ["a", "b"], Stream(0, "x"))
    assert found["removal_per_damage"].mean == pytest.approx(20.0)
    assert found["removal_per_damage"].low == pytest.approx(20.0)


def test_summary_keeps_groups_apart_and_leaves_unknown_metrics_out() -> None:
    table = pa.table(
        {
            "method": ["a", "b", "a", "b"],
            "stratum": pa.array([0, 0, 1, 1], pa.int16()),
            "background_id": ["p", "p", "q", "q"],
            "psnr_y": [20.0, 22.0, 30.0, 34.0],
            "removal": pa.array([None, None, None, None], pa.float64()),
        }
    )
    whole = bootstrap.summarise(table, ["method"]).to_pylist()
    assert [(row["method"], row["metric"], row["mean"]) for row in whole] == [
        ("a", "psnr_y", 25.0), ("b", "psnr_y", 28.0),
    ]  # fmt: skip
    assert whole[0]["low"] == 20.0
    assert whole[0]["high"] == 30.0
    assert bootstrap.summarise(table, ["method", "stratum"]).num_rows == 4
    nested = bootstrap.nest(bootstrap.summarise(table, ["method", "stratum"]))
    assert [(group["method"], group["stratum"]) for group in nested] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert nested[3]["metrics"]["psnr_y"]["mean"] == 34.0
    assert bootstrap.summarise(table, []).to_pylist()[0]["mean"] == 26.5


def test_groups_are_sorted_numbers_as_numbers_and_methods_as_they_came() -> None:
    groups = [("validation", 10, ""), ("train", 2, "small"), ("validation", 2, "large"), ("train", None, "small")]
    rows = [(method, *group) for group in groups for method in ("input", "guided")]
    names = ("method", "split", "stratum", "rain")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    ids = {"background_id": ["p"] * len(rows), "psnr_y": [20.0] * len(rows)}
    table = pa.table({**columns, "stratum": pa.array(columns["stratum"], pa.int16()), **ids})
    found = bootstrap.nest(bootstrap.summarise(table, names))
    wanted = [("train", 2, "small"), ("train", None, "small"), ("validation", 2, "large"), ("validation", 10, "")]
    assert [tuple(group[name] for name in names) for group in found] == [
        (method, *group) for group in wanted for method in ("input", "guided")
    ]
