"""Physical rain against the physics that it is drawn from."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from rainkit.rain import labels, physics, raster
from rainkit.rain.camera import Camera
from rainkit.rain.compose import compose
from rainkit.rain.particles import Particles
from rainkit.rain.physics import DropSizes
from rainkit.rain.presets import PRESETS
from rainkit.seeds import Stream

SQUARE = Camera(field_of_view=90, frame=None)  # 2 x 2 in the plane at distance 1
CALM = {"wind": 0.0, "turbulence": 0.0, "exposure_ms": 10.0}


def drops(rain: Particles, shape: tuple[int, int], seed: int) -> dict[str, NDArray[np.float64]]:
    """Return the columns of the streaks, in px, m and mm."""
    rng = Stream(seed, "test")
    vectors = rain.draw_streaks(shape, rng, rain.draw_scene(rng.child("scene"))).astype(np.float64)
    table = {name: vectors[:, raster.column(name)] / 256 for name in ("x0", "y0", "x1", "y1", "width", "softness")}
    table |= {name: vectors[:, raster.column(name)] / 1000 for name in ("depth", "diameter")}
    return table


def begins_inside(table: dict[str, NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    x, y = table["x0"], table["y0"]
    return (x > -0.5) & (x < shape[1] - 0.5) & (y > -0.5) & (y < shape[0] - 0.5)


@pytest.mark.parametrize("rate", [10, 50, 100])
@pytest.mark.parametrize("sizes", [DropSizes(), DropSizes(kind="gamma", shape=3.0)], ids=["marshall_palmer", "gamma"])
def test_drops_per_cubic_metre_rate_and_extinction(rate: int, sizes: DropSizes) -> None:
    rain = Particles(
        rain_rate_mm_h=rate, drop_sizes=sizes, camera=SQUARE, smallest=0.5, largest=50, near=0.15, wind=3.0
    )
    shape, seeds = (400, 400), 5
    far = {0.5: 1.0, 1.0: 2.0}  # where a drop of that diameter is still 0.5 mrad wide
    for diameter, limit in far.items():
        volume = 4 * (limit**3 - 0.15**3) / 3 * seeds
        counts = rates = extinctions = 0.0
        for seed in range(seeds):
            table = drops(rain, shape, seed)
            chosen = begins_inside(table, shape) & (table["depth"] <= limit) & (table["diameter"] >= diameter)
            found = table["diameter"][chosen]
            counts += len(found)
            rates += sum(d**3 * physics.fall_speed(d) for d in found.tolist())
            extinctions += float((found**2).sum())
        expected = sizes.drops_above(rate, diameter)
        assert counts / volume == pytest.approx(expected, abs=4 * math.sqrt(expected / volume))
        weight = sizes.integrate(rate, lambda d: d**3 * physics.fall_speed(d), diameter)
        assert rates / volume == pytest.approx(weight, rel=0.12)
        area = sizes.integrate(rate, lambda d: d * d, diameter)
        assert extinctions / volume == pytest.approx(area, rel=0.08)


def test_density_per_solid_angle_does_not_depend_on_resolution() -> None:
    rain = Particles(rain_rate_mm_h=25, wind=2.0)
    small, large = (drops(rain, shape, 1) for shape in ((360, 640), (1080, 1920)))
    assert len(small["depth"]) == pytest.approx(len(large["depth"]), rel=0.01)
    # The very same drops: those that begin well inside the view are equal one by one.
    inside = [
        (np.abs(table["x0"] / width - 0.5) < 0.45) & (np.abs(table["y0"] / height - 0.5) < 0.45)
        for table, (height, width) in ((small, (360, 640)), (large, (1080, 1920)))
    ]
    assert abs(int(inside[0].sum()) - int(inside[1].sum())) <= 4
    depths = [np.sort(table["depth"][chosen]) for table, chosen in zip((small, large), inside, strict=True)]
    shared = np.intersect1d(depths[0], depths[1])
    assert len(shared) > 0.97 * len(np.unique(depths[0]))


def test_a_patch_shows_its_share_of_a_frame() -> None:
    rain = Particles(rain_rate_mm_h=50, camera={"frame": 640})
    patches = np.mean([begins_inside(drops(rain, (128, 128), s), (128, 128)).sum() for s in range(20)])
    frames = np.mean([begins_inside(drops(rain, (640, 640), s), (640, 640)).sum() for s in range(3)])
    assert patches == pytest.approx(frames / 25, rel=0.1)


def test_coverage_grows_with_the_rain_rate() -> None:
    shares = []
    for rate in (1, 3, 10, 25, 50, 100, 200):
        rain = Particles(rain_rate_mm_h=rate, wind=1.0, exposure_ms=12.0)
        shares.append(np.mean([labels.coverage(rain((256, 384), Stream(seed)).layer) for seed in range(3)]))
    assert (np.diff(shares) > 0).all(), shares
    assert shares[0] < 0.1
    assert shares[-1] > 0.6


@pytest.mark.parametrize("rate", [5, 50])
def test_light_of_the_layer_is_the_hidden_share_times_the_gain(rate: int) -> None:
    rain = Particles(
        **CALM, rain_rate_mm_h=rate, taper=(0.0, 0.0), glitter=0.0, ceiling=1.0, camera={"f_number": 64.0}, near=0.05
    )
    scene = rain.draw_scene(Stream(0).child("scene"))
    hidden = np.mean(
        [
            raster.accumulate((480, 640), rain.draw_streaks((480, 640), Stream(seed), scene)).mean() / 65535
            for seed in range(8)
        ]
    )
    # Drops wider than `largest` are left out: they are (smallest / largest) of the whole.
    seen = rain.drop_sizes.cover(rate, 1 / rain.smallest) - rain.drop_sizes.cover(rate, 1 / rain.largest)
    assert hidden == pytest.approx(scene.gain * seen, rel=0.12)


def test_gain_falls_so_that_rain_hides_no_more_than_its_cover() -> None:
    gains = [Particles(rain_rate_mm_h=rate).draw_scene(Stream(1)).gain for rate in (0.1, 10, 100, 300)]
    assert (np.diff(gains) < 0).all()
    assert gains[0] == pytest.approx(30, rel=0.02)
    for rate, gain in zip((0.1, 10, 100, 300), gains, strict=True):
        assert gain * DropSizes().cover(rate, 1.0) < 0.15


def test_streaks_are_as_long_wide_and_blurred_as_the_camera_says() -> None:
    rain = Particles(**CALM, rain_rate_mm_h=30, camera={"f_number": 2.0, "focus": 4.0})
    shape = (480, 640)
    view = rain.camera.view(shape)
    table = drops(rain, shape, 3)
    speeds = np.array([physics.fall_speed(d) for d in table["diameter"].tolist()])
    length = view.focal_px * speeds * 0.010 / table["depth"]
    assert np.abs(table["x1"] - table["x0"]).max() == 0
    assert table["y1"] - table["y0"] == pytest.approx(length, rel=0.01, abs=0.02)
    assert table["width"] == pytest.approx(
        view.focal_px * table["diameter"] * 1e-3 / table["depth"], rel=0.01, abs=0.01
    )
    blur = np.array([view.blur(z) for z in table["depth"].tolist()]) / 2
    assert table["softness"] == pytest.approx(blur, rel=0.01, abs=0.05)
    angles = table["diameter"] / table["depth"]
    assert angles.min() >= rain.smallest * 0.98
    assert angles.max() <= rain.largest * 1.02
    assert table["depth"].min() >= rain.near


def test_rain_reaches_every_edge_alike() -> None:
    rain = Particles(rain_rate_mm_h=200, wind=8.0, exposure_ms=25.0, taper=(0.0, 0.0))
    light = sum(
        raster.accumulate(
            (200, 300), rain.draw_streaks((200, 300), Stream(seed), rain.draw_scene(Stream(seed)))
        ).astype(np.float64)
        for seed in range(12)
    )
    mean = np.mean(light)
    edges = {"top": light[:20], "bottom": light[-20:], "left": light[:, :20], "right": light[:, -20:]}
    assert {name: edge.mean() / mean for name, edge in edges.items()} == pytest.approx(
        dict.fromkeys(edges, 1.0), abs=0.1
    )


def test_wind_slants_small_drops_more() -> None:
    rain = Particles(rain_rate_mm_h=30, wind=4.0, turbulence=0.0, exposure_ms=10.0)
    table = drops(rain, (480, 640), 2)
    slopes = (table["x1"] - table["x0"]) / (table["y1"] - table["y0"])
    speeds = np.array([physics.fall_speed(d) for d in table["diameter"].tolist()])
    assert slopes == pytest.approx(4.0 / speeds, rel=0.02, abs=0.02)


@pytest.mark.parametrize("pitch", [25.0, -25.0])
def test_a_tilted_camera_sees_streaks_point_at_the_zenith_or_nadir(pitch: float) -> None:
    rain = Particles(**CALM, rain_rate_mm_h=40, camera={"pitch": pitch})
    shape = (480, 640)
    focal = rain.camera.view(shape).focal_px
    table = drops(rain, shape, 4)
    to_x, to_y = 319.5, 239.5 - focal / math.tan(math.radians(pitch))
    dx, dy = table["x1"] - table["x0"], table["y1"] - table["y0"]
    long = np.hypot(dx, dy) > 10
    miss = np.abs(dx * (to_y - table["y0"]) - dy * (to_x - table["x0"])) / np.hypot(dx, dy)
    assert long.sum() > 50
    assert miss[long].max() < 0.02 * focal / math.tan(math.radians(25))
    assert np.ptp(np.degrees(np.arctan2(dx, dy))[long]) > 10


def test_labels_reproduce_the_picture() -> None:
    for compositions in ({}, {"compose": "add"}, {"compose": "alpha"}, {"light": "srgb", "compose": "screen"}):
        rain = Particles(rain_rate_mm_h=30, veil={}, colour=(220, 230, 255), **compositions)
        drawn = rain((97, 131), Stream(9))
        assert (labels.redraw(drawn) == drawn.layer).all()
        clean = Stream(2).integers(0, 256, 97 * 131 * 3).astype(np.uint8).reshape(97, 131, 3)
        assert (compose(clean, drawn) == compose(clean, rain((97, 131), Stream(9)))).all()
        assert drawn.transmission is not None


def test_veil_follows_from_the_rain_rate() -> None:
    drawn = Particles(rain_rate_mm_h=20, veil={})((64, 64), Stream(1))
    assert drawn.parameters["veil_beta_per_km"] == pytest.approx(0.312 * 20**0.67, rel=1e-4)


@pytest.mark.parametrize("shape", [(16, 16), (17, 300), (301, 18), (1, 1)])
def test_any_shape(shape: tuple[int, int]) -> None:
    drawn = Particles(rain_rate_mm_h=100)(shape, Stream(1))
    assert drawn.layer.shape == shape
    assert drawn.layer.dtype == np.uint8


def test_more_drops_than_memory_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="raise smallest"):
        Particles(rain_rate_mm_h=100, smallest=0.03)((256, 256), Stream(1))


@pytest.mark.parametrize(
    "fields",
    [
        {"exposure_ms": 200, "wind": 30.0, "rain_rate_mm_h": 300},
        {"camera": {"pitch": 60, "field_of_view": 140}},
        {"camera": {"pitch": -60, "field_of_view": 2}, "exposure_ms": 0.05},
        {"near": 0.011, "largest": 50, "camera": {"f_number": 0.7, "focus": 0.5}},
    ],
)
def test_extremes_are_drawn(fields: dict[str, object]) -> None:
    drawn = Particles(**fields)((120, 160), Stream(1))
    assert (labels.redraw(drawn) == drawn.layer).all()


def test_the_same_keys_for_every_draw_and_another_rain_for_another_seed() -> None:
    rain = Particles()
    first, second = (rain((64, 96), Stream(seed)) for seed in (1, 2))
    assert first.parameters.keys() == second.parameters.keys()
    assert (first.layer != second.layer).any()
    assert (first.layer == rain((64, 96), Stream(1)).layer).all()


def test_own_presets_go_from_drizzle_to_storm() -> None:
    names = ("drizzle", "shower", "downpour", "storm")
    rates = [Particles(preset=name).rain_rate_mm_h for name in names]
    assert all(PRESETS[name].confidence == "own" for name in names)
    assert all(low.high < high.low for low, high in itertools.pairwise(rates))
    shares = [labels.coverage(Particles(preset=name)((240, 320), Stream(1)).layer) for name in names]
    assert (np.diff(shares) > 0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"smallest": 2.0, "largest": 1.0}, "must be above smallest"),
        ({"rain_rate_mm_h": 0}, "between 0.05 and 300"),
        ({"rain_rate_mm_h": [20, 10]}, "write the lower end first"),
        ({"exposure_ms": 500}, "between 0.05 and 200"),
        ({"preset": "rain100l-like"}, "belongs to kind streaks"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Particles(**fields)
