from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rainkit import images
from rainkit.errors import RecipeError, SourceError
from rainkit.records import Pixels
from rainkit.train.baselines import BASELINES, filter_median, split_guided
from rainkit.train.evaluate import Case, corpus_cases, evaluate, pair_cases, pick_cases, picture_cases
from rainkit.train.metrics import METRICS
from rainkit.train.pairs import find_pairs


def test_a_corpus_split_gives_a_row_a_case_and_method(corpus: Any) -> None:
    table = evaluate(corpus_cases(corpus, [8, 3]), BASELINES, threshold=5)
    assert table.num_rows == 6
    first = table.to_pylist()[0]
    assert (first["method"], first["key"], first["split"], first["stratum"], first["rain"], first["background_id"]) == (
        "input", "sample8", "test", 0, "upright", "background4",
    )  # fmt: skip
    assert first["removal"] == first["e_r"] == first["rain_free_error"] == 0
    assert first["rain_error"] == pytest.approx(70, abs=1)
    assert set(METRICS) <= set(table.column_names)
    assert json.loads(table.schema.metadata[b"rainkit:mask_threshold"]) == 5
    assert json.loads(table.schema.metadata[b"rainkit:data_range"]) == 255


def test_a_limit_is_spread_over_all_cases(corpus: Any) -> None:
    cases = corpus_cases(corpus, range(12))
    assert [case.key for case in cases.spread(4)] == ["sample0", "sample3", "sample6", "sample9"]
    assert len(cases.spread(None)) == len(cases.spread(50)) == 12
    for limit in (0, -3):
        with pytest.raises(RecipeError, match=f"limit {limit}: judge at least one"):
            cases.spread(limit)


def test_median_removes_thin_streaks_from_smooth_pictures(corpus: Any) -> None:
    rows = evaluate(corpus_cases(corpus, range(12)), BASELINES).to_pylist()
    removal = {name: np.mean([row["removal"] for row in rows if row["method"] == name]) for name in BASELINES}
    assert removal["median"] > 0.6
    assert removal["median"] > removal["guided"] > 0.1 > removal["input"] == 0


def test_baselines_leave_flat_pictures_and_their_input_alone() -> None:
    flat = np.full((32, 40, 3), (10, 120, 250), np.uint8)
    for method in (filter_median, split_guided):
        assert np.array_equal(method(flat), flat)
    spot = flat.copy()
    spot[16, 20] = 255
    kept = spot.copy()
    assert split_guided(spot)[16, 20, 0] < 100
    assert filter_median(spot)[16, 20, 0] == 10
    assert np.array_equal(spot, kept)


def test_pairs_and_pictures_without_truth(tmp_path: Path, corpus: Any) -> None:
    for name, index in (("input", 0), ("target", 1)):
        (tmp_path / name).mkdir()
        for number in (1, 2):
            (tmp_path / name / f"{number}.png").write_bytes(images.encode_png(corpus.pairs[number][index]))
    table = evaluate(pair_cases(find_pairs(tmp_path / "input", tmp_path / "target")), {"input": BASELINES["input"]})
    expected = evaluate(corpus_cases(corpus, [1, 2]), {"input": BASELINES["input"]})
    assert table["psnr_y"].to_pylist() == expected["psnr_y"].to_pylist()
    assert table["background_id"].to_pylist() == ["1", "2"]
    assert table["split"].to_pylist() == [tmp_path.name] * 2
    shown: list[tuple[str, list[str]]] = []
    blind = evaluate(
        picture_cases(tmp_path / "input"), BASELINES, done=lambda case, results: shown.append((case.key, list(results)))
    )
    assert shown == [("1", list(BASELINES)), ("2", list(BASELINES))]
    assert blind["psnr_y"].null_count == 6


def test_rain_free_input_is_optional_and_undefined_is_null(corpus: Any) -> None:
    calls = 0

    def count(rainy: Pixels) -> Pixels:
        nonlocal calls
        calls += 1
        return rainy

    table = evaluate(corpus_cases(corpus, [0]), {"count": count}, rain_free=False)
    assert calls == 1
    assert table["rain_free_error"].null_count == 1
    clean = corpus.pairs[0][1]
    dry = evaluate([Case("k", "s", None, "", "b", clean, clean)], {"input": BASELINES["input"]}).to_pylist()[0]
    assert dry["removal"] is dry["e_r"] is None
    assert not any(isinstance(value, float) and math.isnan(value) for value in dry.values())


def test_best_median_and_worst_are_picked_by_a_metric(corpus: Any) -> None:
    table = evaluate(corpus_cases(corpus, range(0, 10, 2)), BASELINES)
    scores = {
        int(row["key"][6:]) // 2: (row["psnr_y"], row["rain_error"])
        for row in table.to_pylist()
        if row["method"] == "median"
    }
    by_psnr = sorted(scores, key=lambda key: -scores[key][0])
    assert pick_cases(table, "median", "psnr_y") == {"best": by_psnr[0], "median": by_psnr[2], "worst": by_psnr[4]}
    by_error = sorted(scores, key=lambda key: scores[key][1])
    assert pick_cases(table, "median", "rain_error")["best"] == by_error[0]
    single = evaluate(corpus_cases(corpus, [0]), BASELINES)
    assert pick_cases(single, "median") == {"best": 0}
    assert pick_cases(single, "absent") == {}


def test_nothing_to_do_and_pictures_too_small_are_said(corpus: Any) -> None:
    with pytest.raises(RecipeError, match="name a checkpoint"):
        evaluate(corpus_cases(corpus, [0]), {})
    with pytest.raises(SourceError, match="no pictures"):
        evaluate([], BASELINES)
    for threshold in (-5, 255):
        with pytest.raises(RecipeError, match=f"threshold {threshold}: .* 0 to 254"):
            evaluate(corpus_cases(corpus, [0]), BASELINES, threshold=threshold)
    speck = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(SourceError, match=r"tiny.* is \d+ x \d+ px, and SSIM needs 11 x 11 px: leave it out"):
        evaluate([Case("tiny", "", None, "", "", speck, speck)], BASELINES)
