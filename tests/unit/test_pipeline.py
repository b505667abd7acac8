"""The path as a library: what decides the bytes of a build is known before it is resumed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rainkit.errors import BuildError, SourceError
from rainkit.pipeline import build
from rainkit.rain import layer_bank
from rainkit.recipe import Recipe, load_recipe

RECIPE = """
rainkit: 1
name: resumed
version: 1.0.0
seed: 1
sources: {{photos: {{kind: folder, path: photos{depth}}}}}
backgrounds: {{min_size: 32, deduplicate: null}}
strata: {{method: quantile, count: 1}}
samples: {{patch: 32}}
rain: {{a: {rain}}}
splits: {{train: {{share: 1, samples: 4, rain: a}}}}
shards: {{samples: 2}}
"""


def prepare(folder: Path, rain: str, depth: str = "") -> Recipe:
    """Write pictures, depth maps, streak layers and a recipe."""
    for name in ("photos", "bank"):
        (folder / name).mkdir(exist_ok=True)
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{i}.png"), noise)
        cv2.imwrite(str(folder / "photos" / f"{i}_depth.png"), np.full((48, 48), 900 + i, np.uint16))
        cv2.imwrite(str(folder / "bank" / f"{i}.png"), noise // 3)
    (folder / "recipe.yaml").write_text(RECIPE.format(rain=rain, depth=depth))
    return load_recipe(folder / "recipe.yaml")


def cut_off(recipe: Recipe, folder: Path) -> None:
    """Build until the first shard is there, then stop."""

    class OneShard:
        kind = "one"

        def __call__(self, function, tasks):  # type: ignore[no-untyped-def]
            for index, task in enumerate(tasks):
                yield index, function(task)
                if not isinstance(task, list):
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(recipe, folder, OneShard())  # type: ignore[arg-type]


def test_another_bank_of_layers_is_not_mixed_in(tmp_path: Path) -> None:
    recipe = prepare(tmp_path, "{kind: layer_bank, folder: bank}", ", exclude: ['*_depth.png']")
    cut_off(recipe, tmp_path / "out")
    layer = (tmp_path / "bank" / "0.png").read_bytes()
    cv2.imwrite(str(tmp_path / "bank" / "0.png"), np.zeros((48, 48, 3), np.uint8))
    layer_bank.list_bank.cache_clear()  # as in the process that resumes
    with pytest.raises(BuildError, match="unfinished build of the same recipe from other pictures"):
        build(recipe, tmp_path / "out")
    (tmp_path / "bank" / "0.png").write_bytes(layer)
    layer_bank.list_bank.cache_clear()
    assert build(recipe, tmp_path / "out").resumed == 1


def test_other_depth_maps_are_not_mixed_in(tmp_path: Path) -> None:
    recipe = prepare(tmp_path, "{kind: noise_blur}", ', depth: "{stem}_depth.png"')
    cut_off(recipe, tmp_path / "out")
    cv2.imwrite(str(tmp_path / "photos" / "0_depth.png"), np.full((48, 48), 5, np.uint16))
    with pytest.raises(BuildError, match="from other pictures"):
        build(recipe, tmp_path / "out")
    (tmp_path / "photos" / "0_depth.png").write_bytes(b"damaged")
    with pytest.raises(SourceError, match=r"the depth map beside photos:0\.png cannot be read"):
        build(recipe, tmp_path / "out")
