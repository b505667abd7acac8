"""Composition: integers that are the rounded real numbers, for every composition, light and veil."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rainkit.rain import light
from rainkit.rain.compose import COMPOSITIONS, compose
from rainkit.records import Rain
from rainkit.seeds import Stream

AIR, COLOUR = (200, 180, 90), (255, 240, 30)


def noise(name: str, *shape: int) -> np.ndarray:
    """Return random bytes, with many zeros and full values."""
    values = Stream(5, name).integers(-40, 296, int(np.prod(shape)))
    return np.clip(values, 0, 255).astype(np.uint8).reshape(shape)


def rain(compose: str, shape: tuple[int, int], *, veil: bool, colour: bool, light: str) -> Rain:
    """Return random labels."""
    layer = noise("layer", *shape, 3) if colour and compose != "alpha" else noise("layer", *shape)
    passed = noise("passed", *shape) if veil else None
    return Rain(layer, compose, {}, COLOUR, passed, AIR if veil else None, light=light)


def expected(clean: int, amount: int, passed: int, air: int, colour: int, *, name: str, linear: bool) -> int:
    """Return one value of the composition by its definition, in rational numbers, rounded once."""
    table = light.decoding()
    scale = 65535 if linear else 255
    scene, added, fog, ink = (
        (Fraction(int(table[v]), 65535) if linear else Fraction(v, 255)) for v in (clean, amount, air, colour)
    )
    t, a = Fraction(passed, 255), Fraction(amount, 255)
    behind = t * scene + (1 - t) * fog
    value = {
        "add": behind + added,
        "screen": behind + added - behind * added,
        "alpha": (1 - a) * behind + a * ink,
        "heavy": t * (scene + added) + (1 - t) * fog,
    }[name]
    rounded = int(min(value, Fraction(1)) * scale + Fraction(1, 2))
    return int(light.encoding()[rounded]) if linear else rounded


@pytest.mark.parametrize("light_", ["srgb", "linear"])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("veil", [False, True])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_every_value_is_the_definition_rounded_once(name: str, veil: bool, colour: bool, light_: str) -> None:
    clean, drawn = noise("clean", 23, 29, 3), rain(name, (23, 29), veil=veil, colour=colour, light=light_)
    rainy = compose(clean, drawn)
    layer = drawn.layer if drawn.layer.ndim == 3 else drawn.layer[..., None].repeat(3, 2)
    for y, x, c in np.ndindex(clean.shape):
        passed = 255 if drawn.transmission is None else int(drawn.transmission[y, x])
        values = int(clean[y, x, c]), int(layer[y, x, c]), passed, AIR[c], COLOUR[c]
        assert rainy[y, x, c] == expected(*values, name=name, linear=light_ == "linear"), (values, y, x, c)


@pytest.mark.parametrize("light_", ["srgb", "linear"])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_no_rain_changes_nothing_and_nothing_given_is_written_to(name: str, light_: str) -> None:
    clean = np.arange(256, dtype=np.uint8).repeat(12).reshape(32, 32, 3)
    kept = clean.copy()
    drawn = Rain(
        np.zeros((32, 32), np.uint8),
        name,
        {},
        transmission=np.full((32, 32), 255, np.uint8),
        airlight=AIR,
        light=light_,
    )
    rainy = compose(clean, drawn)
    assert (rainy == kept).all()
    rainy[:] = 7
    assert (clean == kept).all()


def test_a_view_of_a_larger_picture_is_composed_alike() -> None:
    large, drawn = noise("clean", 40, 50, 3), rain("screen", (20, 25), veil=True, colour=False, light="srgb")
    view = large[::2, ::2]
    assert (compose(view, drawn) == compose(view.copy(), drawn)).all()
    drawn = rain("add", (20, 25), veil=True, colour=False, light="linear")
    assert (compose(view, drawn) == compose(view.copy(), drawn)).all()


def test_what_does_not_fit_is_refused() -> None:
    clean, layer = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    for picture, drawn, message in (
        (clean[..., 0], Rain(layer, "add", {}), "clean picture"),
        (clean.astype(np.float32), Rain(layer, "add", {}), "float32"),
        (clean, Rain(layer, "multiply", {}), "multiply"),
        (clean, Rain(layer[:4], "add", {}), "layer"),
        (clean, Rain(clean, "alpha", {}), "alpha"),
        (clean, Rain(layer, "add", {}, transmission=layer), "airlight"),
        (clean, Rain(layer, "add", {}, transmission=layer[:, :4], airlight=AIR), "transmission"),
    ):
        with pytest.raises(ValueError, match=message):
            compose(picture, drawn)


def test_light_tables_are_inverse() -> None:
    decode, encode = light.decoding(), light.encoding()
    assert (encode[decode] == np.arange(256)).all()
    assert (np.diff(encode.astype(int)) >= 0).all()
    guess, first = light.encoding_steps()
    values = np.arange(65536)
    near = guess[values >> 4].astype(np.int64)
    assert (near + (values >= first[near + 1]) == encode).all()


def test_light_tables_are_far_from_rounding_boundaries() -> None:
    exact = [(i / 255 / 12.92 if i <= 10 else ((i / 255 + 0.055) / 1.055) ** 2.4) * 65535 for i in range(256)]
    assert min(abs(value - np.floor(value) - 0.5) for value in exact) > 1e-6
    edges = [
        (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4) * 65535 for v in (np.arange(255) + 0.5) / 255
    ]
    assert min(abs(value - round(value)) for value in edges) > 1e-6


def test_tint_multiplies_light() -> None:
    layer = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert light.tint(layer, (255, 255, 255)) is layer
    tinted = light.tint(layer, (255, 128, 0))
    assert (tinted[..., 0] == layer).all()
    assert tinted[15, 15].tolist() == [255, 128, 0]
    assert not tinted[..., 2].any()
    linear = light.tint(layer, (255, 128, 0), "linear")
    assert linear[15, 15].tolist() == [255, 128, 0]
    assert abs(linear[8, 8, 1].astype(int) - 136 * 128 / 255) < 4  # a product of sRGB powers is nearly the power of it
