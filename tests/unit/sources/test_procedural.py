from __future__ import annotations

import json
import os
import pickle
import platform
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import spearmanr

from rainkit.complexity import GradientEntropy, JpegRatio, measure
from rainkit.sources import ProceduralSource
from rainkit.sources.procedural import dial_step, draw
from rainkit.sources.procedural.families import FAMILIES, FamilyName

GOLDEN = Path(__file__).parents[2] / "golden"
DIALS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def test_schema_names_every_family() -> None:
    assert get_args(FamilyName) == tuple(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_complexity_rises_with_the_dial(family: FamilyName) -> None:
    estimators = (GradientEntropy(), JpegRatio())
    curves = []
    for index in range(4):
        scores = [measure(draw(family, (256, 256), dial, 17, index), estimators) for dial in DIALS]
        curves.append([[score[estimator.kind] for estimator in estimators] for score in scores])
    for k in range(len(estimators)):
        agreement = [spearmanr(DIALS, [row[k] for row in curve]).statistic for curve in curves]
        assert np.mean(agreement) >= 0.95
        mean = np.mean([[row[k] for row in curve] for curve in curves], axis=0)
        assert mean[-1] > 2.0 * mean[0]  # the dial is worth turning


def test_pixels_equal_the_golden_digests() -> None:
    sys.path.insert(0, str(GOLDEN))
    import make_sources

    assert make_sources.digests() == json.loads(make_sources.FILE.read_text())


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="names the features of x86 processors")
def test_pixels_are_the_same_without_vector_instructions(tmp_path: Path) -> None:
    environment = os.environ | {
        "OPENCV_CPU_DISABLE": "AVX2,FMA3,AVX",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3" if np.lib.NumpyVersion(np.__version__) >= "2.4.0" else "AVX2 FMA3",
        "NUMBA_CPU_NAME": "x86-64",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-W", "ignore", str(GOLDEN / "make_sources.py")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == json.loads((GOLDEN / "sources" / "procedural.json").read_text())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(32, 32), (40, 300), (310, 33)])
def test_any_size_can_be_drawn(family: FamilyName, size: tuple[int, int]) -> None:
    for dial in (0.0, 1.0):
        pixels = draw(family, size, dial, 0, 0)
        assert pixels.shape == (size[1], size[0], 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        assert np.ptp(pixels) > 8


@pytest.mark.parametrize("family", FAMILIES)
def test_index_and_seed_change_the_picture(family: FamilyName) -> None:
    first = draw(family, (64, 64), 0.5, 0, 0)
    assert np.array_equal(first, draw(family, (64, 64), 0.5, 0, 0))
    assert not np.array_equal(first, draw(family, (64, 64), 0.5, 0, 1))
    assert not np.array_equal(first, draw(family, (64, 64), 0.5, 1, 0))


def test_a_larger_count_changes_no_picture() -> None:
    few, many = (list(ProceduralSource(count=n, size=48)()) for n in (9, 30))
    assert [picture.path for picture in few] == [picture.path for picture in many[:9]]
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.read(), pickle.loads(pickle.dumps(other)).read())


def test_paths_name_family_and_index() -> None:
    source = ProceduralSource(families=("sky", "mosaic"), count=3)
    assert [picture.path for picture in source()] == ["sky/000000", "mosaic/000001", "sky/000002"]


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 9, 40])
def test_dials_fill_their_range_evenly(turns: int) -> None:
    steps = sorted(dial_step(turn, 0.25, 0.75) for turn in range(turns))
    assert len(set(steps)) == turns
    assert 256 <= steps[0] <= steps[-1] <= 768
    if turns >= 3:
        assert (steps[0], steps[-1]) == (256, 768)
        assert max(np.diff(steps)) <= 2.1 * 512 / (turns - 1)


def test_one_number_is_one_complexity_and_one_size() -> None:
    source = ProceduralSource.model_validate({"complexity": 0.5, "size": 80, "count": 2})
    assert source.complexity == (0.5, 0.5)
    assert source.size == (80, 80)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"families": ["lake"]}, "dead_leaves"),
        ({"families": []}, "at least 1"),
        ({"complexity": [0.8, 0.2]}, r"\[low, high\]"),
        ({"complexity": 1.5}, "less than or equal to 1"),
        ({"size": 4}, "greater than or equal to 32"),
        ({"count": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ProceduralSource.model_validate(fields)
