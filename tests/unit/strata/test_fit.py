"""From scores to strata: drops, quotas, errors, and what a manifest keeps."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit.errors import BuildError, SourceError
from rainkit.seeds import Stream
from rainkit.strata import (
    METADATA_KEY,
    Edges,
    EqualCount,
    Grid,
    KMeans,
    Match,
    Quantile,
    Stratification,
    fit,
    read_stratification,
)

IDS = [f"{i:016x}" for i in range(500)]
SCORES = np.round(Stream(4, "scores").uniform(500), 2)
SCALE = "gradient_entropy@luma-256/1"


def test_a_margin_drops_what_lies_near_an_edge() -> None:
    made = fit(Edges(edges=(0.5,), margin=0.05), SCORES, IDS)
    near = np.abs(SCORES - 0.5) < 0.05
    assert (made.labels[near] == -1).all()
    assert (made.labels[~near] >= 0).all()
    assert made.dropped == near.sum() > 0


def test_a_margin_of_a_grid_drops_around_both_edges() -> None:
    second = np.round(Stream(4, "second").uniform(500), 2)
    made = fit(Grid(count=2, second_count=2, margin=0.03), SCORES, IDS, second)
    near = (np.abs(SCORES - made.edges[0]) < 0.03) | (np.abs(second - made.second_edges[0][0]) < 0.03)
    assert (made.labels[near] == -1).all()
    assert (made.labels[~near] >= 0).all()


def test_a_margin_that_empties_a_stratum_says_so() -> None:
    with pytest.raises(BuildError, match=r"1 of 3 strata are empty after the margin of 0.2 was dropped \(1\)"):
        fit(Edges(edges=(0.4, 0.6), margin=0.2), SCORES, IDS)


def test_equal_counts_per_stratum_after_any_method() -> None:
    made = fit(KMeans(count=4, per_stratum="smallest"), SCORES, IDS)
    assert len(set(made.counts)) == 1
    assert min(fit(KMeans(count=4), SCORES, IDS).counts) == made.counts[0]


def test_a_quota_keeps_the_same_items_when_it_grows() -> None:
    few = fit(Quantile(per_stratum=10), SCORES, IDS).labels
    more = fit(Quantile(per_stratum=20), SCORES, IDS).labels
    assert (more[few >= 0] == few[few >= 0]).all()
    assert (few >= 0).sum() == 50


def test_an_empty_stratum_is_named_with_the_counts() -> None:
    with pytest.raises(BuildError, match=r"1 of 3 strata are empty \(2\); counts: \d+, \d+, 0"):
        fit(Edges(edges=(0.5, 5.0)), SCORES, IDS)


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "nothing to stratify"), ([0.1, np.nan], "1 of 2 scores are not finite, the first is number 1")],
)
def test_scores_that_cannot_be_used(scores: list[float], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        fit(Quantile(count=1), np.array(scores), IDS[: len(scores)])


def test_ids_and_scores_must_go_together() -> None:
    with pytest.raises(ValueError, match=r"3 ids need scores of shape \(3,\), not \(500,\)"):
        fit(Quantile(), SCORES, IDS[:3])


def test_scores_measured_again_agree_with_their_strata() -> None:
    for strata in (Quantile(), EqualCount(), KMeans(), Edges(edges=(0.3,))):
        made = fit(strata, SCORES, IDS)
        assert made.agrees(SCORES, made.labels).all()
        wrong = ((made.labels + 1) % made.count).astype(np.int16)
        assert made.agrees(SCORES, wrong).mean() < 0.05


def test_split_ties_agree_on_both_sides_and_only_there() -> None:
    scores = np.array([0.0, 0.5, 0.5, 0.5, 1.0, 2.0])
    made = fit(EqualCount(count=3), scores, IDS[:6])
    assert made.agrees(scores, made.labels).all()
    assert not made.agrees(np.array([0.4]), np.array([1], dtype=np.int16)).any()


def _write(path: Path, made: Stratification, scores: np.ndarray) -> Path:
    metadata = {METADATA_KEY: json.dumps(made.document()).encode()}
    schema = pa.schema([("score", pa.float64())], metadata=metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"score": scores}, schema=schema), path)
    return path


@pytest.mark.parametrize("given", ["corpus", "corpus/metadata", "corpus/metadata/samples.parquet"])
def test_edges_are_taken_from_an_earlier_corpus(tmp_path: Path, given: str) -> None:
    earlier = fit(Quantile(count=4), SCORES, IDS, scale=SCALE)
    _write(tmp_path / "corpus" / "metadata" / "samples.parquet", earlier, SCORES)
    strata = Edges(edges_from=str(tmp_path / given))
    made = fit(strata, SCORES[:100], IDS[:100], scale=SCALE)
    assert made.edges == earlier.edges
    assert made.labels.tolist() == earlier.labels[:100].tolist()
    resolved = strata.resolved()
    assert (resolved.edges, resolved.edges_from, resolved.scale) == (earlier.edges, None, SCALE)
    assert read_stratification(tmp_path / given)["counts"] == list(earlier.counts)


def test_edges_of_a_corpus_with_another_estimator_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "samples.parquet", fit(Quantile(), SCORES, IDS, scale=SCALE), SCORES)
    with pytest.raises(BuildError, match=rf"jpeg_ratio@luma-256/1, the edges of .*samples.parquet.* {SCALE}"):
        fit(Edges(edges_from=str(path)), SCORES, IDS, scale="jpeg_ratio@luma-256/1")


def test_places_without_edges_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no manifest there"):
        Edges(edges_from=str(tmp_path)).resolved()
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "samples.parquet")
    with pytest.raises(SourceError, match="records no edges of strata"):
        Edges(edges_from=str(tmp_path)).resolved()
    with pytest.raises(SourceError, match="no column `score`"):
        Match(like=str(tmp_path)).resolved()


def test_a_histogram_is_matched_to_another_corpus(tmp_path: Path) -> None:
    simple = SCORES[SCORES < 0.5] * 1.0
    path = _write(tmp_path / "samples.parquet", fit(Quantile(), simple, IDS[: simple.size], scale=SCALE), simple)
    made = fit(Match(like=str(path), count=5), SCORES, IDS, scale=SCALE)
    kept = SCORES[made.labels >= 0]
    # The kept follow the simple half below its edges; the last bin is open above, as every last stratum is.
    assert max(made.counts) - min(made.counts) <= 0.1 * max(made.counts) + 1
    assert np.median(kept) < 0.35 < np.median(SCORES)
