"""RandomRain as a simulator, and simulators as transforms; needs the extra `albumentations`."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from rainkit.errors import RecipeError
from rainkit.rain import albumentations as adapter
from rainkit.rain.albumentations import RandomRain, make_transform
from rainkit.rain.compose import compose
from rainkit.rain.particles import Particles
from rainkit.records import Pixels
from rainkit.seeds import Stream


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    return pytest.importorskip("albumentations")


def picture(top: int = 256) -> Pixels:
    return Stream(5).integers(0, top, 120 * 150 * 3).astype(np.uint8).reshape(120, 150, 3)


@pytest.mark.parametrize(("brightness", "off"), [(1.0, 0), (0.7, 1)])
@pytest.mark.parametrize("colour", [(200, 200, 200), (180, 200, 220)])
def test_rainy_is_what_the_library_makes(
    library: object, brightness: float, off: int, colour: tuple[int, int, int]
) -> None:
    rain = RandomRain(brightness=brightness, drop_colour=colour)
    drawn = rain((120, 150), Stream(1))
    slant = float(drawn.parameters["slant_px"])
    theirs = library.RandomRain(  # type: ignore[attr-defined]
        slant_range=(slant, slant), drop_color=colour, brightness_coefficient=brightness, rain_type="heavy", p=1
    )
    theirs.set_random_state(Stream(1).child("drops").generator(), random.Random(0))
    clean = picture(40)  # nowhere clipped: RandomRain clips before it darkens
    rainy = compose(clean, drawn)
    assert np.abs(theirs(image=clean)["image"].astype(int) - rainy).max() <= off
    assert (rainy != clean).any()


def test_counts_follow_the_type_and_keys_do_not_change(library: object) -> None:
    types = {"drizzle": 30, "default": 40, "heavy": 120, "torrential": 240}
    drawn = {name: RandomRain(rain_type=name)((120, 150), Stream(1)) for name in types}
    assert {name: rain.parameters["drops"] for name, rain in drawn.items()} == types
    assert len({tuple(rain.parameters) for rain in drawn.values()}) == 1
    assert drawn["heavy"].transmission is not None
    assert set(np.unique(drawn["heavy"].transmission)) == {178}


def test_drops_longer_than_the_picture_are_refused(library: object) -> None:
    with pytest.raises(ValueError, match="need a higher picture"):
        RandomRain(drop_length=64)((64, 64), Stream(1))


def test_transform_rains_on_the_image_alone(library: object) -> None:
    clean = picture()
    pipeline = library.Compose(  # type: ignore[attr-defined]
        [make_transform(Particles(rain_rate_mm_h=50), p=1)], seed=3, additional_targets={"clean": "mask"}
    )
    kept = clean.copy()
    result = pipeline(image=clean, clean=clean)
    assert (clean == kept).all()
    assert (result["clean"] == clean).all()
    assert (result["image"] != clean).mean() > 0.05
    again = library.Compose([make_transform(Particles(rain_rate_mm_h=50), p=1)], seed=3)  # type: ignore[attr-defined]
    assert (again(image=clean)["image"] == result["image"]).all()
    assert (again(image=clean)["image"] != result["image"]).any()


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RecipeError, match=r"pip install 'rainkit\[albumentations\]'"):
        RandomRain()((64, 64), Stream(1))


def test_importing_rainkit_does_not_import_the_package() -> None:
    import subprocess

    code = "import sys, rainkit.rain; sys.exit('albumentations' in sys.modules or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
