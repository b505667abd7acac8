"""`rainkit preview`: a sheet for presets, recipes and pictures, and plain words where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from rainkit.cli import group
from rainkit.errors import RecipeError, SourceError
from rainkit.images import decode, encode_png
from rainkit.rain import PRESETS, simulator
from rainkit.rain.sheet import CAPTION, draw_sheet


def run(*arguments: str) -> Any:
    """Run the command and return what click recorded."""
    return CliRunner().invoke(group, ["preview", *arguments])


def test_sheet_has_rainy_pictures_layer_and_mask() -> None:
    dark, bright = np.zeros((80, 120, 3), np.uint8), np.full((200, 90, 3), 200, np.uint8)
    sheet, entries = draw_sheet(
        [dark, bright], {"one": simulator("streaks"), "two": simulator("noise_blur")}, 1, (120, 80)
    )
    assert sheet.shape == (2 * (CAPTION + 84), 4 * 124, 3)
    first = sheet[CAPTION : CAPTION + 80]
    rainy, layer, mask = first[:, :120], first[:, 248:368], first[:, 372:492]
    assert (rainy == layer).all()
    assert ((layer >= 3) == (mask == 255)).all()
    assert first[:, 124:244].min() >= 200
    assert [entry.name for entry in entries] == ["one", "two"]
    assert entries[0].coverage == pytest.approx((mask > 0).mean(), abs=0.2)
    with pytest.raises(ValueError, match="at least one"):
        draw_sheet([], {"one": simulator("streaks")}, 1)


def test_a_preset_on_a_picture(tmp_path: Path) -> None:
    image, output = tmp_path / "image.png", tmp_path / "sheet.png"
    image.write_bytes(encode_png(np.full((50, 70, 3), 90, np.uint8)))
    done = run("slacking-off-small", "--image", str(image), "-o", str(output), "--size", "70x50", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["path"] == str(output)
    assert [rain["name"] for rain in answer["rains"]] == ["slacking-off-small"]
    assert decode(output.read_bytes()).shape == (CAPTION + 54, 3 * 74, 3)


def test_every_preset_without_a_name(tmp_path: Path) -> None:
    done = run("-o", str(tmp_path / "all.png"), "--size", "64x48", "--json")
    assert done.exit_code == 0, done.output
    assert {rain["name"] for rain in json.loads(done.stdout)["rains"]} <= set(PRESETS)
    assert len(json.loads(done.stdout)["rains"]) > 15


def test_the_rains_of_a_recipe_on_its_pictures(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "rainkit: 1\nname: tiny\nversion: 1.0.0\nseed: 1\nlicense: CC0-1.0\n"
        "sources:\n  drawn: {kind: procedural, count: 2, size: 128}\n"
        "complexity: {unit: picture}\nstrata: {method: quantile, count: 1}\n"
        "rain:\n  light: {kind: streaks}\n  dense: {kind: noise_blur, preset: slacking-off-small}\n"
        "splits:\n  train: {share: 1.0, samples: 2, rain: light}\n"
        "samples: {patch: 64}\n"
    )
    done = run(str(recipe), "-o", str(tmp_path / "sheet.png"), "--size", "64x64")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "light" in done.stdout
    assert "dense" in done.stdout
    assert done.stdout.rstrip().endswith("sheet.png")


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    assert isinstance(run("slacking-of-small").exception, RecipeError)
    assert isinstance(run("streaks", "--image", str(tmp_path / "none.png")).exception, SourceError)
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert isinstance(run("streaks", "--image", str(tmp_path / "torn.png")).exception, SourceError)
    done = run("streaks", "--size", "large")
    assert done.exit_code == 2
    assert "WIDTHxHEIGHT" in done.output
