"""What is remembered of a picture, and when it is measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rainkit.engines.serial import Serial
from rainkit.recipe import Recipe, load_recipe
from rainkit.survey import Survey, measuring, survey

RECIPE = """
rainkit: 1
name: measured
version: 1.0.0
seed: 1
sources: {{photos: {{kind: folder, path: pictures}}}}
backgrounds: {{min_size: {least}, deduplicate: null}}
complexity: {{unit: patch, estimators: [{estimators}], score: {score}}}
samples: {{patch: {patch}}}
rain: {{a: {{kind: noise_blur}}}}
splits: {{train: {{share: 1, samples: 1, rain: a}}}}
"""


class Parts(list[str]):
    """The parts that were measured, of all pictures."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        measure = measuring._measure

        def note(pixels: Any, missing: Any, order: Any) -> dict[str, Any]:
            parts = measure(pixels, missing, order)
            self.extend(parts)
            return parts

        monkeypatch.setattr(measuring, "_measure", note)


def make_recipe(folder: Path, **fields: Any) -> Recipe:
    settings = {"least": 32, "estimators": "jpeg_ratio", "score": "jpeg_ratio", "patch": 32, **fields}
    (folder / "recipe.yaml").write_text(RECIPE.format(**settings))
    return load_recipe(folder / "recipe.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (64, 96, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "pictures" / f"{i}.png"), noise)
    (tmp_path / "pictures" / "bad.png").write_bytes(b"none")
    return tmp_path


def look(folder: Path, **fields: Any) -> Survey:
    return survey(make_recipe(folder, **fields), Serial(), folder / "cache.sqlite", lambda *_: lambda *_: None)


def scores(found: Survey) -> list[Any]:
    return [(item.background, item.guards, {k: v.tolist() for k, v in item.patches.items()}) for item in found.measured]


def test_nothing_is_measured_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = look(folder)
    assert first.remembered == 0
    parts = Parts(monkeypatch)
    again = look(folder)
    assert again.remembered == 4
    assert not parts
    assert scores(again) == scores(first)
    assert again.refused == first.refused


def test_only_what_a_recipe_asks_for_anew_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(folder)
    parts = Parts(monkeypatch)
    look(folder, estimators="jpeg_ratio, gradient_entropy")
    assert sorted(set(parts)) == ["patch:gradient_entropy", "picture:gradient_entropy"]
    parts.clear()
    found = look(folder, patch=48)
    assert set(parts) == {"patch:jpeg_ratio"}
    assert {len(item.patches["jpeg_ratio"]) for item in found.measured} == {2}


def test_a_limit_of_the_recipe_is_never_remembered_from_another(folder: Path) -> None:
    assert len(look(folder).measured) == 3
    with pytest.raises(Exception, match="3 too_small"):
        look(folder, least=80)
    assert len(look(folder).measured) == 3


def test_another_decoder_measures_everything_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pixels may be others, and a number of the old ones would go with the digest of the new."""
    first = look(folder)
    parts = Parts(monkeypatch)
    monkeypatch.setattr(measuring, "_decoders", lambda: "cv2-99.0.0")
    again = look(folder)
    assert again.remembered == 0
    assert set(parts) == {"hash", "guards", "picture:jpeg_ratio", "patch:jpeg_ratio"}
    assert scores(again) == scores(first)


def test_a_damaged_cache_is_passed_over(folder: Path) -> None:
    (folder / "cache.sqlite").write_bytes(b"no database at all" * 100)
    assert len(look(folder).measured) == 3
