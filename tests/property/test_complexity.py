"""Properties of the instrument that hold for any picture."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.complexity import (
    COMPOSITES,
    INSTRUMENTS,
    canonical_view,
    composite,
    measure,
    measure_guards,
    measure_patches,
    native_view,
    patch_grid,
    structural_scales,
)
from rainkit.records import Pixels
from rainkit.seeds import Stream

EVERYTHING = [instrument() for instrument in INSTRUMENTS.values()]


@st.composite
def pictures(draw: st.DrawFn, smallest: int = 1, largest: int = 80) -> Pixels:
    height, width = draw(st.integers(smallest, largest)), draw(st.integers(smallest, largest))
    rng = Stream(draw(st.integers(0, 2**32)), "picture")
    low = draw(st.integers(0, 255))
    high = draw(st.integers(low, 255))
    cell = draw(st.integers(1, 9))
    values = rng.integers(low, high + 1, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    return np.ascontiguousarray(values.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width])


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_every_value_is_finite_in_range_and_repeatable(pixels: Pixels) -> None:
    values = measure(pixels, EVERYTHING)
    for instrument in EVERYTHING:
        low, high = instrument.span
        assert math.isfinite(values[instrument.kind])
        assert low <= values[instrument.kind] <= high
    assert values == measure(pixels.copy(), EVERYTHING)
    assert all(math.isfinite(value) for value in measure_guards(pixels).values())


@settings(max_examples=30, deadline=None)
@given(pictures(smallest=20), st.data())
def test_a_patch_is_worth_its_own_pixels(pixels: Pixels, data: st.DataObject) -> None:
    height, width = pixels.shape[:2]
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    columns = measure_patches(pixels, EVERYTHING, np.array([[x, y, w, h]], np.int32))
    cut = native_view(pixels[y : y + h, x : x + w])
    for instrument in EVERYTHING:
        assert columns[instrument.kind][0] == instrument(cut.plane(instrument.view))


@settings(max_examples=40, deadline=None)
@given(pictures(smallest=16))
def test_histogram_estimators_do_not_see_mirrors(pixels: Pixels) -> None:
    kinds = ("gradient_entropy", "delentropy", "grey_entropy", "spatial_information", "colour_count", "rms_contrast")
    instruments = [INSTRUMENTS[kind]() for kind in kinds]
    assert measure(pixels, instruments) == measure(pixels[::-1], instruments)


@settings(max_examples=40, deadline=None)
@given(pictures(smallest=16), st.integers(1, 4))
def test_structure_over_all_scales_is_half_the_variance(pixels: Pixels, scales: int) -> None:
    plane, side = native_view(pixels).luma, 1 << scales
    used = plane[: len(plane) // side * side, : plane.shape[1] // side * side].astype(np.float64)
    parts = structural_scales(plane, scales=scales)[0]
    assert (parts >= -1e-9).all()
    assert math.isclose(parts.sum(), used.var() / 2, rel_tol=1e-9, abs_tol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-10, 5000), min_size=1, max_size=30), st.sampled_from(sorted(COMPOSITES)))
def test_a_composite_never_falls_when_a_member_rises(values: list[float], name: str) -> None:
    weights = COMPOSITES[name]
    ordered = np.array(sorted(values))
    for member in weights:
        columns = {kind: ordered if kind == member else np.full(len(ordered), 2.0) for kind in weights}
        score, spread = composite(columns, weights)
        assert (np.diff(score) >= 0).all()
        assert ((score >= 0) & (score <= 1) & (spread >= 0) & (spread <= 0.5)).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 200), st.integers(1, 200))
def test_the_grid_covers_all_that_a_stride_allows(height: int, width: int, size: int, stride: int) -> None:
    grid = patch_grid(height, width, size, stride)
    expected = max(0, (height - size) // stride + 1) * max(0, (width - size) // stride + 1)
    assert len(grid) == (expected if height >= size and width >= size else 0)
    if len(grid):
        assert (grid[:, 0] + size <= width).all()
        assert (grid[:, 1] + size <= height).all()
        assert len(np.unique(grid[:, :2], axis=0)) == len(grid)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1200), st.integers(1, 1200), st.integers(0, 255))
def test_the_view_keeps_a_constant_picture_and_its_area(height: int, width: int, level: int) -> None:
    view = canonical_view(np.full((height, width, 3), level, np.uint8))
    assert view.small == (height * width < 256 * 256)
    assert (view.rgb == level).all()
    assert view.luma.size <= max(256 * 256 * 1.5, 1)
