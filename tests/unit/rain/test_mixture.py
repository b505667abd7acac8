"""Choices and sums of simulators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.rain import labels
from rainkit.rain.compose import compose
from rainkit.rain.mixture import Mixture
from rainkit.seeds import Stream

SHAPE = (72, 96)


def parts(*kinds: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"p{n}", "rain": {"kind": kind, **fields}} for n, kind in enumerate(kinds)]


def test_choice_follows_the_weights() -> None:
    members = parts("streaks", "particles", "noise_blur")
    for part, weight in zip(members, (1, 3, 0), strict=True):
        part["weight"] = weight
    rain = Mixture(parts=members)
    names = [str(rain(SHAPE, Stream(seed)).parameters["part"]) for seed in range(120)]
    assert "p2" not in names
    assert names.count("p1") == pytest.approx(90, abs=20)


def test_every_draw_has_the_same_keys_and_types() -> None:
    rain = Mixture(parts=parts("streaks", "particles", "layer_bank"))
    drawn = [rain(SHAPE, Stream(seed)).parameters for seed in range(12)]
    assert len({str(p["part"]) for p in drawn}) == 3
    assert len({tuple((key, type(value)) for key, value in p.items()) for p in drawn}) == 1


def test_a_chosen_part_draws_what_it_draws_alone() -> None:
    rain = Mixture(parts=parts("particles"))
    alone = rain.parts[0].rain(SHAPE, Stream(4).child("rain", "p0"))
    drawn = rain(SHAPE, Stream(4))
    assert (drawn.layer == alone.layer).all()
    assert drawn.parameters["p0_streaks"] == alone.parameters["streaks"]


def test_a_sum_of_vectors_is_redrawn_from_them() -> None:
    rain = Mixture(mode="sum", parts=parts("streaks", "particles", compose="screen", light="linear"))
    drawn = rain(SHAPE, Stream(1))
    alone = [part.rain(SHAPE, Stream(1).child("rain", part.name)) for part in rain.parts]
    assert drawn.streaks is not None
    assert len(drawn.streaks) == sum(len(r.streaks) for r in alone if r.streaks is not None)
    assert (labels.redraw(drawn) == drawn.layer).all()
    assert (drawn.layer >= np.maximum(alone[0].layer, alone[1].layer)).all()


@pytest.mark.parametrize("light", ["srgb", "linear"])
@pytest.mark.parametrize("composition", ["add", "screen", "alpha", "heavy"])
def test_a_sum_of_layers_is_one_after_the_other(composition: str, light: str) -> None:
    rain = Mixture(mode="sum", parts=parts("noise_blur", "particles", compose=composition, light=light))
    drawn = rain(SHAPE, Stream(1))
    alone = [part.rain(SHAPE, Stream(1).child("rain", part.name)) for part in rain.parts]
    clean = Stream(2).integers(0, 200, SHAPE[0] * SHAPE[1] * 3).astype(np.uint8).reshape(*SHAPE, 3)
    twice = compose(compose(clean, alone[0]), alone[1]).astype(int)
    difference = np.abs(compose(clean, drawn) - twice)
    assert difference.max() <= (6 if light == "linear" else 2)  # one rounding instead of two, coarse where it is dark
    assert drawn.streaks is None


def test_the_veil_of_a_part_stays() -> None:
    members = parts("streaks", "particles", compose="screen", light="linear")
    members[1]["rain"]["veil"] = {}
    drawn = Mixture(mode="sum", parts=members)(SHAPE, Stream(1))
    assert drawn.transmission is not None
    assert "p1_veil_beta_per_km" in drawn.parameters


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"parts": parts("streaks", "streaks") + parts("streaks")}, "a name of its own"),
        ({"parts": [{"name": "a", "weight": 0, "rain": {"kind": "streaks"}}]}, "weight is above 0"),
        ({"mode": "sum", "parts": parts("streaks", "particles")}, "must agree in compose"),
        ({"mode": "sum", "parts": parts("streaks", "albumentations")}, "cannot hold albumentations"),
        ({"mode": "sum", "parts": parts("streaks", "noise_blur", veil={})}, "only one part of a sum can have a veil"),
        ({"parts": []}, "at least 1 item"),
        ({"parts": [{"name": "a", "rain": {"kind": "mixture"}}]}, "does not match any of the expected tags"),
    ],
)
def test_what_cannot_be_mixed_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Mixture(**fields)
