"""Scores of any pictures: values, identities, statistics, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from rainkit import complexity
from rainkit.errors import RecipeError, SourceError
from rainkit.images import encode_png
from rainkit.pictures import open_pictures
from rainkit.records import Pixels
from rainkit.scoring import Scores, choose_instruments, score_pictures
from rainkit.seeds import Stream


def texture(seed: int, contrast: int, size: tuple[int, int] = (260, 270)) -> Pixels:
    """Return noise of a stated contrast: the more, the more complex by every estimator."""
    noise = Stream(seed, "texture").integers(0, contrast + 1, size[0] * size[1] * 3)
    return (noise.reshape(*size, 3) + 100).astype(np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sets")
    for name, contrasts in {"calm": (0, 2, 4, 8), "busy": (60, 80, 100)}.items():
        (folder / name).mkdir()
        for contrast in contrasts:
            (folder / name / f"{contrast:03d}.png").write_bytes(encode_png(texture(contrast, contrast)))
    (folder / "busy" / "tiny.png").write_bytes(encode_png(texture(1, 90, (20, 30))))
    (folder / "busy" / "broken.png").write_bytes(b"\x89PNG not")
    return {name: folder / name for name in ("calm", "busy")}


@pytest.fixture(scope="module")
def scores(folders: dict[str, Path]) -> Scores:
    return score_pictures({name: open_pictures(path) for name, path in folders.items()})


def test_values_are_those_of_the_estimators(scores: Scores) -> None:
    assert len(scores) == 8
    for row, (path, member) in enumerate(zip(scores.paths, scores.members, strict=True)):
        if member == 0:
            contrast = int(path[:3])
            expected = complexity.measure(texture(contrast, contrast), choose_instruments())
            for name, value in expected.items():
                assert scores.of(name)[row] == value


def test_every_value_is_finite_and_constant_pictures_are_simplest(scores: Scores) -> None:
    assert np.isfinite(scores.values).all()
    assert scores.of("composite").argmin() == scores.paths.index("000.png")


def test_small_and_unreadable_pictures_are_marked(scores: Scores) -> None:
    assert [path for path, small in zip(scores.paths, scores.small, strict=True) if small] == ["tiny.png"]
    assert [(name, path) for name, path, _ in scores.unreadable] == [("busy", "broken.png")]
    assert scores.sizes[scores.paths.index("tiny.png")].tolist() == [30, 20]


def test_columns_carry_identities_and_units(scores: Scores) -> None:
    columns = {column.name: column for column in scores.columns}
    assert columns["gradient_entropy"].id == complexity.ESTIMATORS["gradient_entropy"]().identify("picture")
    assert columns["gradient_entropy"].unit == "bit"
    assert columns["composite"].id == complexity.Complexity().score_id
    assert {column.role for column in scores.columns} == {"composite", "spread", "estimator", "guard"}


def test_the_busy_set_is_more_complex(scores: Scores) -> None:
    assert scores.superiority("gradient_entropy", 1) == 1.0
    assert scores.superiority("gradient_entropy", 0, 1) == 0.0
    assert scores.superiority("gradient_entropy", 1, 1) == 0.5
    medians = {row["set"]: row["median"] for row in scores.summary() if row["score"] == "gradient_entropy"}
    assert medians["calm"] < medians["busy"]


def test_correlations_are_those_of_ranks(scores: Scores) -> None:
    names, table = scores.correlation()
    frame = pd.DataFrame({name: scores.of(name) for name in names})
    expected = frame.corr(method="spearman").fillna(0).to_numpy(copy=True)
    np.fill_diagonal(expected, np.diag(table))
    np.testing.assert_allclose(table, expected, atol=1e-12)


def test_files_hold_the_same_table(scores: Scores, tmp_path: Path) -> None:
    written = scores.write(tmp_path)
    assert [path.name for path in written] == ["scores.parquet", "scores.csv", "scores.json"]
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.schema.field("jpeg_ratio").metadata[b"id"].startswith(b"jpeg_ratio@")
    frame = table.to_pandas()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scores.csv"), frame, check_dtype=False)
    document = json.loads((tmp_path / "scores.json").read_text())
    pd.testing.assert_frame_equal(pd.DataFrame(document["pictures"]), frame, check_dtype=False)
    assert document["sets"] == {"calm": 4, "busy": 4}
    assert document["unreadable"][0]["path"] == "broken.png"


def test_what_was_measured_is_remembered(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {"calm": open_pictures(folders["calm"])}
    first = score_pictures(sets, cache=tmp_path / "cache.sqlite")
    monkeypatch.setattr("rainkit.scoring.measure.decode", lambda data: pytest.fail("decoded again"))
    again = score_pictures(sets, cache=tmp_path / "cache.sqlite")
    assert (again.values == first.values).all()
    with pytest.raises(BaseException, match="decoded again"):
        score_pictures(sets)


def test_a_few_estimators_can_be_chosen(folders: dict[str, Path]) -> None:
    sets = {"calm": open_pictures(folders["calm"])}
    chosen = score_pictures(sets, choose_instruments(["jpeg_ratio", "jpeg_ratio"]), guards=False)
    assert [column.name for column in chosen.named("estimator")] == ["jpeg_ratio"]
    assert not chosen.named("guard")


def test_an_unknown_estimator_gets_a_hint() -> None:
    with pytest.raises(RecipeError, match=r"no estimator 'gradient_entrpy'.*gradient_entropy"):
        choose_instruments(["gradient_entrpy"])


def test_a_set_without_readable_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG no")
    with pytest.raises(SourceError, match=r"none of 1 pictures can be read; the first: x\.png"):
        score_pictures({"x": open_pictures(tmp_path)})
