"""The raster: what a vector says is what is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rainkit.rain import raster
from rainkit.rain.raster import DEGREE, ONE, STREAK_COLUMNS
from rainkit.seeds import Stream


def streak(x0: float, y0: float, x1: float, y1: float, width: float, **fields: float) -> np.ndarray:
    """Return one vector; positions, width and softness in px, opacity, tail and head as shares."""
    row = raster.new_streaks(1)
    units = {"softness": ONE, "opacity": 65535, "tail": ONE, "head": ONE}
    row[0, :5] = [round(value * ONE) for value in (x0, y0, x1, y1, width)]
    for name, value in {"opacity": 0.5, **fields}.items():
        row[0, raster.column(name)] = round(value * units[name])
    return row


def many(count: int, size: int = 200, seed: int = 3) -> np.ndarray:
    """Return streaks of every direction, some of them partly or wholly outside."""
    rng = Stream(seed, "many")
    ends = rng.integers(-60 * ONE, (size + 60) * ONE, 2 * count).reshape(count, 2)
    rows = raster.new_streaks(count)
    rows[:, 0:2] = ends
    rows[:, 2:4] = ends + rng.integers(-50 * ONE, 50 * ONE, 2 * count).reshape(count, 2)
    rows[:, 4] = rng.integers(0, 6 * ONE, count)
    rows[:, 5] = rng.integers(0, 4 * ONE, count)
    rows[:, 6] = rng.integers(0, 40000, count)
    rows[:, 7:9] = rng.integers(0, ONE, 2 * count).reshape(count, 2)
    return rows


@pytest.mark.parametrize("angle", range(0, 360, 15))
@pytest.mark.parametrize(("width", "softness"), [(0.4, 0.0), (1.0, 0.0), (2.5, 0.7), (1.5, 4.0), (6.0, 2.0)])
def test_light_is_that_of_the_swept_area(angle: int, width: float, softness: float) -> None:
    length = 40.0
    dx, dy = length * math.sin(math.radians(angle)) / 2, length * math.cos(math.radians(angle)) / 2
    vectors = streak(50.3 - dx, 49.6 - dy, 50.3 + dx, 49.6 + dy, width, softness=softness, opacity=0.9)
    light = raster.accumulate((100, 100), vectors).astype(np.int64).sum() / 65535
    assert light == pytest.approx(0.9 * width * (length + width), rel=0.03)


@pytest.mark.parametrize("angle", [0, 20, 45, 80, 135, 250])
def test_streak_lies_where_its_vector_says(angle: int) -> None:
    dx, dy = 30 * math.sin(math.radians(angle)), 30 * math.cos(math.radians(angle))
    light = raster.accumulate((120, 120), streak(60.25, 59.5, 60.25 + dx, 59.5 + dy, 2)).astype(float)
    rows, columns = np.mgrid[:120, :120]
    x, y = (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()
    assert (x, y) == (pytest.approx(60.25 + dx / 2, abs=0.05), pytest.approx(59.5 + dy / 2, abs=0.05))
    moments = [(light * a * b).sum() / light.sum() for a, b in ((columns - x, columns - x), (columns - x, rows - y))]
    total = (light * ((columns - x) ** 2 + (rows - y) ** 2)).sum() / light.sum()
    slant = math.degrees(0.5 * math.atan2(2 * moments[1], 2 * moments[0] - total))
    assert math.cos(2 * math.radians(slant - (90 - angle))) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("angle", [0, 3, 17, 30, 45, 52, 71, 90])
@pytest.mark.parametrize(("width", "softness"), [(0.4, 0), (1, 0), (1.5, 0.7), (2.5, 1.2)])
def test_light_does_not_depend_on_where_between_pixels_a_streak_lies(angle: int, width: float, softness: float) -> None:
    dx, dy = 35 * math.sin(math.radians(angle)), 35 * math.cos(math.radians(angle))
    sums = []
    for shift in np.arange(0, 1, 1 / 16):
        x, y = 50 + shift * math.cos(math.radians(angle)), 50 - shift * math.sin(math.radians(angle))
        vectors = streak(x - dx, y - dy, x + dx, y + dy, width, softness=softness, opacity=0.9)
        layer = raster.accumulate((100, 100), vectors).astype(np.int64)
        middle = (
            layer[40:60].sum(axis=1) if angle <= 45 else layer[:, 40:60].sum(axis=0)
        )  # rows, or columns, it crosses
        sums.append(middle)
    assert np.ptp(np.stack(sums)) / np.mean(sums) < 0.13


def test_frame_is_a_window() -> None:
    vectors = many(300)
    whole = raster.draw_streaks((200, 200), vectors)
    moved = vectors.copy()
    moved[:, [0, 2]] -= 37 * ONE
    moved[:, [1, 3]] -= 51 * ONE
    assert whole.any()
    assert (raster.draw_streaks((90, 70), moved) == whole[51:141, 37:107]).all()


def test_order_does_not_matter_even_where_the_sum_saturates() -> None:
    vectors = many(3000)
    first = raster.accumulate((200, 200), vectors)
    assert (first == 65535).any()
    assert (first == raster.accumulate((200, 200), vectors[Stream(1).permutation(3000)])).all()


def test_overlap_adds_up() -> None:
    one, other = streak(8, 2, 8, 28, 3, opacity=0.25), streak(2, 15, 28, 15, 3, opacity=0.5)
    both = raster.accumulate((30, 30), np.concatenate([one, other])).astype(int)
    parts = [raster.accumulate((30, 30), part).astype(int) for part in (one, other)]
    assert (both == parts[0] + parts[1]).all()


def test_tapers_fade_their_own_end() -> None:
    plain = raster.accumulate((60, 20), streak(10, 10, 10, 50, 4)).astype(int)[:, 10]
    tailed = raster.accumulate((60, 20), streak(10, 10, 10, 50, 4, tail=0.5)).astype(int)[:, 10]
    headed = raster.accumulate((60, 20), streak(10, 10, 10, 50, 4, head=0.5)).astype(int)[:, 10]
    assert tailed[15] < plain[15] / 2
    assert tailed[45] == plain[45]
    assert np.abs(headed[1:] - tailed[:0:-1]).max() <= 64  # of 65535: mirrored in the middle, row 30
    assert (np.diff(tailed[8:30]) >= 0).all()


def test_nothing_is_drawn_without_width_or_opacity() -> None:
    assert not raster.draw_streaks((20, 20), streak(10, 2, 10, 18, 0)).any()
    assert not raster.draw_streaks((20, 20), streak(10, 2, 10, 18, 2, opacity=0)).any()
    assert not raster.draw_streaks((20, 20), raster.new_streaks(0)).any()


def test_a_drop_at_rest_is_a_spot() -> None:
    spot = raster.accumulate((40, 40), streak(20, 20, 20, 20, 8, opacity=1)).astype(float)
    middle = spot[1:, 1:]
    assert np.abs(middle - middle[::-1]).max() <= 64
    assert np.abs(middle - middle[:, ::-1]).max() <= 64
    assert np.abs(middle - middle.T).max() <= 64
    assert spot.sum() / 65535 == pytest.approx(64, rel=0.03)
    assert spot[20, 20] == 65535


def test_linear_light_is_coded() -> None:
    vectors = streak(20, 2, 20, 38, 6, opacity=0.2140)
    assert raster.draw_streaks((40, 40), vectors)[20, 20] == 55
    assert raster.draw_streaks((40, 40), vectors, "linear")[20, 20] == 127


def test_directions_are_a_table_of_the_whole_turn() -> None:
    right, down = raster.fall(np.array([0, 90, 180, -90, 30]) * DEGREE)
    assert right.tolist() == [0, 65536, 0, -65536, 32768]
    assert down.tolist() == [65536, 0, -65536, 0, 56756]


def test_vectors_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="STREAK_COLUMNS"):
        raster.draw_streaks((8, 8), np.zeros((3, 4), np.int32))
    with pytest.raises(ValueError, match="int64"):
        raster.draw_streaks((8, 8), np.zeros((3, len(STREAK_COLUMNS)), np.int64))
    far = streak(8, 2, 8, 6, 2)
    far[0, 1] = -(1 << 23)
    with pytest.raises(ValueError, match="32768 px"):
        raster.draw_streaks((8, 8), far)
