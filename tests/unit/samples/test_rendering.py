"""Rendering: labels that a recipe asks for, and the same members in every sample."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rainkit.rain import labels
from rainkit.recipe import Recipe, fingerprint, parse_recipe
from rainkit.records import Sample
from rainkit.samples.draw import rows_schema
from rainkit.samples.rendering import Rendered, _hexadecimal, parse_colour, render, tinted

RECIPE = """
rainkit: 1
name: rendered
version: 1.0.0
seed: 1
sources: {{drawn: {{kind: procedural}}}}
samples: {{patch: 64, channels: [rainy, clean, rain]{samples}}}
rain:
  white: {{kind: noise_blur}}
  other: {other}
splits:
  train: {{share: 1, samples: 4, rain: {{white: 1, other: 1}}}}
"""
WHITE = "{kind: streaks}"
TINTED = "{kind: streaks, colour: [250, 240, 220]}"
SHARES = "{kind: streaks, colour: [250, 240, 220], compose: alpha}"
MIXED = f"{{kind: mixture, parts: [{{name: a, rain: {WHITE}}}, {{name: b, weight: 0.001, rain: {TINTED}}}]}}"
PICTURE = np.random.default_rng(0).integers(0, 200, (80, 100, 3), dtype=np.uint8)


def make_recipe(other: str = WHITE, samples: str = "") -> Recipe:
    return parse_recipe(RECIPE.format(other=other, samples=samples))


def draw(recipe: Recipe, rain: str, seed: int = 3) -> Rendered:
    return render(Sample("k", "train", 0, 0, "b", (8, 4, 64, 64), 0.0, 0.0, {}, rain, seed), PICTURE, recipe)


@pytest.mark.parametrize(
    ("other", "expected"), [(WHITE, False), (TINTED, True), (SHARES, False), (MIXED, True)], ids=range(4)
)
def test_layers_are_rgb_as_soon_as_one_of_them_may_be(other: str, expected: bool) -> None:
    recipe = make_recipe(other)
    assert tinted(recipe) is expected
    shape = (64, 64, 3) if expected else (64, 64)
    assert {draw(recipe, rain, seed).arrays["rain.png"].shape for rain in ("white", "other") for seed in range(3)} == {
        shape
    }


def test_a_white_layer_among_tinted_ones_is_the_same_three_times() -> None:
    plain, wide = (draw(make_recipe(other), "white").arrays["rain.png"] for other in (WHITE, TINTED))
    assert np.array_equal(wide, np.repeat(plain[..., None], 3, axis=2))
    assert plain.any()


def test_labels_say_what_the_arrays_hold() -> None:
    drawn = draw(make_recipe(), "white")
    layer = drawn.arrays["rain.png"]
    assert drawn.labels["rain_mean"] == pytest.approx(layer.mean(), abs=1e-9)
    assert drawn.labels["coverage"] == (layer >= 3).mean()
    assert drawn.labels["psnr_rainy"] == labels.psnr(drawn.arrays["clean.png"], drawn.arrays["rainy.png"])
    assert list(json.loads(drawn.labels["rain_params"])) == sorted(json.loads(drawn.labels["rain_params"]))


def test_similarity_is_measured_only_where_it_is_asked_for() -> None:
    without, with_it = make_recipe(), make_recipe(samples=", ssim: true")
    assert "ssim_rainy" not in draw(without, "white").labels
    assert "ssim_rainy" not in rows_schema(without).names
    drawn = draw(with_it, "white")
    assert drawn.labels["ssim_rainy"] == labels.ssim(drawn.arrays["clean.png"], drawn.arrays["rainy.png"])
    assert 0 < drawn.labels["ssim_rainy"] < 1
    assert set(rows_schema(with_it).names) - set(rows_schema(without).names) == {"ssim_rainy"}
    assert rows_schema(with_it).field("ssim_rainy").metadata[b"description"]


def test_a_label_that_is_off_leaves_the_fingerprint() -> None:
    assert fingerprint(make_recipe()) == fingerprint(make_recipe(samples=", ssim: false"))
    assert fingerprint(make_recipe()) != fingerprint(make_recipe(samples=", ssim: true"))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 128, 7)])
def test_a_colour_of_a_row_reads_back(colour: tuple[int, int, int]) -> None:
    assert parse_colour(_hexadecimal(colour)) == colour
