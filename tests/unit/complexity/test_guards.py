from __future__ import annotations

import cv2
import numpy as np
import pytest

from rainkit.complexity import GUARDS, Guards, measure_guards
from rainkit.complexity.ladders import draw_field, draw_leaves
from rainkit.images import decode, encode_jpeg
from rainkit.records import Pixels
from rainkit.seeds import Stream

from .pictures import DEGENERATE


@pytest.fixture(scope="module")
def photograph() -> Pixels:
    """Leaves with a texture like a photograph's, over a plain ground on the left."""
    rng = Stream(5, "photograph")
    leaves = draw_leaves(60, rng) * 0.7 + 40 + 12.0 * draw_field(2.0, rng.child("texture"))[:, :, None]
    leaves[:, :60] = 120 + 3.0 * draw_field(3.0, rng.child("ground"))[:, :60, None]
    return np.clip(np.rint(leaves), 0, 255).astype(np.uint8)


def enlarge(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))


def failed(pixels: Pixels) -> set[str]:
    return {name for name, value in measure_guards(pixels).items() if value > GUARDS[name].suggested}


def test_a_good_picture_passes(photograph: Pixels) -> None:
    assert failed(photograph) == set()
    assert failed(decode(encode_jpeg(photograph, 92))) == set()


@pytest.mark.parametrize("sides", [(20, 20, 0, 0), (0, 0, 12, 30), (9, 9, 9, 9), (40, 0, 0, 0)])
@pytest.mark.parametrize("level", [0, 255, 77])
def test_borders_are_measured_by_their_area(photograph: Pixels, sides: tuple[int, ...], level: int) -> None:
    top, bottom, left, right = sides
    framed = cv2.copyMakeBorder(photograph, *sides, cv2.BORDER_CONSTANT, value=(level, level, level))
    share = 1 - 256 * 256 / ((256 + top + bottom) * (256 + left + right))
    assert measure_guards(framed)["border"] == pytest.approx(share, abs=2e-6)
    saved = measure_guards(decode(encode_jpeg(framed, 90)))["border"]
    assert share - 0.09 < saved < share + 0.01  # ringing in the blocks that hold the edge takes up to 8 px a side


@pytest.mark.parametrize("factor", [2, 3])
def test_enlarged_pictures_are_found(photograph: Pixels, factor: int) -> None:
    assert "upsampling" in failed(enlarge(photograph, factor))


@pytest.mark.parametrize("offset", [0, 3])
def test_heavy_compression_is_found_whatever_the_crop(photograph: Pixels, offset: int) -> None:
    heavy = decode(encode_jpeg(photograph, 15))[offset:, offset:]
    assert "blocking" in failed(heavy)
    values = [measure_guards(decode(encode_jpeg(photograph, quality)))["blocking"] for quality in (95, 60, 30, 12)]
    assert values == sorted(values)


@pytest.mark.parametrize("sigma", [5, 10, 20])
def test_noise_is_measured_in_levels(photograph: Pixels, sigma: int) -> None:
    noise = Stream(1, "noise").normal(256 * 256, 0.0, sigma).reshape(256, 256, 1)
    noisy = np.clip(np.rint(photograph + noise), 0, 255).astype(np.uint8)
    assert measure_guards(noisy)["noise"] == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_pictures_have_values(name: str) -> None:
    values = measure_guards(DEGENERATE[name])
    assert list(values) == list(GUARDS)
    assert np.isfinite(list(values.values())).all()
    assert min(value for guard, value in values.items() if guard != "upsampling") >= 0  # noise has more fine detail


def test_a_constant_picture_is_all_border() -> None:
    assert measure_guards(DEGENERATE["white"])["border"] == 1.0


def test_guards_are_off_until_they_have_a_limit() -> None:
    worst = dict.fromkeys(GUARDS, 1e9)
    assert Guards().limits == {}
    assert Guards().refusal(worst) is None
    assert Guards(noise=6.0, border=0.1).limits == {"border": 0.1, "noise": 6.0}


def test_an_unknown_guard_is_refused() -> None:
    with pytest.raises(ValueError, match="blurr"):
        Guards.model_validate({"blurr": 1})


@pytest.mark.parametrize("name", GUARDS)
def test_each_guard_refuses_with_its_word_and_numbers(name: str) -> None:
    rule = Guards.model_validate({name: GUARDS[name].suggested})
    limit = GUARDS[name].suggested
    values = dict.fromkeys(GUARDS, 1e9) | {name: limit}
    assert rule.refusal(values) is None
    found = rule.refusal(values | {name: limit + 1.5})
    assert found is not None
    assert found[0] == GUARDS[name].reason
    assert f"{limit + 1.5:.4g}" in found[1]
    assert f"limit of {limit:g}" in found[1]


def test_borders_that_meet_are_the_whole_picture() -> None:
    from rainkit.complexity.guards import measure_border

    assert measure_border(np.array([[[4, 9, 2]], [[11, 0, 5]]], np.uint8)) == 1.0
    ramp = np.repeat(np.array([[0, 8, 16]], np.uint8), 2, axis=0)
    assert measure_border(np.repeat(ramp[:, :, None], 3, axis=2)) == 1.0
