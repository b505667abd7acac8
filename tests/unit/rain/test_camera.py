"""The camera: angles to pixels, cut-outs, blur."""

from __future__ import annotations

import math

import pytest

from rainkit.rain.camera import Camera


def test_field_of_view_spans_the_longer_side() -> None:
    for shape in ((1080, 1920), (1920, 1080)):
        view = Camera(field_of_view=60).view(shape)
        assert max(view.width, view.height) == pytest.approx(2 * math.tan(math.radians(30)))
        assert view.width / view.height == pytest.approx(shape[1] / shape[0])


def test_small_pictures_are_cut_out_of_a_frame() -> None:
    camera = Camera(frame=640)
    patch, frame, large = camera.view((128, 128)), camera.view((480, 640)), camera.view((960, 1280))
    assert patch.focal_px == frame.focal_px
    assert patch.width == pytest.approx(frame.width / 5)
    assert large.width == pytest.approx(frame.width)
    assert Camera(frame=None).view((128, 128)).width == pytest.approx(frame.width)


def test_focal_length_and_pixel_pitch() -> None:
    camera = Camera(field_of_view=2 * math.degrees(math.atan(0.5)), sensor_width=36.0)
    assert camera.focal == pytest.approx(0.036)
    assert camera.pixel_pitch((1000, 1500)) == pytest.approx(24.0)
    assert camera.view((1000, 1500)).focal_px == pytest.approx(1500)


@pytest.mark.parametrize("distance", [0.3, 1.0, 5.9, 6.0, 30.0])
def test_blur_is_the_circle_of_confusion(distance: float) -> None:
    camera = Camera(f_number=2.0, focus=6.0)
    shape = (720, 1280)
    focal, pitch = camera.focal, camera.pixel_pitch(shape) * 1e-6
    circle = abs(distance - 6.0) * focal**2 / (distance * (6.0 - focal) * 2.0) / pitch
    assert camera.view(shape).blur(distance) == pytest.approx(circle, abs=1e-9)


def test_a_smaller_opening_blurs_less() -> None:
    wide, narrow = (Camera(f_number=n).view((512, 512)).blur(0.5) for n in (2.0, 8.0))
    assert wide == pytest.approx(4 * narrow)
    assert narrow > 0
