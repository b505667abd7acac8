"""What every instrument promises, whatever it measures."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from rainkit.complexity import (
    ESTIMATORS,
    INGREDIENTS,
    INSTRUMENTS,
    Instrument,
    measure,
    measure_patches,
    native_view,
    patch_grid,
)
from rainkit.complexity.instrument import STEP

from .pictures import DEGENERATE, draw_noise, draw_scene

KINDS = sorted(INSTRUMENTS)


@pytest.fixture(params=KINDS)
def instrument(request: pytest.FixtureRequest) -> Instrument:
    return INSTRUMENTS[request.param]()


def test_the_table_names_each_kind() -> None:
    assert all(INSTRUMENTS[kind]().kind == kind for kind in KINDS)
    assert not set(ESTIMATORS) & set(INGREDIENTS)


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_pictures_have_values_in_range(name: str) -> None:
    values = measure(DEGENERATE[name], [INSTRUMENTS[kind]() for kind in KINDS])
    for kind, value in values.items():
        low, high = INSTRUMENTS[kind].span
        assert math.isfinite(value), kind
        assert low <= value <= high, kind
        assert math.copysign(1.0, value) > 0 or kind == "spectral_slope", kind


def test_a_constant_picture_is_the_simplest(instrument: Instrument) -> None:
    constant, scene = np.full((256, 256, 3), 90, np.uint8), draw_scene()
    plain = instrument(native_view(constant).plane(instrument.view))
    assert plain < instrument(native_view(scene).plane(instrument.view))


def test_a_patch_has_the_value_of_the_same_pixels_cut_out(instrument: Instrument) -> None:
    pixels = draw_scene()
    rects = np.array([[0, 0, 128, 128], [37, 21, 64, 96], [200, 200, 56, 56], [9, 9, 5, 3]], np.int32)
    together = instrument.many(native_view(pixels).plane(instrument.view), rects)
    for value, (x, y, w, h) in zip(together, rects.tolist(), strict=True):
        cut = pixels[y : y + h, x : x + w].copy()
        assert instrument(native_view(cut).plane(instrument.view)) == value


def test_patches_do_not_depend_on_their_order_or_company(instrument: Instrument) -> None:
    view = native_view(draw_scene()).plane(instrument.view)
    rects = patch_grid(256, 256, 64, 32)
    values = instrument.many(view, rects)
    assert np.array_equal(instrument.many(view, rects[::-1].copy()), values[::-1])
    assert np.array_equal(instrument.many(view, rects[5:6]), values[5:6])
    assert instrument.many(view, rects[:0]).shape == (0,)


def test_the_view_is_left_alone_and_may_be_a_slice(instrument: Instrument) -> None:
    wide = draw_noise(80, 140)
    view = native_view(wide).plane(instrument.view)
    kept = view.copy()
    sliced = instrument(view[::2, ::2])
    assert np.array_equal(view, kept)
    assert sliced == instrument(view[::2, ::2].copy())


def test_values_are_quantised(instrument: Instrument) -> None:
    value = instrument(native_view(draw_scene()).plane(instrument.view))
    assert value == round(value * STEP) / STEP


def test_instruments_pickle_and_are_frozen(instrument: Instrument) -> None:
    assert pickle.loads(pickle.dumps(instrument)) == instrument
    with pytest.raises(ValueError, match="frozen"):
        instrument.kind = "other"


def test_the_docstring_says_unit_and_weakness(instrument: Instrument) -> None:
    text = type(instrument).__doc__ or ""
    assert "Unit" in text or instrument.kind == "jpeg_ratio_colour"
    assert len(text) > 200
    assert instrument.id == f"{instrument.kind}@{instrument.view}-256/{instrument.version}"
    assert instrument.identify("patch").endswith(f"@{instrument.view}-native/{instrument.version}")


@pytest.mark.parametrize(
    ("view", "rects", "words"),
    [
        (np.zeros((8, 8), np.float32), [[0, 0, 8, 8]], "wants uint8 luma"),
        (np.zeros((8, 8, 3), np.uint8), [[0, 0, 8, 8]], "wants uint8 luma"),
        (np.zeros((0, 8), np.uint8), [[0, 0, 8, 8]], "wants uint8 luma"),
        (np.zeros((8, 8), np.uint8), [[1, 0, 8, 8]], "leaves the view"),
        (np.zeros((8, 8), np.uint8), [[0, 0, 0, 8]], "or is empty"),
        (np.zeros((8, 8), np.uint8), [[-1, 0, 4, 4]], "leaves the view"),
        (np.zeros((8, 8), np.uint8), [[0, 0, 8]], "N x 4"),
    ],
)
def test_wrong_views_and_rectangles_are_refused(view: np.ndarray, rects: list[list[int]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ESTIMATORS["gradient_entropy"]().many(view, np.array(rects, np.int32))


def test_measure_and_measure_patches_name_columns_by_kind() -> None:
    instruments = [ESTIMATORS["colour_count"](), ESTIMATORS["jpeg_ratio"]()]
    scene = draw_scene()
    assert list(measure(scene, instruments)) == ["colour_count", "jpeg_ratio"]
    columns = measure_patches(scene, instruments, patch_grid(256, 256, 128))
    assert {kind: values.shape for kind, values in columns.items()} == {"colour_count": (4,), "jpeg_ratio": (4,)}
